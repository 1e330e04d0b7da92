"""The words of a statement without marks and markup, and what kind of statement they make."""

from __future__ import annotations

import re
from collections.abc import Sequence

from carrel.citations.lexicon import content_words
from carrel.citations.marks import CitationMark
from carrel.citations.normalise import TAG
from carrel.citations.reports.blocks import Block
from carrel.citations.reports.nouns import StatementKind
from carrel.citations.tokens import tokens

__all__ = ["kind_of", "plain_words"]

_META = re.compile(
    r"^(?:this (?:report|brief|document|section|answer|summary|review|overview|question|note)|(?:in )?(?:summary|conclusion)\b[,:]?$|"  # noqa: E501
    r"(?:the following|below|here|overall,? we|we (?:now|next|first|will)|i (?:think|believe|would|recommend)|"
    r"note that this|see (?:also|section|figure|table)|as (?:shown|noted|discussed) (?:above|below))\b|"
    r"(?:table|figure|fig\.) \d+[.:])",
    re.I,
)
_MIN_CLAIM_WORDS = 3


def plain_words(text: str, start: int, end: int, marks: Sequence[CitationMark]) -> str:
    """The words of a span: citation marks gone, links as their label, emphasis and block markers off."""
    parts, at = [], start
    for mark in marks:
        if start <= mark.start < end and mark.start >= at:
            parts.append(text[at : mark.start])
            parts.append(mark.label if mark.label else " ")
            at = mark.end
    parts.append(text[at : max(at, end)])
    plain = re.sub(r"^[ \t]*>[ \t]?", "", "".join(parts), flags=re.M)
    plain = TAG.sub(" ", plain)
    plain = re.sub(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)|`", "", plain)
    plain = re.sub(r"\s*\|\s*", "; ", plain.strip().strip("|")) if plain.lstrip().startswith("|") else plain
    plain = re.sub(r"\(\s*[,;]*\s*\)", "", plain)
    return re.sub(r"\s+([.,;:!?])", r"\1", " ".join(plain.split())).strip()


def kind_of(plain: str, block: Block) -> StatementKind:
    """Claim, heading, question, table row, a remark on the report itself, or too short to say anything."""
    if block.kind == "heading":
        return "heading"
    if plain.endswith(("?", "？")):
        return "question"
    words = [token.word for token in tokens(plain)]
    if len(content_words(words)) < _MIN_CLAIM_WORDS and len(plain) < 40 and not any(w[0].isdigit() for w in words):
        return "short"
    if _META.match(plain) or plain.endswith(":"):
        return "meta"
    return "table" if block.kind == "table" else "claim"
