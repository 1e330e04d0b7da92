"""Test sets in BEIR's layout: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/*.tsv`` (Thakur et al. 2021)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from carrel.documents import parse
from carrel.errors import BadRequest, CarrelError, NotFound
from carrel.evaluation.files import fault, json_lines, text_of
from carrel.evaluation.nouns import Qrels, Questions
from carrel.evaluation.trec import read_qrels
from carrel.records import Document

__all__ = ["Corpus", "documents", "is_beir", "read_corpus", "read_queries", "read_questions", "with_answers"]

_LONGEST = 10_000  # characters of a query, as a search takes it


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents of a set: their names by line, and the SHA-256 of the file they are in."""

    path: Path
    names: tuple[str, ...]
    sha256: str


def is_beir(folder: Path) -> bool:
    """Whether a folder holds a corpus and queries."""
    return (folder / "corpus.jsonl").is_file() and (folder / "queries.jsonl").is_file()


def read_corpus(path: Path) -> Corpus:
    """The names of a corpus, each row checked. Raises BadRequest for a row without name or text and for a name that
    stands twice."""
    names: dict[str, int] = {}
    for number, row in json_lines(path):
        name = text_of(path, number, row, "_id", "id")
        text_of(path, number, row, "text")
        if names.setdefault(name, number) != number:
            raise fault(path, number, f"this '_id' stands in line {names[name]} already")
    if not names:
        raise BadRequest(f"{path.name} is empty; each line holds one document")
    with path.open("rb") as file:
        return Corpus(path, tuple(names), hashlib.file_digest(file, "sha256").hexdigest())


def rows(corpus: Corpus) -> Iterator[tuple[str, str, str]]:
    """Name, title and text of each document, in order."""
    for name, (number, row) in zip(corpus.names, json_lines(corpus.path), strict=True):
        title = " ".join(text_of(corpus.path, number, {"title": "", **row}, "title").split())
        yield name, title, text_of(corpus.path, number, row, "text")


def documents(corpus: Corpus) -> Iterator[Document | None]:
    """The documents in order, as Carrel reads them: Markdown with the title as its heading; None for one that has no
    text. Their source ends in their place in ``corpus.names``."""
    for place, (_, title, text) in enumerate(rows(corpus)):
        said = (f"# {title}\n\n" if title else "") + text + "\n"
        yield _document(said, place) if said.strip() else None


def _document(text: str, place: int) -> Document | None:
    try:
        return parse(
            text.encode("utf-8", "replace"),
            source=f"set:{place}",
            source_kind="text",
            media_type="text/markdown",
            charset="utf-8",
        )
    except CarrelError:  # nothing but white space and the like
        return None


def read_questions(folder: Path, split: str) -> Questions:
    """The topics of a split that have a relevant document. Raises NotFound naming the splits there are."""
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        there = sorted(each.stem for each in (folder / "qrels").glob("*.tsv"))
        known = f"; there are: {', '.join(there[:10])}" if there else "; a folder 'qrels' holds them, as test.tsv"
        raise NotFound(f"this set has no split of that name{known}")
    name = folder.resolve().name if split == "test" else f"{folder.resolve().name}-{split}"
    return with_answers(name, read_queries(folder / "queries.jsonl"), read_qrels(path))


def read_queries(path: Path) -> Mapping[str, str]:
    """Query texts by topic, from JSON lines with ``_id`` and ``text``, or (a name not in ``.jsonl``) from two columns
    between tabs."""
    topics: dict[str, str] = {}
    for number, topic, text in _jsonl(path) if path.suffix == ".jsonl" else _columns(path):
        if topic in topics:
            raise fault(path, number, "this query stands here twice")
        if not text.strip():
            raise fault(path, number, "the query is empty")
        topics[topic] = text[:_LONGEST]
    if not topics:
        raise BadRequest(f"{path.name} is empty; each line holds one query")
    return topics


def _jsonl(path: Path) -> Iterator[tuple[int, str, str]]:
    for number, row in json_lines(path):
        yield number, text_of(path, number, row, "_id", "id"), text_of(path, number, row, "text", "question", "query")


def _columns(path: Path) -> Iterator[tuple[int, str, str]]:
    from carrel.evaluation.files import lines

    for number, line in lines(path):
        topic, tab, text = line.partition("\t")
        if not tab:
            raise fault(path, number, "a query is its name, a tab, and its text")
        yield number, topic.strip(), text


def with_answers(name: str, topics: Mapping[str, str], qrels: Qrels, known: Collection[str] | None = None) -> Questions:
    """The judged topics that have a relevant document, in the order of the judgements.

    ``known`` documents are all there are: judgements of others stay, and are counted in the notes.
    Raises BadRequest when no topic is left.
    """
    judged = {topic: grades for topic, grades in qrels.items() if topic in topics}
    kept = {topic: grades for topic, grades in judged.items() if any(grade > 0 for grade in grades.values())}
    notes = []
    if len(qrels) > len(judged):
        notes.append(f"{len(qrels) - len(judged)} judged queries have no text and are left out")
    if len(judged) > len(kept):
        notes.append(f"{len(judged) - len(kept)} queries without a relevant document are left out")
    if known is not None:
        there = set(known)
        lost = {name for grades in kept.values() for name, grade in grades.items() if grade > 0} - there
        if lost:
            notes.append(f"{len(lost)} relevant documents are not in the collection and count as not found")
    if not kept:
        raise BadRequest("no query has a relevant document; check that queries and judgements belong together")
    return Questions(name, {topic: topics[topic] for topic in kept}, kept, notes=tuple(notes))
