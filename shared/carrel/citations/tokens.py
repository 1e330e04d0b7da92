"""Words of a text with their offsets, and the difference between two runs of words, classed by what it changes."""

from __future__ import annotations

import itertools
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
    confused_with,
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
    r"|\d++(?:[.,]\d+)*(?:\^\d{1,4})?+(?![^\W\d_])"
    r"|[^\W_]+(?:[\u00ad\u200b-\u200d\u2060\ufeff'’]{1,4}[^\W_]+)*"  # nothing invisible takes a word apart
    r"|[%‰<>≤⩽≥⩾=≠±$€£¥¢₠-⃀°×÷∈∉∪∩+⁺👍👎✅❌✓✗✔✘]|[~∼](?=\s?\d)|(?<=\d)″|(?<=[A-Z])#(?!\w)"
)
_PARTING = re.compile(r"[,;:()\[\]—–]|(?<=\s)--?(?=\s)")
_SYMBOLS = frozenset("%‰<>≤≥=≠±$€£¥¢°÷∈∉∪∩+~#″👍👎✅❌✓✗✔✘") | frozenset(map(chr, range(0x20A0, 0x20C1)))
_SAME_SYMBOL = {"⩽": "≤", "⩾": "≥", "⁺": "+", "∼": "~", "×": "x"}
_NOTE_SIGNS = "¹²³⁰⁴⁵⁶⁷⁸⁹,"
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_POWER = re.compile(r"(?<=\d)([⁰¹²³⁴-⁹]+)")
_ROMAN = re.compile(r"[IVX]{2,8}")
_DIRECTED = words_of(
    """
    to from by for with into he she him her his hers i you we they them my our your their and or but
    """
)
_NUMERALS = words_of(
    """
    two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion third
    fourth fifth sixth seventh eighth ninth tenth dozen
    """
)
_MODALS = words_of(
    """
    may might could can must will would shall should cannot
    """
)


@dataclass(frozen=True, slots=True)
class Token:
    """``raw`` as it stands at ``[start, end)``; ``word`` folded. ``opening``: it begins a sentence.

    ``parted``: a comma, semicolon, colon, dash or bracket parts it from the word before; ``broken``: a line end alone.
    """

    raw: str
    word: str
    start: int
    end: int
    opening: bool = False
    parted: bool = False
    broken: bool = False


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
    found: list[Token] = []
    last = 0
    for match in _TOKEN.finditer(masked):
        raw = _without_note(match.group())
        word = _word(raw)
        if word:
            opening = _opens(masked, match.start())
            parted = bool(found) and _PARTING.search(masked[max(last, match.start() - 8) : match.start()]) is not None
            broken = "\n" in (gap := text[last : match.start()]) and gap.isspace()
            begin = offset + match.start()
            found.append(Token(raw, word, begin, begin + len(raw), opening, parted, broken))
            last = match.end()
    return found


def _without_note(raw: str) -> str:
    """A word or a year without the number of a note glued to it: "results¹²", "2019¹"."""
    bare = raw.rstrip(_NOTE_SIGNS)
    return bare if bare != raw and ((bare[-3:].isalpha() and len(bare) >= 3) or _YEAR.fullmatch(bare)) else raw


def _word(raw: str) -> str:
    raw = _SAME_SYMBOL.get(raw, raw)
    if raw in _SYMBOLS:
        return raw
    if raw[0].isdecimal() or raw[0] in "-−–":
        digits = unicodedata.normalize("NFKC", _POWER.sub(r"^\1", raw.lstrip("-−–")))
        grouped = re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits)
        return ("-" if raw[0] in "-−–" else "") + (digits.replace(",", "") if grouped else digits.casefold())
    if raw[0].isnumeric() and not raw[0].isalpha():
        return unicodedata.normalize("NFKC", raw).casefold()  # ½ is "1⁄2", never "12"
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
    one, other = ("".join(re.sub(r"['^⁄]", "", t.word) for t in run) for run in (quote, source))
    return one == other


