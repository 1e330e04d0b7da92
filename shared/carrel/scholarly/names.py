"""Whose name is it? Reading and comparing the names of authors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from carrel.records import Author

__all__ = ["fold", "overlap", "parse_author", "parse_authors", "same_family"]

_SPECIAL = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "ħ": "h",
        "’": "'",
        "ʼ": "'",
        "`": "'",
    }
)
_WORDS_PARTICLES = "van von der den de del della di da dos das du la le el al bin ibn ter ten te af av zu zur 't"
_PARTICLES = frozenset(_WORDS_PARTICLES.split())
_SUFFIX = re.compile(r",?\s+(?:Jr|Sr|II|III|IV|PhD|MD)\.?$", re.I)
_INITIALS = re.compile(r"(?:[A-Z]\.?-?){1,4}")
_GROUP = re.compile(
    r"\b(?:collaboration|consortium|group|team|committee|society|organi[sz]ation|institute|association|network|project)\b",
    re.I,
)


def fold(text: str) -> str:
    """Lower case, accents off, special letters spelt out: what two spellings of one name share."""
    lowered = unicodedata.normalize("NFKD", text.casefold().translate(_SPECIAL))
    return "".join(c for c in lowered if not unicodedata.combining(c))


def _key(family: str) -> str:
    return "".join(c for c in fold(family) if c.isalnum())


def parse_author(text: str) -> Author:
    """Read ``Family, Given``, ``Given Family``, ``Family AB`` or a group's name."""
    plain = " ".join(_SUFFIX.sub("", text.strip(" ,;.&")).split())
    plain = re.sub(r"\s0\d{3}$", "", plain)  # DBLP numbers namesakes: "Wei Wang 0003"
    if "," in plain:
        family, given = plain.split(",", 1)
        return Author(family.strip(), given.strip())
    words = plain.split()
    if len(words) < 2 or _GROUP.search(plain):
        return Author(plain)
    if _INITIALS.fullmatch(words[-1]) and words[-1].isupper() and not _INITIALS.fullmatch(words[0]):
        return Author(" ".join(words[:-1]), words[-1])
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in _PARTICLES:
        start -= 1
    return Author(" ".join(words[start:]), " ".join(words[:start]))


def parse_authors(text: str) -> tuple[Author, ...]:
    """Read a printed author list: ``A and B``, ``A; B``, ``Family, G., Family, G. & Family, G.``, ``G. Family, …``."""
    plain = re.sub(r"\b(?:et\s?al\.?|and others|\(?eds?\.?\)?)(?=[\s,;.]|$)", "", text[:5_000]).strip(" ,;.")
    if ";" in plain:
        parts = plain.split(";")
    elif re.search(r",\s*(?:[A-Z]\.?[\s-]?){1,4}(?:,|&|and\b|$)", plain):
        parts = _inverted(plain)
    elif re.search(r"\s(?:and|und|et|&)\s", plain) and _each_has_comma(plain):
        parts = re.split(r"\s(?:and|&)\s", plain)
    else:
        parts = re.split(r",|\s(?:and|&)\s", plain)
    authors = (parse_author(re.sub(r"^(?:and|&)\s", "", part.strip())) for part in parts if part.strip(" .,&"))
    return tuple(a for a in authors if any(c.isalpha() for c in a.family))[:200]


def _each_has_comma(text: str) -> bool:
    """BibTeX style: every author between the "and"s is one ``Family, Given``."""
    return all(part.count(",") == 1 for part in re.split(r"\s(?:and|&)\s", text))


def _inverted(text: str) -> list[str]:
    """Split ``Smith, J., de la Cruz, M. A., & Wu, X.``: family and initials alternate."""
    pieces = [p.strip() for p in re.split(r",\s*(?:&|and\b)?|\s(?:&|and)\s", text) if p and p.strip(" &")]
    names: list[str] = []
    for piece in pieces:
        if names and "," not in names[-1] and re.fullmatch(r"(?:[A-Z]\w{0,2}\.?[\s-]?)+", piece):
            names[-1] += f", {piece}"
        else:
            names.append(piece)
    return names


def same_family(one: Author, other: Author) -> bool:
    """Could these be one person? Families agree up to accents, particles, compounds and swapped name order."""
    a, b = _key(one.family), _key(other.family)
    if not a or not b:
        return False
    if a == b:
        return True
    first, second = _parts(one.family), _parts(other.family)
    if first and second and (first <= second or second <= first):
        return True
    return (bool(one.given) and _key(one.given) == b) or (bool(other.given) and _key(other.given) == a)


def _parts(family: str) -> set[str]:
    """The parts of a compound family name, particles and initials left out."""
    return {w for w in re.split(r"[^\w]+", fold(family)) if len(w) > 1 and w not in _PARTICLES}


def overlap(claimed: Sequence[Author], recorded: Sequence[Author]) -> float:
    """The share of the claimed authors, of the first 50, that the record has: 0..1, and 1 when nobody is claimed."""
    claimed = claimed[:50]
    if not claimed:
        return 1.0
    return sum(any(same_family(one, other) for other in recorded[:200]) for one in claimed) / len(claimed)
