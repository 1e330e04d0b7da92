"""Collections with questions: which documents answer each, and small collections cut out of them."""

from __future__ import annotations

import csv
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.results import need

from carrel.documents import parse
from carrel.records import Document

SETS = ("scifact", "cranfield", "codebase-chunks", "chunking-eval")


@dataclass(frozen=True)
class QuestionSet:
    """``documents`` by identifier, and ``questions`` each with the identifiers of the documents that answer it."""

    name: str
    documents: dict[str, Document]
    questions: dict[str, tuple[str, frozenset[str]]]


def read_set(data: Path, name: str) -> QuestionSet:
    """One of SETS, each document as Markdown under its title."""
    folder = need(data / "retrieval" / name)
    if name == "chunking-eval":
        texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((folder / "corpora").glob("*.md"))}
        asked = {row["id"]: (row["question"], frozenset({row["corpus"]})) for row in _rows(folder / "questions.jsonl")}
    else:
        texts = {row["_id"]: _markdown(row) for row in _rows(folder / "corpus.jsonl")}
        asked = _judged(folder)
    documents = {
        key: parse(text.encode(), source=f"{key}.md" if name == "chunking-eval" else f"{at:06}.md",
                   media_type="text/markdown")
        for at, (key, text) in enumerate(texts.items())
        if text.strip()
    }  # fmt: skip
    return QuestionSet(name, documents, asked)


def sample(found: QuestionSet, most: int, seed: int) -> QuestionSet:
    """The same documents, at most so many questions."""
    keys = sorted(found.questions)
    chosen = random.Random(seed).sample(keys, min(most, len(keys)))
    return replace(found, questions={key: found.questions[key] for key in sorted(chosen)})


def small(found: QuestionSet, documents: int, seed: int) -> QuestionSet:
    """A collection of so many documents and the questions that one of them answers."""
    answering = sorted({key for _, relevant in found.questions.values() for key in relevant} & found.documents.keys())
    kept = set(random.Random(seed).sample(answering, min(documents, len(answering))))
    return QuestionSet(
        f"{found.name}, small",
        {key: document for key, document in found.documents.items() if key in kept},
        {key: (text, relevant & kept) for key, (text, relevant) in found.questions.items() if relevant & kept},
    )


def _judged(folder: Path) -> dict[str, tuple[str, frozenset[str]]]:
    relevant: dict[str, set[str]] = {}
    for path in sorted((folder / "qrels").glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            for topic, document, grade in list(csv.reader(file, delimiter="\t"))[1:]:
                if int(grade) > 0:
                    relevant.setdefault(topic, set()).add(document)
    texts = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl")}
    return {topic: (texts[topic], frozenset(found)) for topic, found in relevant.items()}


def _markdown(row: dict[str, Any]) -> str:
    title = " ".join(row.get("title", "").split())
    return (f"# {title}\n\n" if title else "") + str(row["text"]) + "\n"


def _rows(path: Path) -> list[dict[str, Any]]:
    with need(path).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
