"""Was it retracted? What Retraction Watch knows, kept in the data folder, so that nobody has to be asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from carrel.errors import BadRequest, Unavailable
from carrel.records import Work, WorkStatus
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.retractionwatch import Notice, read_notices
from carrel.scholarly.shapes import iso_date
from carrel.scholarly.standing import gravest

__all__ = ["LoadedNotices", "Retractions"]

SOURCE = "retraction-watch"
_FILE = "retractions.sqlite"
_REPORT = 10_000  # rows between two reports of progress
_SCHEMA = """
CREATE TABLE against(work TEXT, state TEXT, date TEXT, reason TEXT, notice TEXT,
  PRIMARY KEY(work, state, date, reason, notice)) WITHOUT ROWID;
CREATE TABLE notices(name TEXT, state TEXT, PRIMARY KEY(name, state)) WITHOUT ROWID;
CREATE TABLE dataset(as_of TEXT);
"""


@dataclass(frozen=True, slots=True)
class LoadedNotices:
    """What became of the file: ``notices`` kept, rows ``left_out`` (no DOI or PMID, unknown nature), its date."""

    path: str
    notices: int
    left_out: int
    as_of: str


class Retractions:
    """The dataset under ``data``, if one was loaded. Loading replaces it whole: readers see the old one or the new."""

    def __init__(self, data: Path) -> None:
        self._path = data / _FILE

    def load(
        self, path: Path, as_of: str = "", *, on_progress: Callable[[int], None] = lambda done: None
    ) -> LoadedNotices:
        """Load the CSV. ``as_of`` is the day it was published; by default that of the newest notice in it.

        Raises BadRequest for another file, one without a single notice, or an impossible date; what was there stays.
        """
        if as_of and iso_date(as_of) != as_of:
            raise BadRequest(f"{as_of!r} is not a date such as 2026-10-07")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=self._path.parent, prefix=".retractions-") as folder:
                made = Path(folder) / _FILE
                with closing(sqlite3.connect(made)) as connection, connection:
                    did = _fill(connection, path, as_of, on_progress)
                made.replace(self._path)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"the retractions could not be written to {self._path.parent} ({error})") from None
        return did

    def judge(self, works: Sequence[Work]) -> list[Work]:
        """The works with their standing as the services and the dataset together tell it; unchanged without one.

        Raises Unavailable for a damaged dataset.
        """
        if not self._path.exists():
            return list(works)
        with self._open() as (connection, as_of):
            return [_judged(work, _told(connection, _names(work.identifiers), as_of)) for work in works]

    def told_of(self, identifier: Identifier) -> WorkStatus | None:
        """What the dataset says against a work of which nothing else is known."""
        if not self._path.exists():
            return None
        with self._open() as (connection, as_of):
            told = _told(connection, [f"{identifier.scheme}:{identifier.value}"], as_of)
        return told if told is not None and told.state != "none_known" else None

    @contextmanager
    def _open(self) -> Iterator[tuple[sqlite3.Connection, str]]:
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                (as_of,) = connection.execute("SELECT as_of FROM dataset").fetchone()
                yield connection, as_of
        except (sqlite3.Error, TypeError) as error:
            raise Unavailable(
                f"the retractions kept here cannot be read ({error}); load them again with `carrel retractions load`"
            ) from None


def _fill(connection: sqlite3.Connection, path: Path, as_of: str, on_progress: Callable[[int], None]) -> LoadedNotices:
    connection.executescript(_SCHEMA)
    kept, left_out, newest = 0, 0, ""
    for row, notice in zip(count(1), read_notices(path), strict=False):
        if isinstance(notice, Notice):
            _keep(connection, notice)
            kept, newest = kept + 1, max(newest, notice.date)
        else:
            left_out += 1
        if row % _REPORT == 0:
            on_progress(row)
    if not kept:
        raise BadRequest(f"{path} holds no notice; the retractions that were loaded before stay")
    connection.execute("INSERT INTO dataset VALUES(?)", (as_of or newest,))
    return LoadedNotices(str(path.absolute()), kept, left_out, as_of or newest)


def _keep(connection: sqlite3.Connection, notice: Notice) -> None:
    shown = notice.notices[0].removeprefix("doi:") if notice.notices else ""
    rows = [(work, notice.state, notice.date, notice.reason, shown) for work in notice.works]
    connection.executemany("INSERT OR IGNORE INTO against VALUES(?,?,?,?,?)", rows)
    connection.executemany(
        "INSERT OR IGNORE INTO notices VALUES(?,?)", [(name, notice.state) for name in notice.notices]
    )


def _names(identifiers: Mapping[str, str]) -> list[str]:
    """What the dataset may call a work; a retracted preprint says nothing of the article it became."""
    schemes = ("doi", "pmid") if "doi" in identifiers else ("arxiv", "pmid")
    return [f"{scheme}:{identifiers[scheme]}" for scheme in schemes if scheme in identifiers]


def _told(connection: sqlite3.Connection, names: Sequence[str], as_of: str) -> WorkStatus | None:
    """What the first name that the dataset knows stands for; None for a work without a name to look up."""
    for name in names:
        rows = connection.execute("SELECT state, date, reason, notice FROM against WHERE work=?", (name,)).fetchall()
        if rows:
            told = sorted(rows)
            return gravest([WorkStatus(s, date, reason, notice, SOURCE, as_of) for s, date, reason, notice in told])
        kinds = connection.execute("SELECT state FROM notices WHERE name=? ORDER BY state", (name,)).fetchall()
        if kinds:
            said = ", ".join(_KINDS[kind] for (kind,) in kinds)
            return WorkStatus("none_known", reason=f"this is itself a notice: {said}", provider=SOURCE, as_of=as_of)
    return WorkStatus("none_known", provider=SOURCE, as_of=as_of) if names else None


_KINDS = {
    "retracted": "retraction",
    "withdrawn": "withdrawal",
    "reinstated": "reinstatement",
    "expression_of_concern": "expression of concern",
    "corrected": "correction",
}
_GRAVITY = ("retracted", "withdrawn", "reinstated", "expression_of_concern", "corrected", "none_known")


def _judged(work: Work, told: WorkStatus | None) -> Work:
    """The graver word counts; a notice is not what it gives notice of, whatever a bare flag says."""
    said = work.status
    if told is None or (said is not None and said.state not in _GRAVITY):
        return work
    if said is not None and not _outweighs(told, said):
        return work
    conflicts = work.conflicts
    if said is not None and said.state != told.state:
        conflicts = (*conflicts, f"status: {said.provider}={said.state}; {SOURCE}={told.state}")
    return replace(work, status=told, conflicts=conflicts, provenance={**work.provenance, "status": SOURCE})


def _outweighs(told: WorkStatus, said: WorkStatus) -> bool:
    if told.state == "none_known":
        is_notice = bool(told.reason) and not said.notice
        return is_notice or (said.state == "none_known" and not said.as_of)
    if "reinstated" in (told.state, said.state) and told.state != said.state:
        rival = said if told.state == "reinstated" else told
        back = told if told.state == "reinstated" else said
        back_stands = _GRAVITY.index(rival.state) > _GRAVITY.index("reinstated") or back.date >= rival.date
        return back_stands == (back is told)
    return _GRAVITY.index(told.state) <= _GRAVITY.index(said.state)
