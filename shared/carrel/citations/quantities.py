"""Quantities in a sentence: values with their unit, scale and precision, read the way a careful person would."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Quantity", "agree", "find_dates", "find_quantities", "same_dimension"]

Role = Literal["amount", "percent", "points", "money", "year", "ordinal", "date"]
_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_WORDS: dict[str, float] = {word: value for value, word in enumerate(_SMALL)}
_WORDS |= {
    w: 10 * (i + 2)
    for i, w in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
}
_WORDS |= {"dozen": 12, "half": 0.5, "quarter": 0.25, "third": 1 / 3, "twice": 2, "double": 2, "doubled": 2, "doubling": 2,  # noqa: E501
           "triple": 3, "tripled": 3, "thrice": 3, "quadruple": 4, "quadrupled": 4, "halved": 0.5, "halve": 0.5}  # fmt: skip  # noqa: E501
_ORDINALS: dict[str, int] = {
    word: value + 1
    for value, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
        ]
    )
}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "mio": 1e6, "m": 1e6, "billion": 1e9,
           "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12, "lakh": 1e5, "crore": 1e7, "hundreds": 1e2, "thousands": 1e3,  # noqa: E501
           "millions": 1e6, "billions": 1e9, "dozens": 12.0}  # fmt: skip
_MONTHS = {m: i + 1 for i, m in enumerate(
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"])}  # fmt: skip  # noqa: E501
_MONTHS |= {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}
# unit → (dimension, factor to the dimension's base)
_UNITS: dict[str, tuple[str, float]] = {}
for _names, _dimension, _factor in (
    ("mm millimeter millimetre", "length", 1e-3), ("cm centimeter centimetre", "length", 1e-2),
    ("m meter metre", "length", 1.0), ("km kilometer kilometre", "length", 1e3), ("mile mi", "length", 1609.344),
    ("ft foot feet", "length", 0.3048), ("inch in inche", "length", 0.0254), ("yard yd", "length", 0.9144),
    ("nm nanometer nanometre", "length", 1e-9), ("µm μm um micrometer micrometre micron", "length", 1e-6),
    ("mg milligram", "mass", 1e-6), ("µg μg ug mcg microgram", "mass", 1e-9), ("g gram", "mass", 1e-3),
    ("kg kilogram kilo", "mass", 1.0), ("t ton tonne", "mass", 1e3), ("lb lbs pound", "mass", 0.45359237),
    ("oz ounce", "mass", 0.0283495), ("ms millisecond", "time", 1e-3), ("s sec second", "time", 1.0),
    ("min minute", "time", 60.0), ("h hr hour", "time", 3600.0), ("day", "time", 86400.0), ("week", "time", 604800.0),
    ("month", "time", 2629800.0), ("year yr", "time", 31557600.0), ("decade", "time", 315576000.0),
    ("century centuries", "time", 3155760000.0), ("°c celsius", "celsius", 1.0), ("°f fahrenheit", "fahrenheit", 1.0),
    ("kelvin", "kelvin", 1.0), ("hz hertz", "frequency", 1.0), ("khz", "frequency", 1e3), ("mhz", "frequency", 1e6),
    ("ghz", "frequency", 1e9), ("w watt", "power", 1.0), ("kw kilowatt", "power", 1e3), ("mw megawatt", "power", 1e6),
    ("gw gigawatt", "power", 1e9), ("kwh", "energy", 1.0), ("mwh", "energy", 1e3), ("gwh", "energy", 1e6),
    ("twh", "energy", 1e9), ("kb kilobyte", "bytes", 1e3), ("mb megabyte", "bytes", 1e6), ("gb gigabyte", "bytes", 1e9),
    ("tb terabyte", "bytes", 1e12), ("ml millilitre milliliter", "volume", 1e-3), ("l litre liter", "volume", 1.0),
    ("hectare ha", "area", 1e4), ("acre", "area", 4046.86), ("km/h kmh kph", "speed", 1.0), ("mph", "speed", 1.609344),
):  # fmt: skip
    for _name in _names.split():
        _UNITS[_name] = (_dimension, _factor)

_CURRENCY = {"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy", "usd": "usd", "eur": "eur", "gbp": "gbp", "dollar": "usd",
             "dollars": "usd", "euro": "eur", "euros": "eur", "pounds": "gbp", "yen": "jpy", "us$": "usd", "₹": "inr"}  # fmt: skip  # noqa: E501
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
_DATE = re.compile(
    r"\b(?:(?P<d1>\d{1,2})(?:st|nd|rd|th)?(?: of)? (?P<m1>[A-Z][a-z]{2,8})\.?,? (?P<y1>\d{4})|(?P<m2>[A-Z][a-z]{2,8})\.? (?P<d2>\d{1,2})(?:st|nd|rd|th)?,? (?P<y2>\d{4})"  # noqa: E501
    r"|(?P<y3>\d{4})-(?P<m3>\d{2})-(?P<d3>\d{2}))\b"
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
            quantity = _plain(match, float(_ORDINALS[match["nth"].lower()]), 1.0, "ordinal")
        elif match["single"]:
            word = match["single"].lower()
            value = _WORDS.get(word) or _SCALES.get(word, 0.0)
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
    scale = _SCALES[match["scale"].lower()] if match["scale"] else 1.0
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
        return "money", _CURRENCY[match["money"].lower()]
    if match["ordinal"]:
        return "ordinal", ""
    end = match.end("digits") if match["scale"] == "m" else match.end()
    after = _AFTER.match(text, end)
    word = after[1].lower() if after else ""
    if word.startswith(("percentage p", "pp")):
        return "points", "pp"
    if word in ("%", "percent", "per cent", "‰"):
        return "percent", word[:1].replace("p", "%")
    if word in _CURRENCY and not digits.startswith("0"):
        return "money", _CURRENCY[word]
    if match["decade"] or (re.fullmatch(r"1[0-9]\d\d|20\d\d", digits) and not match["scale"] and _unit(word) == ""):
        return "year", "s" if match["decade"] else ""
    return "amount", _unit(word)


def _unit(word: str) -> str:
    word = re.sub(r"\s", "", word)
    if word in _UNITS:
        return word if word not in ("in", "a") else ""
    single = word.removesuffix("s")
    return single if single in _UNITS and len(single) > 2 else ""


def _from_words(match: re.Match[str], text: str) -> Quantity | None:
    words = re.findall(r"[a-z]+", match["words"].lower())
    if words == ["one"]:
        return None  # "one" is mostly a pronoun or an article
    total, current = 0.0, 0.0
    for word in words:
        if word in _WORDS:
            current = current * _WORDS[word] if word == "dozen" and current else current + _WORDS[word]
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in _SCALES:
            total, current = total + (current or 1) * _SCALES[word], 0.0
    after = _AFTER.match(text, match.end())
    word = after[1].lower() if after else ""
    role: Role = (
        "points" if word.startswith("percentage p") else "percent" if word in ("percent", "per cent", "%") else "amount"
    )
    return Quantity(
        match.group(), total + current, 1.0, role, "%" if role == "percent" else _unit(word), match.start(), match.end()
    )


def find_dates(text: str) -> list[tuple[tuple[int, int, int], int, int]]:
    """Full dates of ``text``: (year, month, day) with its span."""
    found = []
    for match in _DATE.finditer(text):
        day, month, year = (next(filter(None, (match[f"{part}{i}"] for i in (1, 2, 3)))) for part in "dmy")
        number = int(month) if month.isdigit() else _MONTHS.get(month.lower(), 0)
        if number:
            found.append(((int(year), number, int(day)), match.start(), match.end()))
    return found


def same_dimension(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities measure the same kind of thing, so that one could be a misreport of the other."""
    if one.role != other.role:
        return {one.role, other.role} <= {"percent", "points"}
    if one.unit and other.unit and one.role == "amount":
        return _UNITS[one.unit][0] == _UNITS[other.unit][0]
    return one.unit == other.unit or not one.unit or not other.unit


