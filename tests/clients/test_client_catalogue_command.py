"""``carrel catalogue load``: a user keeps dumps of the literature."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_a_dump_is_loaded_and_its_bad_records_are_told(carrel: Any, tmp_path: Path) -> None:
    dump, data = tmp_path / "refs.bib", str(tmp_path / "data")
    dump.write_text("@article{a, title={Cogs and wheels}, author={Tooth, Eve}, year={1999}}\n@book{b, year=1}\n")
    ran = carrel("catalogue", "load", str(dump), "--collection", "papers", "--data", data, "--json")
    assert ran.code == 0, ran.out + ran.err
    assert (ran.code, ran.json[0]["added"], ran.json[0]["bad"]) == (0, 1, 1)
    again = carrel("catalogue", "load", str(dump), "--collection", "papers", "--data", data)
    assert "0 works added, 0 replaced, 1 unchanged" in again.out
    assert "entry b: it has no title" in again.out
    missing = carrel("catalogue", "load", str(tmp_path / "none"), "--data", data)
    assert missing.code != 0
    assert "there is no file" in missing.err


def test_the_dataset_of_retractions_is_loaded_and_its_date_is_told(carrel: Any, tmp_path: Path) -> None:
    dump, data = tmp_path / "rw.csv", str(tmp_path / "data")
    dump.write_text(
        "OriginalPaperDOI,OriginalPaperPubMedID,RetractionDOI,RetractionNature,RetractionDate,Reason,\n"
        "10.5555/bad,0,10.5555/notice,Retraction,3/9/2022 0:00,+Error;,\nunavailable,0,,Retraction,3/9/2022 0:00,,\n"
    )
    ran = carrel("retractions", "load", str(dump), "--data", data, "--json")
    assert (ran.code, ran.json[0]["notices"], ran.json[0]["left_out"]) == (0, 1, 1)
    again = carrel("retractions", "load", str(dump), "--as-of", "2026-10-07", "--data", data)
    assert "1 notice as of 2026-10-07, 1 row left out" in again.out
    dump.write_text("a,b\n1,2\n")
    refused = carrel("retractions", "load", str(dump), "--data", data)
    assert refused.code != 0
    assert "not the CSV of Retraction Watch" in refused.err
