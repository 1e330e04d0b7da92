"""The dataset of Retraction Watch, kept in the data folder: which works were retracted, without asking anybody."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path

import pytest

from carrel.errors import BadRequest, NotFound, Unavailable
from carrel.records import Work, WorkStatus
from carrel.scholarly import Identifier, Retractions

COLUMNS = (
    *("Record ID", "Title", "Subject", "Institution", "Journal", "Publisher", "Country", "Author", "URLS"),
    *("ArticleType", "RetractionDate", "RetractionDOI", "RetractionPubMedID", "OriginalPaperDate", "OriginalPaperDOI"),
    *("OriginalPaperPubMedID", "RetractionNature", "Reason", "Paywalled", "Notes", ""),
)
STATUS = Path(__file__).parents[4] / "shared" / "data" / "retractions" / "retraction_status.csv.gz"


def row(doi: str, nature: str = "Retraction", date: str = "3/9/2022 0:00", **more: str) -> dict[str, str]:
    told = {
        "OriginalPaperDOI": doi,
        "OriginalPaperPubMedID": "0",
        "RetractionDOI": "unavailable",
        "RetractionPubMedID": "0",
        "RetractionNature": nature,
        "RetractionDate": date,
        "Reason": "+Concerns/Issues About Data;+Error in Analyses;",
    }
    return dict.fromkeys(COLUMNS, "") | told | more


def write(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def loaded(folder: Path, *rows: dict[str, str], as_of: str = "") -> Retractions:
    kept = Retractions(folder / "data")
    kept.load(write(folder / "rw.csv", rows), as_of)
    return kept


def work(doi: str = "", status: WorkStatus | None = None, **identifiers: str) -> Work:
    return Work("Widgets", identifiers=({"doi": doi} if doi else {}) | identifiers, status=status)


def told(kept: Retractions, one: Work) -> WorkStatus:
    (judged,) = kept.judge([one])
    assert judged.status is not None
    return judged.status


def test_a_retracted_work_is_known_with_reason_date_notice_and_the_age_of_the_dataset(tmp_path: Path) -> None:
    kept = loaded(tmp_path, row("10.5555/Bad", RetractionDOI="10.5555/notice"), as_of="2026-10-07")
    assert told(kept, work("10.5555/bad")) == WorkStatus(
        "retracted",
        "2022-03-09",
        "Concerns/Issues About Data; Error in Analyses",
        "10.5555/notice",
        "retraction-watch",
        "2026-10-07",
    )
    none = told(kept, work("10.5555/good"))
    assert (none.state, none.as_of, none.provider) == ("none_known", "2026-10-07", "retraction-watch")


def test_a_notice_is_never_what_it_gives_notice_of_even_where_a_catalogue_flags_it(tmp_path: Path) -> None:
    notice = {"RetractionDOI": "10.5555/notice", "RetractionPubMedID": "77"}
    kept = loaded(tmp_path, row("10.5555/bad", OriginalPaperPubMedID="76", **notice))
    flagged = WorkStatus("retracted", provider="openalex", as_of="2026-01-01")
    for one in (work("10.5555/notice", flagged), work(pmid="77")):
        assert told(kept, one).state == "none_known"
        assert told(kept, one).reason == "this is itself a notice: retraction"
    (judged,) = kept.judge([work("10.5555/notice", flagged)])
    assert judged.conflicts == ("status: openalex=retracted; retraction-watch=none_known",)
    assert told(kept, work(pmid="76")).state == "retracted"


def test_a_work_whose_notice_stands_under_its_own_doi_is_retracted(tmp_path: Path) -> None:
    kept = loaded(tmp_path, row("10.5555/bad", RetractionDOI="10.5555/BAD"))
    assert told(kept, work("10.5555/bad")).state == "retracted"


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ([("Retraction", "1/2/2020"), ("Reinstatement", "2/1/2020")], "reinstated"),
        ([("Reinstatement", "2/1/2020"), ("Retraction", "1/2/2020")], "reinstated"),
        ([("Retraction", "1/2/2020"), ("Reinstatement", "2/1/2020"), ("Retraction", "3/1/2021")], "retracted"),
        ([("Expression of concern", "1/2/2020"), ("Retraction", "1/2/2021")], "retracted"),
        ([("Expression of concern", "2020-01-02")], "expression_of_concern"),
        ([("Correction", "")], "corrected"),
    ],
)
def test_the_history_of_a_work_decides_its_standing(tmp_path: Path, history: list[tuple[str, str]], state: str) -> None:
    kept = loaded(tmp_path, *(row("10.5555/x", nature, date) for nature, date in history))
    assert told(kept, work("10.5555/x")).state == state


@pytest.mark.parametrize(
    ("service", "state", "by"),
    [
        (WorkStatus("none_known", provider="crossref", as_of="2026-11-30"), "retracted", "retraction-watch"),
        (WorkStatus("corrected", provider="crossref"), "retracted", "retraction-watch"),
        (WorkStatus("reinstated", date="2023-01-01", provider="crossref"), "reinstated", "crossref"),
        (WorkStatus("reinstated", date="2021-01-01", provider="crossref"), "retracted", "retraction-watch"),
    ],
)
def test_the_graver_word_counts_unless_the_work_was_reinstated_since(
    tmp_path: Path, service: WorkStatus, state: str, by: str
) -> None:
    status = told(loaded(tmp_path, row("10.5555/x")), work("10.5555/x", service))
    assert (status.state, status.provider) == (state, by)


def test_a_service_that_knows_of_a_later_retraction_outweighs_a_dataset_without_it(tmp_path: Path) -> None:
    kept = loaded(tmp_path, row("10.5555/x"))
    service = WorkStatus("retracted", date="2026-11-01", provider="crossref/publisher", as_of="2026-11-30")
    assert told(kept, work("10.5555/other", service)) == service
    fresh = WorkStatus("none_known", provider="crossref", as_of="2026-11-30")
    assert told(kept, work("10.5555/other", fresh)) == fresh


def test_a_retracted_preprint_says_nothing_of_the_article_it_became(tmp_path: Path) -> None:
    kept = loaded(tmp_path, row("10.48550/arXiv.2101.00001"))
    assert told(kept, work(arxiv="2101.00001")).state == "retracted"
    assert told(kept, work("10.5555/article", arxiv="2101.00001")).state == "none_known"


def test_loading_again_replaces_the_dataset_and_a_bad_file_leaves_it(tmp_path: Path) -> None:
    kept = loaded(tmp_path, row("10.5555/old"), row("unavailable"), row("10.5555/y", nature="Riddle"))
    again = kept.load(write(tmp_path / "new.csv", [row("10.5555/new", date="1/31/2026 0:00")] * 2))
    assert (again.notices, again.left_out, again.as_of) == (2, 0, "2026-01-31")
    assert told(kept, work("10.5555/old")).state == "none_known"
    (tmp_path / "page.csv").write_text("<!doctype html><title>Sign in</title>")
    for bad in (tmp_path / "page.csv", write(tmp_path / "none.csv", [])):
        with pytest.raises(BadRequest):
            kept.load(bad)
    with pytest.raises(BadRequest, match="not a date"):
        kept.load(tmp_path / "new.csv", "yesterday")
    with pytest.raises(NotFound):
        kept.load(tmp_path / "missing.csv")
    assert told(kept, work("10.5555/new")).state == "retracted"
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["retractions.sqlite"]


def test_a_damaged_dataset_is_told_and_none_at_all_changes_nothing(tmp_path: Path) -> None:
    one = work("10.5555/x")
    assert Retractions(tmp_path / "nowhere").judge([one]) == [one]
    (tmp_path / "retractions.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(Unavailable, match="load them again"):
        Retractions(tmp_path).judge([one])
    assert Retractions(tmp_path / "nowhere").told_of(Identifier("doi", "10.5555/x")) is None


@pytest.mark.skipif(not STATUS.exists(), reason="the list of Retraction Watch's notices is not here")
def test_every_retraction_of_the_real_dataset_is_recalled(tmp_path: Path) -> None:
    with gzip.open(STATUS, "rt", encoding="utf-8", newline="") as file:
        real = [(line["doi"], line["nature"].split(";")) for line in csv.DictReader(file)][::10]
    kept = loaded(tmp_path, *(row(doi, kind, date="1/1/2020") for doi, kinds in real for kind in kinds))
    retracted = [doi for doi, kinds in real if kinds == ["Retraction"]]
    states = [w.status.state for w in kept.judge([work(doi.lower()) for doi in retracted]) if w.status]
    assert len(retracted) > 5_000
    assert states.count("retracted") / len(retracted) >= 0.99
