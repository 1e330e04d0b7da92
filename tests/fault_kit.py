"""What the fault tests share: a small library whose every right answer is known, and ways to damage its files."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from carrel.errors import CarrelError
from carrel.index import Library
from carrel.index.upkeep import examine, repair
from carrel.records import Document, Section, document_id
from carrel.retrieve import search
from kit import WordEncoder

_BIRDS = """albatross bittern cormorant dunnock egret fieldfare goldcrest hoopoe ibis jackdaw kittiwake lapwing merlin
nightjar osprey pintail quail redpoll shearwater turnstone"""
BIRDS = tuple(_BIRDS.split())
GONE = ("wagtail", "yellowhammer")
PARTS = 3


def bird(name: str, version: int = 1, source: str = "") -> Document:
    """A document of three sections, each one passage, each with the bird's name and three words that only it has."""
    text, sections = "", []
    for part in range(PARTS):
        start = len(text)
        words = " ".join(f"{name[:5]}{letter}{'abc'[part]}x" for letter in "pqr")
        text += f"## Part {part}\n\nThe {name} is known by {words} in version {version}.\n\n"
        sections.append(Section(f"Part {part}", 2, start, len(text), (f"Part {part}",)))
    source = source or f"notes/{name}"
    return Document(document_id(source, text), source, "text", "text/markdown", name.title(), text, tuple(sections))


def build(data: Path) -> None:
    """Fill a library in several commits, with a document replaced, two removed, and every vector made."""
    library = open_whole(data)
    for start in range(0, len(BIRDS), 5):
        library.add([bird(name) for name in BIRDS[start : start + 5]])
    library.add([bird(name, 0) for name in GONE])
    library.encode("default")
    library.add([bird("wagtail", 2, "notes/osprey-to-be"), bird("merlin", 0)])
    library.add([bird("merlin")])
    library.remove("default", list(library.find("default", source="notes/osprey-to-be")))
    library.remove("default", [bird(name, 0).doc_id for name in GONE])
    library.encode("default")
    library.close()


def open_whole(data: Path, **options: object) -> Library:
    """A library that may write, with an encoder and no background work."""
    return Library(data, encoder=WordEncoder, background=False, **options)  # type: ignore[arg-type]


@dataclass
class Answers:
    """What a library said when everything was asked: errors in words, what was plainly wrong, and what was missing from
    an answer that said itself that it was incomplete."""

    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)

    @property
    def right(self) -> bool:
        """Nothing refused, nothing missing, nothing wrong."""
        return not (self.refused or self.wrong or self.partial)


def by_words(library: Library, birds: Iterable[str] = BIRDS, mode: str = "lexical") -> Answers:
    """Search for each bird and for what is gone: a right answer has all passages of the one document, or none."""
    answers = Answers()
    for name in (*birds, *GONE):
        try:
            ranking = search(library, [name], k=50, mode=mode)  # type: ignore[arg-type]
        except CarrelError as error:
            answers.refused.append(str(error))
            continue
        answers.notes |= set(ranking.notes)
        wanted = [] if name in GONE else [bird(name).doc_id] * PARTS
        found = [hit.passage.doc_id for hit in ranking.hits if name in hit.passage.text]
        if found != wanted:
            answers.wrong.append(f"{name}: {len(found)} passages")
    return answers


def by_vector(library: Library, birds: Iterable[str] = BIRDS) -> Answers:
    """Search for each bird by what its second part says: it must come first."""
    answers = Answers()
    for name in birds:
        document = bird(name)
        section = document.sections[1]
        try:
            ranking = search(library, [document.text[section.start : section.end]], k=1, mode="dense")
        except CarrelError as error:
            answers.refused.append(str(error))
            continue
        answers.notes |= set(ranking.notes)
        found = [hit.passage.doc_id for hit in ranking.hits]
        if found != [document.doc_id]:
            said = ranking.coverage.get("dense", 0.0) < 1.0 and ranking.notes
            (answers.partial if said else answers.wrong).append(f"{name}: {found}")
    return answers


def by_reference(library: Library, birds: Iterable[str] = BIRDS) -> Answers:
    """Read each bird, and those that are gone, by reference: they still open."""
    answers = Answers()
    for document in (*map(bird, birds), *(bird(name, 0) for name in GONE)):
        try:
            if library.document(document.doc_id).text != document.text:
                answers.wrong.append(document.title)
        except CarrelError as error:
            answers.refused.append(str(error))
    return answers


def titles(library: Library, query: str, collection: str = "default", mode: str = "lexical") -> list[str]:
    """Titles of the documents that really contain the query's word."""
    hits = search(library, [query], collection=collection, granularity="document", mode=mode).hits  # type: ignore[arg-type]
    return [hit.title for hit in hits if query in hit.passage.text]


def errors(*actions: Callable[[], object]) -> list[str]:
    """What Carrel says of those of these actions that fail."""
    told = []
    for action in actions:
        try:
            action()
        except CarrelError as error:
            told.append(str(error))
    return told


def one_of_each_kind(folder: Path) -> list[Path]:
    """A file of each kind (suffix) below a folder, each from the subfolder that was written last."""
    found: dict[str, tuple[tuple[int, int], Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (size := path.stat().st_size):
            kind, rank = path.suffix or path.name, (path.parent.stat().st_mtime_ns, size)
            if kind not in found or rank > found[kind][0]:
                found[kind] = rank, path
    return [found[kind][1] for kind in sorted(found)]


def lexical(data: Path, collection: str = "default") -> Path:
    """The folder of a collection's lexical index."""
    return next(data.glob(f"collections/{collection}*")) / "lexical"


def dense(data: Path, collection: str = "default") -> Path:
    """The folder of a collection's vectors."""
    return next(data.glob(f"collections/{collection}*")) / "dense"


def mend(library: Library) -> None:
    """Do what `carrel doctor --repair` does, make missing vectors, and see that nothing is wrong any more."""
    left = [finding.words for finding in repair(library) if not finding.mended]
    assert left == []
    library.encode("default")
    assert unwell(library) == []
    assert library.problems() == []


def unwell(library: Library) -> list[str]:
    """What `carrel doctor` finds wrong, having read every byte."""
    return [finding.words for finding in examine(library)]


def flip(path: Path, share: float = 0.5) -> None:
    """Invert one byte, at this share of the file's length."""
    body = bytearray(path.read_bytes())
    body[int((len(body) - 1) * share)] ^= 0xFF
    path.write_bytes(body)


def flip_early(path: Path) -> None:
    """Invert a byte near the beginning."""
    flip(path, 0.1)


def truncate(path: Path) -> None:
    """Cut a file in half."""
    body = path.read_bytes()
    path.write_bytes(body[: len(body) // 2])


def empty(path: Path) -> None:
    """Leave nothing in the file."""
    path.write_bytes(b"")


def junk(path: Path) -> None:
    """Overwrite the file with something else of the same size."""
    path.write_bytes((b"this is something else; " * (path.stat().st_size // 24 + 1))[: path.stat().st_size])


def delete(path: Path) -> None:
    """Remove the file."""
    path.unlink()


DAMAGES: tuple[Callable[[Path], None], ...] = (flip, flip_early, truncate, empty, junk, delete)


def run_script(script: str, *arguments: object, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, with the tests' modules importable; its output is text."""
    here = str(Path(__file__).resolve().parent)
    whole = f"import sys; sys.path.insert(0, {here!r})\n{textwrap.dedent(script)}"
    return subprocess.run(
        [sys.executable, "-c", whole, *map(str, arguments)],
        check=False,
        timeout=timeout,
        capture_output=True,
        text=True,
    )
