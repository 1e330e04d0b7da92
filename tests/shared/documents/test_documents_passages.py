"""Passages and sentences: true offsets, full cover, sensible sizes."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel.documents import MAX_CHARS, parse, sentences, split
from carrel.records import Document


def read(text: str, source: str = "notes.md") -> Document:
    return parse(text.encode("utf-8", "replace"), source=source)


def of(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


# -- sentences -------------------------------------------------------------------------------------------------------

SENTENCE_TABLE = [
    ["Dr. Smith et al. (2010) measured 3.5 mm, cf. Fig. 3. The rest followed.", "Dr.", 2],
    ["We used e.g. iron, i.e. Fe, vs. lead. It failed!", "", 2],
    ["J. R. Tolkien wrote it. He was English.", "", 2],
    ["See No. 5 and pp. 3–7 of vol. 2. Done.", "", 2],
    ["He moved to the U.S. in May. They stayed. Why?", "", 3],
    ["It was shown by Lee et al. The effect was small.", "", 2],
    ["“Stop!” he said. “Why?” She left.", "", 3],
    ["Wait... what happened? Nothing.", "", 2],
    ["A claim.[3] Another claim. [4, 5] A third.", "", 3],
    ["Visit https://example.org/a.b?c=d. Then version 2.0.1 came.", "", 2],
    ["これは文です。次の文！最後？", "", 3],
    ["यह पहला वाक्य है। यह दूसरा है।", "", 2],
    ["# Heading\nText under it. More.", "", 3],
    ["- one\n- two\n3. three", "", 3],
    ["| a | b |\n|---|---|\n| 1. | 2. |", "", 3],
    ["no full stop\n\nat all", "", 2],
    ["a wrapped\nline stays. Whole\nthing.", "", 2],
    ["Vitamin C. The dose was 5 mg.", "", 2],
    ["It ends on Jan. 5 at noon. Then Mr. X left.", "", 2],
    ["Das ist z. B. gut. Dr. Li kam am 3. Oktober an. Er ging.", "", 3],
    ["これは「本当。」と言った。次。", "", 2],
    ["「本当。」「嘘。」", "", 2],
    ["См. рис. 5. Далее ул. Ленина. Конец.", "", 3],
    ["", "", 0],
    ["   ", "", 0],
]


@pytest.mark.parametrize(("text", "_", "count"), SENTENCE_TABLE, ids=range(len(SENTENCE_TABLE)))
def test_sentences_end_where_a_reader_would_end_them(text: str, _: str, count: int) -> None:
    assert len(of(text)) == count, of(text)


def test_citation_markers_after_a_full_stop_belong_to_their_sentence() -> None:
    assert of("A claim.[3] Another claim. [4, 5] A third.") == ["A claim.[3]", "Another claim. [4, 5]", "A third."]
    for mark in ("[^1]", "¹²", "【1†L5-L9】"):
        assert of(f"A claim.{mark} Another claim.{mark}") == [f"A claim.{mark}", f"Another claim.{mark}"]


PIECES = [*"ab Z.!?。\n\t\"')[1]-*#|`~=<>é漢字Яи\u00a0👍", "e.g. ", "\n\n", "```\n", "# ", "word " * 9]
MIXED = st.lists(st.sampled_from(PIECES), max_size=200).map("".join)


@settings(max_examples=200, deadline=None)
@given(MIXED)
def test_sentences_are_trimmed_ordered_and_cover_all_that_is_not_white_space(text: str) -> None:
    spans = sentences(text)
    assert all(start < end and text[start:end] == text[start:end].strip() for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    gaps = zip([0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)], strict=True)
    assert not any(text[start:end].strip() for start, end in gaps)


@pytest.mark.parametrize("piece", [".", ". ", "a.", ".[1]", '."', ".\n", "[", "1. ", "|\n", " \n", "。", "A. "])
def test_hostile_runs_are_split_into_sentences_in_linear_time(piece: str) -> None:
    begin = time.process_time()
    sentences(piece * (400_000 // len(piece)))
    assert time.process_time() - begin < 4


# -- passages --------------------------------------------------------------------------------------------------------


def check(document: Document, max_chars: int) -> None:
    end = 0
    for passage in split(document, max_chars=max_chars):
        assert passage.doc_id == document.doc_id
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.text.strip() and passage.start >= end
        assert not document.text[end : passage.start].strip()
        end = passage.end
    assert not document.text[end:].strip()


@settings(max_examples=250, deadline=None)
@given(MIXED, st.integers(40, 200), st.sampled_from(["a.md", "a.txt", "a.rst", "a.py"]))
def test_passages_have_true_offsets_and_cover_the_text(text: str, max_chars: int, source: str) -> None:
    if text.strip():
        check(read(text, source), max_chars)


@settings(max_examples=100, deadline=None)
@given(MIXED, st.integers(40, 200))
def test_no_passage_exceeds_twice_its_limit_with_its_lead_in(text: str, max_chars: int) -> None:
    if text.strip():
        assert all(len(p.text) <= 2.5 * max_chars for p in split(read(text), max_chars=max_chars))


PARAGRAPH = "The tide rises twice a day because the Moon pulls on the ocean. It falls in between. " * 4


def test_passages_never_cross_a_section_and_know_their_headings() -> None:
    text = f"# A\n\n{PARAGRAPH}\n\n## B\n\nShort.\n\n## C\n\n{PARAGRAPH}\n"
    passages = split(read(text))
    assert [p.heading for p in passages] == [("A",), ("A", "B"), ("A", "C")]
    assert passages[1].text == "## B\n\nShort."


def test_a_lone_heading_goes_with_the_passage_after_it() -> None:
    passages = split(read("# Title\n\n## Part\n\nSome text here.\n\n## Empty end\n"))
    assert [p.text for p in passages] == ["# Title\n\n## Part\n\nSome text here.", "## Empty end"]
    assert passages[0].heading == ("Title", "Part")


def test_small_neighbours_are_joined_and_a_long_paragraph_is_cut_at_sentences_into_even_parts() -> None:
    assert len(split(read("One.\n\nTwo.\n\nThree.\n"))) == 1
    passages = split(read(PARAGRAPH * 4))
    assert 2 <= len(passages) <= 3 and all(p.text.endswith(".") for p in passages)
    assert min(len(p.text) for p in passages) > MAX_CHARS / 3


def test_a_table_or_code_block_is_kept_whole_up_to_twice_the_limit_and_cut_at_lines_beyond() -> None:
    row = "| some cell text | another cell of text |\n"
    whole = "Lead-in:\n\n" + row * 40
    assert len(split(read(whole))) == 1
    for text in (row * 200, "```\n" + "print('a line of code')\n\n" * 200 + "```\n"):
        pieces = split(read(text))
        assert len(pieces) > 3
        assert all(line in text.splitlines() for p in pieces for line in p.text.splitlines())


def test_a_monster_sentence_is_cut_at_white_space_and_else_anywhere() -> None:
    words = split(read("word " * 2000))
    assert all(p.text.startswith("word") and p.text.endswith("word") and len(p.text) <= MAX_CHARS for p in words)
    assert all(len(p.text) <= MAX_CHARS for p in split(read("x" * 10_000)))


def test_chinese_passages_hold_a_quarter_of_the_characters() -> None:
    passages = split(read("潮汐每天涨落两次，因为月球吸引海洋。" * 60))
    assert all(len(p.text) <= MAX_CHARS // 4 + 1 for p in passages)
    assert all(p.text.endswith("。") for p in passages)


def test_an_abstract_of_fifteen_hundred_characters_gives_one_or_two_passages() -> None:
    assert len(split(read((PARAGRAPH * 5)[:1500], "a.txt"))) == 2


def test_the_indent_of_code_is_part_of_its_passage() -> None:
    assert split(read("\n    def f():\n        return 1\n", "a.py"))[0].text.startswith("    def f()")
