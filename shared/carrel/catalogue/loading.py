"""A dump into a collection: some thousand works a commit, going on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from carrel.catalogue.dumps import read_dump
from carrel.catalogue.names import Names
from carrel.errors import BadRequest, NotFound
from carrel.index import Library, check_collection
from carrel.records import Document, Work
from carrel.scholarly import work_document

__all__ = ["Loaded", "load"]

BATCH = 5_000  # works a commit
_NAMED = 20  # bad records whose place is told


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a dump: works ``added``, ``replaced`` (another abstract), ``unchanged``, and ``bad`` records.

    ``problems`` name the first twenty bad ones. ``went_on_at`` is the record before which an earlier attempt had been
    stopped, 0 if it was read from its start.
    """

    path: str
    added: int
    replaced: int
    unchanged: int
    bad: int
    problems: tuple[str, ...]
    went_on_at: int


def load(
    library: Library,
    names: Names,
    path: Path,
    collection: str,
    *,
    on_progress: Callable[[int], None] = lambda done: None,
    batch: int = BATCH,
) -> Loaded:
    """Load one file; loading it again changes nothing. ``on_progress`` hears how many records are through
    after each ``batch`` of works, which are one commit.

    A work without an abstract does not take the place of one that has it. Raises what `read_dump` and the library do.
    """
    check_collection(collection)
    where = str(path.absolute())
    stamp = _stamp(path)
    number = _number(library, names, collection)
    begun = reached = names.reached(where, number, stamp) if number else 0
    works: list[Work] = []
    problems: list[str] = []
    counts = [0, 0, 0]
    bad = 0

    def commit() -> None:
        nonlocal works
        did = _put(library, names, works, collection)
        counts[:] = [a + b for a, b in zip(counts, did, strict=True)]
        works = []
        names.reach(where, library.collection(collection).number, stamp, reached)
        on_progress(reached)

    for place, entry in read_dump(path, begun):
        if isinstance(entry, str):
            bad += 1
            problems += [f"record {place}: {entry}"] if len(problems) < _NAMED else []
        else:
            works.append(entry)
        reached = place
        if len(works) >= batch:
            commit()
    if works:
        commit()
    names.finish(where, _number(library, names, collection))
    added, replaced, unchanged = counts
    return Loaded(where, added, replaced, unchanged, bad, tuple(problems), begun)


def _stamp(path: Path) -> str:
    try:
        seen = path.stat()
    except OSError as error:
        raise NotFound(f"there is no file {path} ({error.strerror})") from None
    return f"{seen.st_size} {seen.st_mtime_ns}"


def _number(library: Library, names: Names, collection: str) -> int:
    """The collection's number, 0 before it is there: one made anew under the same name has another."""
    names.begin(collection)
    try:
        return library.collection(collection).number
    except NotFound:
        return 0


def _put(library: Library, names: Names, works: Sequence[Work], collection: str) -> tuple[int, int, int]:
    made: dict[str, tuple[Document, Work]] = {}
    for work in works:
        document = work_document(work)
        before = made.get(document.source)
        if before is None or work.abstract or not before[1].abstract:
            made[document.source] = (document, work)
    kept = {s: pair for s, pair in made.items() if pair[1].abstract or not _better(library, s, pair[0], collection)}
    pairs = [(f"{k}:{v}", s) for s, (_, w) in made.items() for k, v in w.identifiers.items() if f"{k}:{v}" != s]
    names.add(pairs)
    did = library.add([document for document, _ in kept.values()], collection)
    return did.added, did.replaced, did.unchanged + len(made) - len(kept)


def _better(library: Library, source: str, document: Document, collection: str) -> bool:
    """Whether the collection holds this work already with more text."""
    latest = library.latest(source)
    if latest is None or len(latest[0].text) <= len(document.text):
        return False
    try:
        return bool(library.find(collection, doc_ids=[latest[0].doc_id]))
    except (NotFound, BadRequest):
        return False