def _join_kind(quote: Sequence[Token], source: Sequence[Token]) -> EditKind | None:
    """The same letters with other borders between words: no edit, but for a negation or digits set apart."""
    one, other = {t.word for t in quote}, {t.word for t in source}
    alone = (one ^ other) & {"no", "not"}
    if alone and not any(is_negator(word) for word in (one ^ other) - alone):
        return "negation"
    if _reads_otherwise(quote, source) or _reads_otherwise(source, quote):
        return "negation"
    ours, theirs = (" ".join(t.word for t in run) for run in (quote, source))
    if _DIGITS.findall(ours) == _DIGITS.findall(theirs):
        return "spelling" if sum(map(_is_digits, quote)) != sum(map(_is_digits, source)) else None
    grouped = any(_GROUPED.fullmatch(run) for run in (ours, theirs))
    broken = any(len(run) > 1 and all(t.broken for t in run[1:]) for run in (quote, source))
    return "spelling" if grouped or broken else "number"


_DIGITS = re.compile(r"\d+")
_GROUPED = re.compile(r"\D*\d{1,3}(?: \d{3})+(?!\d)\D*")


def _is_digits(token: Token) -> bool:
    return token.word[0].isdigit()


def _reads_otherwise(apart: Sequence[Token], joined: Sequence[Token]) -> bool:
    """Whether two words make another one when joined: "a typical" and "atypical", "now here" and "nowhere"."""
    whole = {t.word for t in joined}
    for one, other in itertools.pairwise(t.word for t in apart):
        both = one + other
        if both in whole and (both == "nowhere" if one == "now" else one == "a" and both in confused_with(other)):
            return True
    return False


def _numbers(run: Sequence[Token]) -> list[str]:
    return [t.word for t in run if _is_number(t)]


def _is_number(token: Token) -> bool:
    word = token.word
    return (
        word in _SYMBOLS
        or word in _NUMERALS
        or _ROMAN.fullmatch(token.raw) is not None
        or any(c.isdigit() or (c.isnumeric() and not c.isalpha()) for c in word)
    )


def _edit(kind: EditKind, quote: Sequence[Token], source: Sequence[Token], at: int) -> Edit:
    start, end = (source[0].start, source[-1].end) if source else (at, at)
    return Edit(kind, " ".join(t.raw for t in quote), " ".join(t.raw for t in source), start, end)


def _pair_kind(quote: Token, source: Token) -> EditKind:
    if _glued_note(quote.word, source.word) or _glued_note(source.word, quote.word):
        return "spelling"
    group = _group_kind([quote], [source])
    one, other = quote.word, source.word
    if group != "content" or other in confused_with(one) or {one, other} & _DIRECTED:
        return group
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
    if any(opposite(one, other) for one in set(ours) for other in set(theirs)):
        return "antonym"
    if {w for w in ours if w in QUANTIFIERS} != {w for w in theirs if w in QUANTIFIERS}:
        return "quantifier"
    if {w for w in ours if w in _MODALS} != {w for w in theirs if w in _MODALS} or (
        set(ours) & HEDGES != set(theirs) & HEDGES
    ):
        return "modality"
    if ours and theirs and set(ours) & _DIRECTED != set(theirs) & _DIRECTED:
        return "content"  # who did what to whom, from where to where
    if any(not confused_with(one).isdisjoint(theirs) for one in ours):
        return "content"
    if all(word in SLIGHT or (len(word) == 1 and not (ours and theirs)) for word in (*ours, *theirs)):
        return "function"
    if len(quote) != len(source) and any(_is_name(t) for t in (*quote, *source)):
        return "name"
    return "content"


def _glued_note(plain: str, glued: str) -> bool:
    """A footnote number that text extraction glued to the next or the last word: "1ImageNet", "results2"."""
    return plain.isalpha() and len(plain) >= 3 and glued != plain and glued.strip("0123456789") == plain


def _unspaced(char: str) -> bool:
    return "\u0e00" <= char <= "\u0eff" or "\u3040" <= char <= "\u9fff" or "\U00020000" <= char <= "\U0003ffff"


def _is_name(token: Token) -> bool:
    return token.raw[:1].isupper() and not token.opening and token.word not in STOPWORDS


def _slip(one: str, other: str) -> bool:
    """One letter wrong, missing or swapped in a longer word: a slip of typing or of text extraction.

    Never the first letter, which makes another word ("asymptomatic", "keinen"), and never in a script without spaces,
    where a "word" is a whole clause.
    """
    from rapidfuzz.distance import OSA

    if one[:1] != other[:1] or any(map(_unspaced, one + other)):
        return False
    return min(len(one), len(other)) >= 5 and OSA.distance(one, other, score_cutoff=1) <= 1
