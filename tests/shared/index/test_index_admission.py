"""A document with enormous facts: every hit made of it still fits a reply, and what names it is refused, not cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from carrel import ingest
from carrel.errors import BadRequest
from carrel.index import Library
from carrel.records import Document, Section, document_id
from carrel.retrieve import search

HUGE = "x" * 1_000_000
TEXT = "# Owls\n\nThe owl hunts at night."


def document(**facts: object) -> Document:
    made = Document(document_id("notes/owl", TEXT), "notes/owl", "text", "text/markdown", "Owls", TEXT)
    return replace(made, **facts)  # type: ignore[arg-type]


def enormous() -> Document:
    path = tuple(f"{number} {HUGE}" for number in range(40))
    return document(
        title=HUGE,
        sections=(Section(HUGE, 1, 0, len(TEXT), path),),
        authors=tuple(["Strix " + HUGE[:2_000]] * 5_000),
        date="2024" + HUGE,
        language=HUGE,
        metadata={"extractor": HUGE},
    )


@pytest.mark.parametrize("door", ["add", "keep"])
def test_what_is_kept_of_a_document_with_enormous_facts_is_small(library: Library, door: str) -> None:
    if door == "add":
        library.add([enormous()])
    else:
        library.keep(enormous())
    found = library.document(enormous().doc_id)
    assert found.text == TEXT
    assert len(found.title) == 300
    assert len(found.sections[0].path) == 12 and max(map(len, found.sections[0].path)) == 300
    assert found.sections[0].path[-1].startswith("39 ")
    assert len(repr(found)) < 300_000


def test_a_hit_of_a_document_with_enormous_facts_is_small(library: Library) -> None:
    library.add([enormous()])
    (hit,) = search(library, ["owl"]).hits
    assert hit.passage.text.endswith("at night.")
    assert len(repr(hit)) < 8_000


def test_adding_it_again_changes_nothing(library: Library) -> None:
    library.add([enormous()])
    assert library.add([enormous()]).unchanged == 1


@pytest.mark.parametrize(
    "facts",
    [{"source": HUGE}, {"tags": (HUGE,)}, {"tags": tuple(map(str, range(101)))}],
    ids=["source", "tag", "tags"],
)
@pytest.mark.parametrize("door", ["add", "keep"])
def test_what_names_a_document_is_refused_when_it_is_enormous(
    library: Library, door: str, facts: dict[str, object]
) -> None:
    act: Callable[[Document], object] = library.keep if door == "keep" else lambda each: library.add([each])
    with pytest.raises(BadRequest) as told:
        act(document(**facts))
    assert len(str(told.value)) < 200
    assert library.collections() == ()


def test_a_document_of_ordinary_facts_is_kept_as_it_is(library: Library) -> None:
    plain = document(authors=("Strix, A.",), date="2024-05", tags=("birds",), metadata={"charset": "utf-8"})
    library.add([plain])
    assert library.document(plain.doc_id) == plain


def test_a_title_is_one_line(library: Library) -> None:
    library.add([document(title="Owls\n1. Forged hit\t\x1b[31m of\u202e another")])
    assert search(library, ["owl"]).hits[0].title == "Owls 1. Forged hit [31m of another"


def test_texts_with_long_titles_that_begin_alike_do_not_replace_each_other(library: Library) -> None:
    first, second = (ingest.note("An owl.", title=HUGE + end) for end in "ab")
    library.add([first, second])
    assert len(library.find("default")) == 2
    assert max(len(first.source), len(first.title)) <= 300
    assert ingest.note("An owl.", title=HUGE + "a").source == first.source


def test_a_text_without_a_title_is_called_by_its_first_words_however_long(library: Library) -> None:
    made = ingest.note(HUGE)
    library.add([made])
    assert len(made.source) < 300
