"""What PubMed and Europe PMC share: MEDLINE's publication types and its links to retractions and corrections."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from carrel.records import WorkStatus
from carrel.scholarly.standing import told_by_title

__all__ = ["Note", "full_pages", "medline_standing", "medline_title", "medline_type"]

# Publication types of MeSH (nlm.nih.gov/mesh/pubtypes.html), the telling ones first.
_TYPES = (
    ("preprint", "preprint"),
    ("dataset", "dataset"),
    ("academic dissertation", "thesis"),
    ("technical report", "report"),
    ("book chapter", "chapter"),
)
# The reference types of CommentsCorrections, and Europe PMC's words for them, without spaces and in lower case.
_AGAINST = {
    "retractionin": "retracted",
    "partialretractionin": "corrected",
    "expressionofconcernin": "expression_of_concern",
    "erratumin": "corrected",
    "correctedandrepublishedin": "corrected",
    "retractedandrepublishedin": "retracted",
}
_OF_OTHERS = {
    "retractionof": "retraction",
    "partialretractionof": "partial retraction",
    "expressionofconcernfor": "expression of concern",
    "erratumfor": "erratum",
}
_WEIGHT = ("retracted", "withdrawn", "expression_of_concern", "corrected")


@dataclass(frozen=True, slots=True)
class Note:
    """A link from one work to another: its ``kind`` in the service's word, the other's PMID, and how it is cited."""

    kind: str
    pmid: str = ""
    source: str = ""


def medline_type(types: Collection[str]) -> str:
    """Carrel's word for a work of these publication types; MEDLINE holds articles unless it says otherwise."""
    told = {kind.casefold() for kind in types}
    return next((word for kind, word in _TYPES if kind in told), "article")


def medline_title(title: str) -> str:
    """Without the closing stop, and without the brackets around a title that NLM translated."""
    plain = title.strip()
    whole = re.fullmatch(r"\[([^\[\]]+)\]\.?", plain)
    plain = whole[1] if whole else plain
    return plain[:-1] if re.search(r"[^.]\.$", plain) and not re.search(r"(?:\b\w\.){2,}$", plain) else plain


def full_pages(pages: str) -> str:
    """``113-25`` as ``113-125``: MEDLINE leaves out the digits that both page numbers share."""
    match = re.fullmatch(r"(\D*)(\d+)-(\D*)(\d+)", pages.strip())
    if match is None or len(match[4]) >= len(match[2]) or (match[3] and match[3] != match[1]):
        return pages.strip()
    return f"{match[1]}{match[2]}-{match[1]}{match[2][: len(match[2]) - len(match[4])]}{match[4]}"


def medline_standing(
    title: str, types: Collection[str], notes: Sequence[Note], provider: str, as_of: str
) -> WorkStatus:
    """The gravest notice against this work. A notice itself, which carries the type "Retraction of Publication", and
    articles that comment on others are in good standing."""
    told = {kind.casefold() for kind in types}
    against = [(_AGAINST[kind], note) for note in notes if (kind := _kind(note)) in _AGAINST]
    if "retracted publication" in told and not any(state == "retracted" for state, _ in against):
        against.append(("retracted", Note("retractionin")))
    if (said := told_by_title(title)) and not any(state in ("retracted", "withdrawn") for state, _ in against):
        against.append((said, Note("title")))
    if not against:
        return WorkStatus("none_known", reason=_is_notice(told, notes), provider=provider, as_of=as_of)
    state, note = min(against, key=lambda entry: _WEIGHT.index(entry[0]))
    return WorkStatus(
        state,
        date=_year_of(note.source),
        reason="the title says so" if note.kind == "title" else note.source[:200],
        notice=f"pmid:{note.pmid}" if note.pmid else "",
        provider=provider,
        as_of=as_of,
    )


def _kind(note: Note) -> str:
    return re.sub(r"[^a-z]", "", note.kind.lower())


def _is_notice(types: Collection[str], notes: Sequence[Note]) -> str:
    kinds = {_OF_OTHERS[kind] for note in notes if (kind := _kind(note)) in _OF_OTHERS}
    kinds |= {"retraction"} if "retraction of publication" in types else set()
    kinds |= {"erratum"} if "published erratum" in types else set()
    kinds |= {"expression of concern"} if "expression of concern" in types else set()
    return f"this is itself a notice: {', '.join(sorted(kinds))}" if kinds else ""


def _year_of(source: str) -> str:
    """The year in ``Lancet. 2010 Feb 6;375(9713):445``."""
    match = re.search(r"\.\s((?:19|20)\d\d)\b", source)
    return match[1] if match else ""
