"""Words of a text with their offsets, and the difference between two runs of words, classed by what it changes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from carrel.citations.lexicon import (
    HEDGES,
    QUANTIFIERS,
    SLIGHT,
    STOPWORDS,
    is_negator,
    opposite,
    stem,
    words_of,
)
from carrel.citations.normalise import MARKERS, fold

__all__ = ["CRITICAL", "Edit", "EditKind", "Token", "compare", "tokens"]

EditKind = Literal[
    "number", "negation", "antonym", "name", "quantifier", "modality", "content", "function", "spelling", "inflection"
]
CRITICAL: frozenset[EditKind] = frozenset(
    ("number", "negation", "antonym", "name", "quantifier", "modality", "content")
)
"""Edits that change what is said; the others are slips."""

_TOKEN = re.compile(
    r"(?<![^\s(\[{=<>≤≥≈~±:,;])[-−–](?=\d)\d+(?:[.,]\d+)*"  # a signed number
    r"|\d+(?:[.,]\d+)*(?![^\W\d_])"
    r"|[^\W_]+(?:['’][^\W_]+)*"
    r"|[%‰<>≤≥=≠±$€£¥°]"
)
_SYMBOLS = frozenset("%‰<>≤≥=≠±$€£¥°")
_SUPERSCRIPT = re.compile(r"(?<=[^\W\d_]{3})[¹²³⁰⁴-⁹,]+$")
_MODALS = words_of(
    """
    may might could can must will would shall should cannot
    """
)


@dataclass(frozen=True, slots=True)
class Token:
    """``raw`` as it stands at ``[start, end)``; ``word`` folded. ``opening``: it begins a sentence."""

    raw: str
    word: str
    start: int
    end: int
    opening: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """Words the quote has (``quote``) where the source has others (``source``); either may be empty.

    ``start`` and ``end`` are the span in the source text (equal where the source has nothing).
    """

    kind: EditKind
    quote: str
    source: str
    start: int
    end: int

    @property
    def critical(self) -> bool:
        return self.kind in CRITICAL


def tokens(text: str, offset: int = 0) -> list[Token]:
    """Words, numbers and the symbols that belong to numbers; citation markers and markup are skipped."""
    masked = MARKERS.sub(lambda match: " " * len(match.group()), text)
    found = []
    for match in _TOKEN.finditer(masked):
        raw = _SUPERSCRIPT.sub("", match.group())
        word = _word(raw)
        if word:
            opening = _opens(masked, match.start())
            found.append(Token(raw, word, offset + match.start(), offset + match.start() + len(raw), opening))
    return found


def _word(raw: str) -> str:
    if raw in _SYMBOLS:
        return raw
    if raw[0].isdigit() or raw[0] in "-−–":
        digits = unicodedata.normalize("NFKC", raw.lstrip("-−–"))
        grouped = re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits)
        return ("-" if raw[0] in "-−–" else "") + (digits.replace(",", "") if grouped else digits.casefold())
    return "".join("'" if char in "'’" else fold(char) for char in raw)


def _opens(text: str, start: int) -> bool:
    before = text[max(0, start - 8) : start].rstrip(" \t\n\"'“”‘’([*_>#-")
    return not before or before[-1] in ".!?:;•|"


def compare(quote: Sequence[Token], source: Sequence[Token]) -> list[Edit]:
    """The edits that lead from ``source`` to ``quote``, in source order; empty when they say the same words.

    Words split or joined differently are no edit, unless a negation hangs on the join ("no table", "notable").
    """
    from rapidfuzz.distance import Levenshtein

    edits: list[Edit] = []
    codes = Levenshtein.opcodes([t.word for t in source], [t.word for t in quote])
    blocks: list[list[int]] = []
    for code in codes:
        if code.tag == "equal":
            blocks.append([])
        elif blocks and blocks[-1]:
            blocks[-1][1], blocks[-1][3] = code.src_end, code.dest_end
        else:
            blocks.append([code.src_start, code.src_end, code.dest_start, code.dest_end])
    for block in filter(None, blocks):
        s0, s1, q0, q1 = block
        at = source[s0].start if s0 < len(source) else (source[-1].end if source else 0)
        edits.extend(_class_block(quote[q0:q1], source[s0:s1], at))
    return edits


def _class_block(quote: Sequence[Token], source: Sequence[Token], at: int) -> list[Edit]:
    if _same_letters(quote, source):
        kind = _join_kind(quote, source)
        return [] if kind is None else [_edit(kind, quote, source, at)]
    if len(quote) == len(source):
        pairs = zip(quote, source, strict=True)
        return [_edit(_pair_kind(q, s), [q], [s], at) for q, s in pairs if q.word != s.word]
    return [_edit(_group_kind(quote, source), quote, source, at)]


def _same_letters(quote: Sequence[Token], source: Sequence[Token]) -> bool:
    one, other = "".join(t.word for t in quote), "".join(t.word for t in source)
    return one.replace("'", "") == other.replace("'", "")


def _join_kind(quote: Sequence[Token], source: Sequence[Token]) -> EditKind | None:
    """The same letters with other borders between words: no edit, but for a negation or digits set apart."""
    one, other = {t.word for t in quote}, {t.word for t in source}
    alone = (one ^ other) & {"no", "not"}
    if alone and not any(is_negator(word) for word in (one ^ other) - alone):
        return "negation"
    digits = [sum(t.word[0].isdigit() for t in run) for run in (quote, source)]
    return "spelling" if digits[0] != digits[1] else None


def _numbers(run: Sequence[Token]) -> list[str]:
    return [t.word for t in run if t.word in _SYMBOLS or any(c.isdigit() for c in t.word)]


def _edit(kind: EditKind, quote: Sequence[Token], source: Sequence[Token], at: int) -> Edit:
    start, end = (source[0].start, source[-1].end) if source else (at, at)
    return Edit(kind, " ".join(t.raw for t in quote), " ".join(t.raw for t in source), start, end)


def _pair_kind(quote: Token, source: Token) -> EditKind:
    if _glued_note(quote.word, source.word) or _glued_note(source.word, quote.word):
        return "spelling"
    group = _group_kind([quote], [source])
    if group != "content":
        return group
    one, other = quote.word, source.word
    if stem(one) == stem(other):
        return "inflection"
    if _is_name(quote) and _is_name(source):
        return "name"
    return "spelling" if _slip(one, other) else "name" if _is_name(quote) or _is_name(source) else "content"


def _group_kind(quote: Sequence[Token], source: Sequence[Token]) -> EditKind:
    ours, theirs = [t.word for t in quote], [t.word for t in source]
    if _numbers(quote) != _numbers(source):
        return "number"
    if sum(map(is_negator, ours)) != sum(map(is_negator, theirs)):
        return "negation"
    if any(opposite(one, other) for one in ours for other in theirs):
        return "antonym"
    if {w for w in ours if w in QUANTIFIERS} != {w for w in theirs if w in QUANTIFIERS}:
        return "quantifier"
    if {w for w in ours if w in _MODALS} != {w for w in theirs if w in _MODALS} or (
        set(ours) & HEDGES != set(theirs) & HEDGES
    ):
        return "modality"
    if all(word in SLIGHT or len(word) == 1 for word in (*ours, *theirs)):
        return "function"
    if len(quote) != len(source) and any(_is_name(t) for t in (*quote, *source)):
        return "name"
    return "content"


def _glued_note(plain: str, glued: str) -> bool:
    """A footnote number that text extraction glued to the next or the last word: "1ImageNet", "results2"."""
    return plain.isalpha() and len(plain) >= 3 and glued != plain and glued.strip("0123456789") == plain


def _is_name(token: Token) -> bool:
    return token.raw[:1].isupper() and not token.opening and token.word not in STOPWORDS


def _slip(one: str, other: str) -> bool:
    """One letter wrong, missing or swapped in a longer word: a slip of typing or of text extraction."""
    from rapidfuzz.distance import OSA

    return min(len(one), len(other)) >= 5 and OSA.distance(one, other, score_cutoff=1) <= 1
