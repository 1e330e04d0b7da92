"""Writers and readers of one library are killed at random instants: nothing acknowledged is lost, nothing half there.

The short form of ``python -m benchmarks.faults.run``, by the same code.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carrel.index import Library
from kit import REPOSITORY


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The harness's modules."""
    monkeypatch.syspath_prepend(str(REPOSITORY))
    from benchmarks.faults import checks, ledger, material, pipe, writer

    return type(
        "Modules", (), {"checks": checks, "ledger": ledger, "material": material, "pipe": pipe, "writer": writer}
    )


def test_kills_at_random_instants_lose_nothing_and_show_nothing_half(tmp_path: Path) -> None:
    out = tmp_path / "faults.json"
    command = [sys.executable, "-m", "benchmarks.faults.run", "--kills", "8", "--writers", "2", "--readers", "2"]
    command += ["--seconds", "15", "--seed", "7", "--out", str(out), "--keep", str(tmp_path / "work")]
    ended = subprocess.run(command, cwd=REPOSITORY, check=False, timeout=120, capture_output=True, text=True)
    figures = json.loads(out.read_text())["figures"]
    assert {kind: count for kind, count in figures["errors"].items() if count} == {}, ended.stderr
    assert ended.returncode == 0
    assert figures["kills"] >= 4
    assert figures["commits acknowledged"]["add"] >= 3
    assert figures["done"]["marker"] >= 10
    assert figures["checked at the end"]["references"] >= 10


def _written(faults: Any, tmp_path: Path, turns: int = 12) -> tuple[Path, Path]:
    """A data folder and its ledgers after some turns of one writer in this process."""
    data, ledgers = tmp_path / "data", tmp_path / "ledgers"
    ledgers.mkdir()
    library = Library(data, background=False)
    descriptor = os.open(os.devnull, os.O_WRONLY)
    author = faults.writer.Writer(library, ledgers, 0, random.Random(5), faults.pipe.Announcer(descriptor))
    for _ in range(turns):
        author.add()
        author.remove()
    library.close()
    os.close(descriptor)
    return data, ledgers


def _kinds(faults: Any, data: Path, ledgers: Path) -> set[str]:
    return {kind for kind, _ in faults.checks.check(data, ledgers, 1)[1]}


def _some_present(faults: Any, ledgers: Path) -> Any:
    reading = faults.ledger.Reading(faults.ledger.ledger_path(ledgers, 0), 0).refresh()
    present = [reading.current(number) for number in reading.by_source]
    return next(edition for edition in present if edition not in (None, "unknown"))


def test_the_harness_finds_nothing_where_nothing_is_wrong(faults: Any, tmp_path: Path) -> None:
    assert _kinds(faults, *_written(faults, tmp_path)) == set()


def test_the_harness_sees_a_document_that_was_lost(faults: Any, tmp_path: Path) -> None:
    data, ledgers = _written(faults, tmp_path)
    library = Library(data, background=False)
    library.remove("alpha", [faults.material.document(_some_present(faults, ledgers)).doc_id], forget=True)
    library.close()
    assert {"lost", "disagreement"} <= _kinds(faults, data, ledgers)


def test_the_harness_sees_a_document_that_came_back(faults: Any, tmp_path: Path) -> None:
    data, ledgers = _written(faults, tmp_path)
    reading = faults.ledger.Reading(faults.ledger.ledger_path(ledgers, 0), 0).refresh()
    gone = next(
        edition
        for number in reading.by_source
        for edition in reading.editions(number)
        if reading.erased(edition) is True and reading.current(number) is None
    )
    library = Library(data, background=False)
    library.add([faults.material.document(gone)], "alpha")
    library.close()
    assert {"revenant", "not_erased", "disagreement"} <= _kinds(faults, data, ledgers)


def test_a_batch_done_in_part_is_told_when_its_writer_comes_back(faults: Any, tmp_path: Path) -> None:
    data, ledgers = _written(faults, tmp_path, turns=2)
    ledger = faults.ledger.Ledger(ledgers, 0)
    editions = [faults.material.Edition(0, number, 9, 99) for number in (200, 201)]
    ledger.intent(99, "add", editions)
    library = Library(data, background=False)
    library.add([faults.material.document(editions[0])], "alpha")
    read, write = os.pipe()
    faults.writer.Writer(library, ledgers, 0, random.Random(5), faults.pipe.Announcer(write)).settle()
    library.close()
    os.close(write)
    with os.fdopen(read, "rb") as said:
        assert b"!torn_batch" in said.read()
