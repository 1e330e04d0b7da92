"""Reading: outlines, windows, sections by name, and references under everything shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel.documents import Window, find_section, marked_text, outline, page_of, parse, window
from carrel.errors import BadRequest, NotFound
from carrel.records import Document, EvidenceRef

SENTENCE = "The tide rises twice a day because the Moon pulls on the ocean. "
TEXT = (
    f"# Tides\n\n{SENTENCE * 3}\n\n## 1. Methods\n\n{SENTENCE * 20}\n\n### Participants\n\n{SENTENCE * 2}\n\n"
    f"## Results\n\n{SENTENCE * 5}\n\n### Participants\n\nThree.\n\n## Discussion of results\n\nEnd.\n"
)


def read(text: str = TEXT, source: str = "tides.md") -> Document:
    return parse(text.encode(), source=source)


def test_an_outline_numbers_headings_and_spans_what_is_below_them() -> None:
    document = read()
    items = outline(document)
    assert [(i.number, i.section.heading) for i in items][:3] == [(1, "Tides"), (2, "1. Methods"), (3, "Participants")]
    assert items[0].chars == len(document.text)
    assert document.text[items[1].ref.start : items[1].ref.end].count("## ") == 2  # Methods with its Participants
    assert [i.chars for i in items] == [(i.ref.end or 0) - (i.ref.start or 0) for i in items]


def test_a_long_outline_drops_the_deepest_levels_first_and_keeps_its_numbers() -> None:
    items = outline(read(), max_items=4)
    assert [i.number for i in items] == [1, 2, 4, 6]


def test_sections_are_found_by_number_name_part_and_nearly() -> None:
    document = read()
    for name in ("2", "#2", "1. Methods", "methods", "METHODS", "metods"):
        assert find_section(document, name).number == 2, name
    assert find_section(document, "results").number == 4
    assert find_section(document, "Results > Participants").number == 5
    assert find_section(document, "discussion").number == 6


def test_an_ambiguous_or_unknown_section_names_outline_numbers_not_headings() -> None:
    with pytest.raises(BadRequest, match="3, 5") as caught:
        find_section(read(), "Participants")
    assert "Participants" not in str(caught.value)
    with pytest.raises(NotFound, match="outline"):
        find_section(read(), "zebra crossing")
    with pytest.raises(NotFound, match="1 to 6"):
        find_section(read(), "17")
    with pytest.raises(NotFound, match="no sections"):
        find_section(read("plain", "a.txt"), "methods")
    with pytest.raises(BadRequest):
        find_section(read(), "  ")


def walk(document: Document, max_chars: int, section: str = "") -> list[Window]:
    shown = [window(document, max_chars=max_chars, section=section)]
    while (following := shown[-1].next_start) is not None:
        shown.append(window(document, start=following, max_chars=max_chars, section=section))
    return shown


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*"ab. \n#漢。-", "\n\n", "word ", "Ends. "]), max_size=200).map("".join),
    st.integers(1, 80),
)
def test_windows_tile_the_document_within_their_limit(text: str, max_chars: int) -> None:
    if not text.strip():
        return
    document = read(text)
    shown = walk(document, max_chars)
    assert all(w.text == document.text[w.start : w.end] and 0 < len(w.text) <= max_chars for w in shown)
    assert "".join("".join(w.text for w in shown).split()) == "".join(document.text.split())


def test_a_window_ends_at_a_sentence_and_says_where_to_go_on() -> None:
    document = read()
    shown = window(document, max_chars=500)
    assert shown.text.endswith(".") and shown.next_start is not None and shown.total_chars == len(document.text)
    assert window(document, start=shown.next_start).heading


def test_a_section_window_stays_in_its_section() -> None:
    document = read()
    pieces = walk(document, 300, "Methods")
    text = " ".join(piece.text for piece in pieces)
    assert text.startswith("## 1. Methods") and "### Participants" in text and "Results" not in text
    assert len(pieces) > 3


def test_a_window_within_a_span_stays_in_it_and_goes_on_inside_it() -> None:
    document = read()
    first = document.text.index(SENTENCE)
    span = EvidenceRef(document.doc_id, first, first + 150)
    shown = window(document, within=span, max_chars=70)
    assert shown.start == first and shown.next_start is not None
    rest = window(document, within=span, start=shown.next_start)
    assert rest.start == shown.next_start and rest.end <= first + 150 and rest.next_start is None


def test_a_window_around_a_reference_holds_it_with_text_on_both_sides() -> None:
    document = read()
    start = document.text.index("## Results")
    ref = EvidenceRef(document.doc_id, start, start + 10)
    shown = window(document, around=ref, max_chars=600)
    assert shown.start < start and shown.end > start + 10 and len(shown.text) <= 600
    last = EvidenceRef(document.doc_id, len(document.text) - 5, len(document.text) - 1)
    assert "End." in window(document, around=last, max_chars=400).text


def test_references_and_starts_outside_the_document_are_refused() -> None:
    document = read()
    for way in ("around", "within"):
        with pytest.raises(BadRequest, match="another document"):
            window(document, **{way: EvidenceRef("a" * 16, 0, 5)})  # type: ignore[arg-type]
        with pytest.raises(BadRequest, match="outside"):
            window(document, **{way: EvidenceRef(document.doc_id, 0, 10**9)})  # type: ignore[arg-type]
    for start in (-1, len(document.text), 10**12):
        with pytest.raises(BadRequest, match="outside"):
            window(document, start=start)


@pytest.mark.parametrize("by_sentence", [False, True])
def test_marks_are_true_references_that_cover_the_window_and_cost_little(by_sentence: bool) -> None:
    document = read()
    shown = window(document, max_chars=3000)
    marked = marked_text(document, shown, by_sentence=by_sentence)
    assert document.doc_id in marked.splitlines()[0]
    spans = [(int(a), int(b)) for a, b in re.findall(r"^\[(\d+)-(\d+)\]$", marked, re.M)]
    assert all(f"[{a}-{b}]\n{document.text[a:b]}" in marked for a, b in spans)
    shown_text = "".join(document.text[a:b] for a, b in spans)
    assert "".join(shown_text.split()) == "".join(shown.text.split())
    if not by_sentence:
        assert len(marked) < 1.12 * len(shown.text)
        assert all(b - a < 900 for a, b in spans)


def test_a_document_without_pages_has_no_page_numbers() -> None:
    assert page_of(read(), 0) is None and window(read()).pages is None
