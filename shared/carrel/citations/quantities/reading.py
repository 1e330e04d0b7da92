"""Which quantities stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from carrel.citations.quantities.tables import CURRENCIES, NUMBER_WORDS, ORDINALS, SCALES, UNITS

__all__ = ["Quantity", "Role", "find_quantities"]

Role = Literal["amount", "percent", "points", "money", "year", "ordinal"]
_WORD_NUMBER = r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|trillion|dozen)"  # noqa: E501
_PATTERN = re.compile(
    r"(?P<money>US\$|[$€£¥₹])?\s?(?P<sign>(?<![\w.)])[-−–](?=\d))?(?<![\w.])(?P<digits>\d{1,3}(?:[,\u202f\u00a0 ]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"  # noqa: E501
    r"(?P<ordinal>st|nd|rd|th)?(?P<decade>['’]?s(?!\w))?"
    r"(?:[ \u00a0-]?(?P<scale>hundred|thousand|million|billion|trillion|lakh|crore|bn|mn|k|m|b)(?![\w/²³]))?"
    r"|(?<![\w-])(?P<words>(?:" + _WORD_NUMBER + r"(?:[ -](?:and[ -])?(?=" + _WORD_NUMBER + r"\b))?){1,8})(?![\w])"
    r"|(?<![\w-])(?P<single>half|halved|double|doubled|doubling|twice|triple|tripled|thrice|quarter|quadrupled|dozens|hundreds|thousands|millions|billions)(?!\w)"
    r"|(?<![\w-])(?P<nth>second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth)(?!\w)",
    re.I,
)  # fmt: skip
_AFTER = re.compile(
    r"[ \u00a0-]?(percentage points?|pp\b|%|per ?cent\b|percent\b|‰|°\s?[CF]\b|[A-Za-zµμ]+(?:/[a-z]+)?)"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a text at ``[start, end)``.

    ``value`` is scaled (3 million is 3e6); ``step`` is the size of its last stated digit, so 1.2 million has step
    1e5. ``unit`` is the name of a known unit or currency, else empty.
    """

    raw: str
    value: float
    step: float
    role: Role
    unit: str
    start: int
    end: int


def find_quantities(text: str) -> list[Quantity]:
    """All quantities of ``text``, in order. Linear in its length."""
    return list(_read(text))


def _read(text: str) -> Iterator[Quantity]:
    for match in _PATTERN.finditer(text):
        if match["digits"]:
            quantity = _from_digits(match, text)
        elif match["nth"]:
            quantity = _plain(match, float(ORDINALS[match["nth"].lower()]), 1.0, "ordinal")
        elif match["single"]:
            word = match["single"].lower()
            value = NUMBER_WORDS.get(word) or SCALES.get(word, 0.0)
            quantity = _plain(match, value, value, "amount")
        else:
            quantity = _from_words(match, text)
        if quantity is not None:
            yield quantity


def _plain(match: re.Match[str], value: float, step: float, role: Role) -> Quantity:
    return Quantity(match.group().strip(), value, step, role, "", match.start(), match.end())


def _from_digits(match: re.Match[str], text: str) -> Quantity | None:
    digits = re.sub(r"[,\u202f\u00a0 ]", "", match["digits"])
    if len(digits) > 30:
        return None
    scale = SCALES[match["scale"].lower()] if match["scale"] else 1.0
    if match["scale"] and match["scale"] == "m" and not match["money"]:
        scale = 1.0  # metres, unless money stands before it
    decimals = len(digits.partition(".")[2])
    value = float(digits) * scale * (-1 if match["sign"] else 1)
    zeros = len(digits) - len(digits.rstrip("0")) if not decimals and float(digits) else 0
    step = scale * 10.0 ** (zeros if zeros >= 2 else -decimals)
    role, unit = _role(match, digits, text)
    lead = len(match.group()) - len(match.group().lstrip())
    return Quantity(match.group().strip(), value, step, role, unit, match.start() + lead, match.end())


def _role(match: re.Match[str], digits: str, text: str) -> tuple[Role, str]:
    if match["money"]:
        return "money", CURRENCIES[match["money"].lower()]
    if match["ordinal"]:
        return "ordinal", ""
    end = match.end("digits") if match["scale"] == "m" else match.end()
    after = _AFTER.match(text, end)
    word = after[1].lower() if after else ""
    if word.startswith(("percentage p", "pp")):
        return "points", "pp"
    if word in ("%", "percent", "per cent", "‰"):
        return "percent", word[:1].replace("p", "%")
    if word in CURRENCIES and not digits.startswith("0"):
        return "money", CURRENCIES[word]
    if match["decade"] or (re.fullmatch(r"1[0-9]\d\d|20\d\d", digits) and not match["scale"] and _unit(word) == ""):
        return "year", "s" if match["decade"] else ""
    return "amount", _unit(word)


def _unit(word: str) -> str:
    word = re.sub(r"\s", "", word)
    if word in UNITS:
        return word if word not in ("in", "a") else ""
    single = word.removesuffix("s")
    return single if single in UNITS and len(single) > 2 else ""


def _from_words(match: re.Match[str], text: str) -> Quantity | None:
    words = re.findall(r"[a-z]+", match["words"].lower())
    if words == ["one"]:
        return None  # "one" is mostly a pronoun or an article
    total, current = 0.0, 0.0
    for word in words:
        if word in NUMBER_WORDS:
            current = current * NUMBER_WORDS[word] if word == "dozen" and current else current + NUMBER_WORDS[word]
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in SCALES:
            total, current = total + (current or 1) * SCALES[word], 0.0
    after = _AFTER.match(text, match.end())
    word = after[1].lower() if after else ""
    role: Role = (
        "points" if word.startswith("percentage p") else "percent" if word in ("percent", "per cent", "%") else "amount"
    )
    return Quantity(
        match.group(), total + current, 1.0, role, "%" if role == "percent" else _unit(word), match.start(), match.end()
    )