def agree(claim: Quantity, source: Quantity) -> bool:
    """Whether the source's quantity bears the claim's, at the precision the claim states.

    Units of one dimension convert; a share may be said as percent or fraction; percent and percentage points differ.
    """
    if {claim.role, source.role} == {"percent", "points"}:
        return False
    if claim.role == "money" and source.role == "money" and claim.unit != source.unit:
        return False
    ours, theirs, step = claim.value, source.value, claim.step
    if claim.unit in _UNITS and source.unit in _UNITS and claim.role == source.role == "amount":
        (kind, factor), (other, theirs_factor) = _UNITS[claim.unit], _UNITS[source.unit]
        if kind != other:
            return False
        theirs *= theirs_factor / factor
    elif "percent" in (claim.role, source.role) and claim.role != source.role:
        share, amount = (claim, source) if claim.role == "percent" else (source, claim)
        return (
            amount.role == "amount"
            and not amount.unit
            and amount.value <= 1
            and math.isclose(share.value / 100, amount.value, abs_tol=0.005)
        )
    if math.isclose(ours, theirs, rel_tol=1e-9):
        return True
    if {claim.role, source.role} & {"year", "ordinal", "date"}:
        return claim.unit == "s" and source.role == "year" and ours <= theirs < ours + 10
    return _rounds_to(ours, theirs, step, source.step)


def _rounds_to(ours: float, theirs: float, step: float, source_step: float) -> bool:
    """The claim is the source rounded: coarser, and within half a unit of its last stated digit.

    Final zeros may be exact or rounded; as rounding they excuse a twentieth at most.
    """
    slack = 0.5 * step if step < 100 else min(0.5 * step, 0.05 * abs(theirs))
    return step > source_step * 1.0001 and abs(ours - theirs) <= slack * 1.0001 and ours * theirs >= 0
