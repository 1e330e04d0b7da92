"""Number words, scales, units and currencies."""

from __future__ import annotations

__all__ = ["CURRENCIES", "NUMBER_WORDS", "ORDINALS", "SCALES", "UNITS"]

_SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
NUMBER_WORDS: dict[str, float] = {word: value for value, word in enumerate(_SMALL)}
NUMBER_WORDS |= {
    w: 10 * (i + 2)
    for i, w in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
}
NUMBER_WORDS |= {"dozen": 12, "half": 0.5, "quarter": 0.25, "third": 1 / 3, "twice": 2, "double": 2, "doubled": 2, "doubling": 2,  # noqa: E501
           "triple": 3, "tripled": 3, "thrice": 3, "quadruple": 4, "quadrupled": 4, "halved": 0.5, "halve": 0.5}  # fmt: skip  # noqa: E501
_NTH = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
    "ninth", "tenth", "eleventh", "twelfth",
]  # fmt: skip
ORDINALS: dict[str, int] = {word: place for place, word in enumerate(_NTH, start=1)}
SCALES = {"hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "mio": 1e6, "m": 1e6, "billion": 1e9,
           "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12, "lakh": 1e5, "crore": 1e7, "hundreds": 1e2, "thousands": 1e3,  # noqa: E501
           "millions": 1e6, "billions": 1e9, "dozens": 12.0}  # fmt: skip
# unit → (dimension, factor to the dimension's base)
UNITS: dict[str, tuple[str, float]] = {}
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
        UNITS[_name] = (_dimension, _factor)
CURRENCIES = {"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy", "usd": "usd", "eur": "eur", "gbp": "gbp", "dollar": "usd",
             "dollars": "usd", "euro": "eur", "euros": "eur", "pounds": "gbp", "yen": "jpy", "us$": "usd", "₹": "inr"}  # fmt: skip  # noqa: E501
