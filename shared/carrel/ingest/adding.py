"""Sources to index: find the files, parse them, add them in batches, and say what was left out and why."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from carrel.documents import MAX_BYTES, parse
from carrel.errors import BadRequest, CarrelError, Refused, Unsupported
from carrel.index import Library
from carrel.ingest.finding import Skipped, find_files, is_url
from carrel.records import Document

__all__ = ["Outcome", "Progress", "add", "note"]

_BATCH_DOCUMENTS = 256
_BATCH_CHARS = 8_000_000

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Counts of documents and passages, what was skipped, and ``(doc_id, title, source)`` of the documents."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    passages: int = 0
    generation: int = 0
    documents: tuple[tuple[str, str, str], ...] = ()
    skipped: tuple[Skipped, ...] = ()


@dataclass(slots=True)
class _Batch:
    documents: list[Document] = field(default_factory=list)
    stats: list[tuple[int, int]] = field(default_factory=list)
    chars: int = 0


def note(text: str, *, title: str = "", tags: tuple[str, ...] = ()) -> Document:
    """A document made of text the caller hands over. Its source is ``text:`` and its title (or first words), so
    that handing over a new version replaces the old one. Raises BadRequest for empty text."""
    name = title.strip() or " ".join(text.split()[:8])
    document = parse(
        text.encode("utf-8", "surrogatepass"),
        source=f"text:{name}",
        source_kind="text",
        media_type="text/markdown",
        charset="utf-8",
        title=title.strip(),
        tags=tags,
    )
    return document if document.title else replace(document, title=name)


def add(
    library: Library,
    sources: Sequence[str],
    *,
    roots: Sequence[Path] = (),
    collection: str = "default",
    tags: tuple[str, ...] = (),
    notes: Sequence[Document] = (),
    read_url: Callable[[str], Document] | None = None,
    on_progress: Progress = lambda done, total, message: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Add files, folders, globs and URLs, and ready-made ``notes``, to a collection.

    Files must lie inside ``roots``. One bad source never spares the others: it is in ``skipped``. Unchanged files
    (size and modification time) are not read again. Stops between batches once ``cancelled()`` is true; what was
    added stays.
    """
    files, skipped = find_files(sources, roots)
    urls = [source for source in sources if is_url(source)]
    total = len(files) + len(urls) + len(notes)
    outcome = Outcome(generation=library.generation(), skipped=tuple(skipped))
    work = _documents(library, collection, files, urls, notes, tags, read_url)
    batch = _Batch()
    for done, item in enumerate(work, start=1):
        if isinstance(item, Skipped):
            outcome = replace(outcome, skipped=(*outcome.skipped, item))
        elif item is None:
            outcome = replace(outcome, unchanged=outcome.unchanged + 1)
        else:
            document, stats = item
            batch.documents.append(document)
            batch.stats.append(stats)
            batch.chars += len(document.text)
        if len(batch.documents) >= _BATCH_DOCUMENTS or batch.chars >= _BATCH_CHARS:
            outcome, batch = _commit(library, collection, batch, outcome), _Batch()
            if cancelled():
                return outcome
        on_progress(done, total, "reading")
    return _commit(library, collection, batch, outcome) if batch.documents else outcome


def _commit(library: Library, collection: str, batch: _Batch, outcome: Outcome) -> Outcome:
    did = library.add(batch.documents, collection, stats=batch.stats)
    return replace(
        outcome,
        added=outcome.added + did.added,
        replaced=outcome.replaced + did.replaced,
        unchanged=outcome.unchanged + did.unchanged,
        passages=outcome.passages + did.passages,
        generation=did.generation,
        documents=outcome.documents + tuple((d.doc_id, d.title, d.source) for d in batch.documents),
    )


def _documents(
    library: Library,
    collection: str,
    files: Sequence[Path],
    urls: Sequence[str],
    notes: Sequence[Document],
    tags: tuple[str, ...],
    read_url: Callable[[str], Document] | None,
) -> Iterator[tuple[Document, tuple[int, int]] | Skipped | None]:
    """Each source's document with its file's ``(size, mtime_ns)``, or why not, or None when it has not changed."""
    for path in files:
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise Unsupported("that is not a regular file")  # reading a pipe would never end
            if not _is_text(str(path)):
                raise BadRequest("the name of that file is not valid text; rename it")
            seen = (found.st_size, found.st_mtime_ns)
            if not tags and library.known_file(collection, str(path)) == seen:
                yield None
            else:
                yield _read(path, found.st_size, tags), seen
        except OSError as error:
            yield Skipped(_shown(path), "unavailable", f"cannot be read: {error.strerror or 'unknown reason'}")
        except CarrelError as error:
            yield Skipped(_shown(path), error.kind, str(error))
    for url in urls:
        try:
            if read_url is None:
                raise Unsupported("this server does not fetch pages; read it with read_page(keep=true)")
            yield replace(read_url(url), tags=tags), (-1, -1)
        except CarrelError as error:
            yield Skipped(url, error.kind, str(error))
    for document in notes:
        yield document, (-1, -1)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _read(path: Path, size: int, tags: tuple[str, ...]) -> Document:
    if size > MAX_BYTES:
        raise Refused(f"the file has {size // 1_000_000} MB and the limit is {MAX_BYTES // 1_000_000} MB; split it")
    return parse(path.read_bytes(), source=str(path), tags=tags)
