"""What is known of crawls, on disk: which pages wait, which are done, and what each page looked like last time.

A SQLite file of its own in the data folder, so that a crawl goes on in another process after any end of this one.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from carrel.errors import CarrelError, NotFound, Refused, Unavailable
from carrel.web import loose_key

__all__ = ["Crawling", "Ledger", "Seen", "Spec", "Waiting"]

_KEPT = 50  # crawls whose pages are remembered one by one
_MAX_WAITING = 50_000  # addresses of one crawl
_SCHEMA = """
CREATE TABLE IF NOT EXISTS crawls(
  crawl_no INTEGER PRIMARY KEY, job_id TEXT NOT NULL UNIQUE, spec TEXT NOT NULL, base TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'open', tally TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS addresses(
  job_id TEXT NOT NULL, key TEXT NOT NULL, url TEXT NOT NULL, depth INTEGER NOT NULL, place INTEGER NOT NULL,
  state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, kind TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '',
  text_digest TEXT NOT NULL DEFAULT '', PRIMARY KEY(job_id, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS addresses_next ON addresses(job_id, state, depth, place);
CREATE TABLE IF NOT EXISTS pages(
  collection TEXT NOT NULL, url TEXT NOT NULL, etag TEXT NOT NULL, modified TEXT NOT NULL, digest TEXT NOT NULL,
  doc_id TEXT NOT NULL, PRIMARY KEY(collection, url)) WITHOUT ROWID;
"""
# crawls.state: open, stopping, over. addresses.state: waiting, read (but not yet in the library), kept, same, skipped.


@dataclass(frozen=True, slots=True)
class Spec:
    """What is to be crawled, and where its pages go."""

    start: str
    collection: str
    max_pages: int
    depth: int
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Crawling:
    """A crawl as the ledger knows it. ``base``: where the start led, empty until it was asked."""

    job_id: str
    spec: Spec
    base: str
    state: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """An address that waits; ``depth`` links away from the start."""

    key: str
    url: str
    depth: int
    tries: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page looked like when it was last kept: its validators (RFC 9110 section 8.8), its bytes' hash, and the
    document made of it."""

    url: str
    etag: str
    modified: str
    digest: str
    doc_id: str


class Ledger:
    """The ledger of a data folder. Safe for many threads and processes; of each crawl one process at a time writes."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                folder / "crawls.sqlite", timeout=30, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            # without a sync for each address: after a power cut some pages are asked for again, and none is missing
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise Refused(
                "the state of crawls cannot be written in the data folder; choose another with --data"
            ) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    # crawls -----------------------------------------------------------------------------------------------------------

    def begin(self, job_id: str, spec: Spec) -> None:
        """Write a new crawl down; of many old ones the addresses are forgotten."""
        with self._change() as change:
            change("INSERT INTO crawls(job_id, spec) VALUES(?,?)", (job_id, json.dumps(asdict(spec))))
            change(
                "DELETE FROM addresses WHERE job_id IN (SELECT job_id FROM crawls WHERE state='over' "
                "ORDER BY crawl_no DESC LIMIT -1 OFFSET ?)",
                (_KEPT,),
            )

    def crawling(self, job_id: str) -> Crawling:
        """One crawl. Raises NotFound."""
        found = self._rows("SELECT job_id, spec, base, state FROM crawls WHERE job_id=?", (job_id,))
        if not found:
            raise NotFound("no such crawl in this data folder; crawl_site with a start begins one")
        return _crawling(found[0])

    def unfinished(self, spec: Spec) -> Crawling | None:
        """The newest crawl of just this spec that is not over."""
        rows = self._rows("SELECT job_id, spec, base, state FROM crawls WHERE state='open' ORDER BY crawl_no DESC")
        return next((found for found in map(_crawling, rows) if found.spec == spec), None)

    def set_base(self, job_id: str, base: str) -> None:
        """Remember where the start led."""
        with self._change() as change:
            change("UPDATE crawls SET base=? WHERE job_id=?", (base, job_id))

    def set_state(self, job_id: str, state: str) -> None:
        """``stopping`` asks whoever runs the crawl to stop, ``over`` ends it; an ended one stays ended."""
        with self._change() as change:
            change("UPDATE crawls SET state=? WHERE job_id=? AND state!='over'", (state, job_id))

    def tally(self, job_id: str) -> dict[str, int]:
        """The counts last saved."""
        found = self._rows("SELECT tally FROM crawls WHERE job_id=?", (job_id,))
        return dict(json.loads(found[0][0])) if found else {}

    # addresses --------------------------------------------------------------------------------------------------------

    def recover(self, job_id: str) -> None:
        """Let what was read and not kept wait again: its process ended in between."""
        with self._change() as change:
            change("UPDATE addresses SET state='waiting', text_digest='' WHERE job_id=? AND state='read'", (job_id,))

    def extend(self, job_id: str, urls: Iterable[str], depth: int) -> None:
        """Have addresses wait, each page of them once."""
        with self._change() as change:
            (count,) = self._connection.execute("SELECT count(*) FROM addresses WHERE job_id=?", (job_id,)).fetchone()
            for url in urls:
                if count >= _MAX_WAITING:
                    return
                count += change(
                    "INSERT OR IGNORE INTO addresses(job_id, key, url, depth, place, state) "
                    "VALUES(?,?,?,?,?,'waiting')",
                    (job_id, loose_key(url), url, depth, count),
                ).rowcount

    def next(self, job_id: str, busy: Sequence[str]) -> Waiting | None:
        """The address to be asked next, nearest to the start first, but none whose key is ``busy``."""
        rows = self._rows(
            "SELECT key, url, depth, tries FROM addresses WHERE job_id=? AND state='waiting' AND key NOT IN "
            "(SELECT value FROM json_each(?)) ORDER BY depth, place LIMIT 1",
            (job_id, json.dumps(list(busy))),
        )
        return Waiting(*rows[0]) if rows else None

    def again(self, job_id: str, waiting: Waiting) -> None:
        """Count a try that failed; the address waits again, behind the others of its depth."""
        with self._change() as change:
            change(
                "UPDATE addresses SET tries=tries+1, place=place+1000000 WHERE job_id=? AND key=?",
                (job_id, waiting.key),
            )

    def settle(self, job_id: str, waiting: Waiting, state: str, *, kind: str = "", why: str = "") -> None:
        """Say what became of an address."""
        with self._change() as change:
            change(
                "UPDATE addresses SET state=?, kind=?, why=? WHERE job_id=? AND key=?",
                (state, kind, why, job_id, waiting.key),
            )

    def claim(self, job_id: str, waiting: Waiting, url: str) -> bool:
        """Whether a redirect to ``url`` leads to a page that no other address of the crawl has led to."""
        key = loose_key(url)
        if key == waiting.key:
            return True
        with self._change() as change:
            change("DELETE FROM addresses WHERE job_id=? AND key=? AND state='waiting'", (job_id, key))
            inserted = change(
                "INSERT OR IGNORE INTO addresses(job_id, key, url, depth, place, state, why) "
                "VALUES(?,?,?,?,0,'alias',?)",
                (job_id, key, url, waiting.depth, waiting.key),
            ).rowcount
            owner = self._connection.execute(
                "SELECT state, why FROM addresses WHERE job_id=? AND key=?", (job_id, key)
            ).fetchone()
        return bool(inserted) or tuple(owner) == ("alias", waiting.key)

    def read(self, job_id: str, waiting: Waiting, text_digest: str) -> str:
        """Note that a page was read; the address of another page of the crawl with the same text, if there is one.

        Of two that are read at once one is the twin of the other."""
        with self._change() as change:
            twin = change(
                "SELECT url FROM addresses WHERE job_id=? AND text_digest=? AND key!=? "
                "AND state IN ('read', 'kept', 'same')",
                (job_id, text_digest, waiting.key),
            ).fetchone()
            if twin:
                return str(twin[0])
            change(
                "UPDATE addresses SET state='read', text_digest=? WHERE job_id=? AND key=?",
                (text_digest, job_id, waiting.key),
            )
        return ""

    def keep(
        self, job_id: str, collection: str, kept: Sequence[tuple[Waiting, Seen]], tally: dict[str, int], state: str
    ) -> None:
        """Settle addresses whose pages are in the library now, and remember what they looked like."""
        with self._change() as change:
            for waiting, seen in kept:
                change("UPDATE addresses SET state=? WHERE job_id=? AND key=?", (state, job_id, waiting.key))
                change(
                    "INSERT OR REPLACE INTO pages VALUES(?,?,?,?,?,?)",
                    (collection, seen.url, seen.etag, seen.modified, seen.digest, seen.doc_id),
                )
            change("UPDATE crawls SET tally=? WHERE job_id=?", (json.dumps(tally), job_id))

    def seen(self, collection: str, url: str) -> Seen | None:
        """What a page looked like when it was last kept in this collection."""
        rows = self._rows(
            "SELECT url, etag, modified, digest, doc_id FROM pages WHERE collection=? AND url=?", (collection, url)
        )
        return Seen(*rows[0]) if rows else None

    def counts(self, job_id: str) -> dict[str, int]:
        """How many addresses are in each state."""
        return dict(self._rows("SELECT state, count(*) FROM addresses WHERE job_id=? GROUP BY state", (job_id,)))

    def skipped(self, job_id: str, most: int) -> list[tuple[str, str, str]]:
        """The first ``most`` addresses that were skipped: address, kind and reason."""
        rows = self._rows(
            "SELECT url, kind, why FROM addresses WHERE job_id=? AND state='skipped' ORDER BY depth, place LIMIT ?",
            (job_id, most),
        )
        return [(str(url), str(kind), str(why)) for url, kind, why in rows]

    # ------------------------------------------------------------------------------------------------------------------

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except sqlite3.Error as error:
                raise _told(error) from error

    @contextmanager
    def _change(self) -> Iterator[Any]:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection.execute
                finally:
                    # what was done stays done: each step is true by itself
                    if self._connection.in_transaction:
                        self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise _told(error) from error


def _crawling(row: Sequence[Any]) -> Crawling:
    facts = json.loads(row[1])
    spec = Spec(**{**facts, "include": tuple(facts["include"]), "exclude": tuple(facts["exclude"])})
    return Crawling(str(row[0]), spec, str(row[2]), str(row[3]))


def _told(error: sqlite3.Error) -> CarrelError:
    if isinstance(error, sqlite3.ProgrammingError):
        return Unavailable("the server is stopping; start it again")
    return Unavailable("the state of crawls cannot be read or written now; check the data folder's disk and try again")
