"""I have the number in a spreadsheet's cell and its number format: what does the reader see?

ECMA-376 part 1, section 18.8.30 (format ids) and 18.8.31 (format codes). Dates are written year-month-day whatever
their format, so that they mean the same everywhere.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

__all__ = ["BUILT_IN", "plain_number", "shown"]

BUILT_IN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    14: "yyyy-mm-dd",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "m/d/yy h:mm",
    37: "#,##0;(#,##0)",
    38: "#,##0;(#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
}

_TOKENS = re.compile(r"\"[^\"]*(?:\"|$)|\\.|_.|\*.|\[[^\]]*\]|[^\"\\_*\[]", re.S)
_DIGITS = re.compile(r"[0#?][0#?,.]*")
_LAST_DAY = 2_958_466  # 10000-01-01


def shown(value: float, code: str, *, since_1904: bool = False) -> str:
    """A number as a format code shows it; an unknown or general code shows it plainly."""
    if not code or code.lower() == "general" or code == "@" or value != value or abs(value) > 1e15:
        return plain_number(value)
    section, own_sign = _section(code, value)
    kind, prefix, digits, suffix = _shape(section)
    if kind == "date":
        return _date(value, section, since_1904) or plain_number(value)
    if kind != "number":
        return prefix or plain_number(value)
    number = _digits(abs(value), digits, prefix + suffix)
    sign = "-" if value < 0 and not own_sign and number.strip("0.,") else ""
    return f"{sign}{prefix}{number}{suffix}".strip()


def plain_number(value: float) -> str:
    """A number in up to 15 significant digits, as spreadsheets keep it; a whole one without a point."""
    if value == int(value) if abs(value) < 1e15 else False:
        return str(int(value))
    return format(value, ".15g")


@lru_cache(maxsize=512)
def _sections(code: str) -> tuple[str, ...]:
    """The parts of a code that semicolons separate, markup for colour and spacing taken out, literals in quotes."""
    parts = [""]
    for token in _TOKENS.findall(code[:500]):
        if token == ";":
            parts.append("")
        elif token[0] == '"':
            parts[-1] += f'"{token.strip(chr(34))}"'
        elif token[0] == "\\":
            parts[-1] += f'"{token[1]}"'
        elif token[0] == "[":
            parts[-1] += _bracket(token)
        elif token[0] not in "_*":
            parts[-1] += token
    return tuple(parts)


def _bracket(token: str) -> str:
    """What a bracket adds: a currency sign, an elapsed time; nothing for colours and conditions."""
    if token.startswith("[$"):
        sign = token[2:-1].partition("-")[0]
        return f'"{sign}"' if sign else ""
    return token[1:-1] if token[1:-1].lower().strip("hms") == "" else ""


def _section(code: str, value: float) -> tuple[str, bool]:
    """The part of a code that applies to a value, and whether that part shows the sign itself."""
    parts = _sections(code)
    if value < 0 and len(parts) > 1:
        return parts[1], True
    if value == 0 and len(parts) > 2:
        return parts[2], False
    return parts[0], False


@lru_cache(maxsize=512)
def _shape(section: str) -> tuple[str, str, str, str]:
    """Kind (date, number, literal), literal before, digit places, literal after."""
    bare = re.sub(r'"[^"]*"', "", section)
    if re.search(r"[ymdhs]", bare, re.I) and not re.search(r"general", bare, re.I):
        return "date", "", "", ""
    # a literal may hold digits: it is put away while the digit places are found
    literals = re.findall(r'"([^"]*)"', section)
    masked = re.sub(r'"[^"]*"', "\0", section)
    match = _DIGITS.search(masked)
    if match is None:
        return "literal", _unmasked(masked, literals)[0], "", ""
    if re.search(r"E[+-]|/", masked[match.end() :]):
        return "plain", "", "", ""  # powers of ten and fractions
    before, used = _unmasked(masked[: match.start()], literals)
    after, _ = _unmasked(masked[match.end() :], literals[used:])
    return "number", before, match[0], after


def _unmasked(text: str, literals: list[str]) -> tuple[str, int]:
    count = text.count("\0")
    for literal in literals[:count]:
        text = text.replace("\0", literal, 1)
    return text.replace("?", ""), count


def _digits(value: float, places: str, around: str) -> str:
    value *= 100 ** min(around.count("%"), 2)
    bare = places.rstrip(",")
    value /= 1000 ** min(len(places) - len(bare), 5)
    whole, _, fraction = bare.partition(".")
    most = min(sum(c in "0#?" for c in fraction), 15)
    least = min(fraction.count("0"), most)
    text = f"{value:,.{most}f}" if "," in whole else f"{value:.{most}f}"
    if most > least:
        head, _, tail = text.partition(".")
        tail = tail[:least] + tail[least:].rstrip("0")
        text = f"{head}.{tail}" if tail else head
    return text.zfill(min(whole.count("0"), 15)) if "," not in whole and most == 0 else text


def _date(value: float, section: str, since_1904: bool) -> str:
    """A day number (1 is 1900-01-01, or 0 is 1904-01-01) as date, time or both; empty when it is none."""
    bare = re.sub(r'"[^"]*"|AM/PM|A/P', "", section, flags=re.I).lower()
    if not -1 < value < _LAST_DAY:
        return ""
    has_day = bool(re.search(r"[yd]|m{3,}", bare)) or not re.search(r"[hs]", bare)
    has_time = bool(re.search(r"[hs]", bare))
    if not has_day:
        return _clock(value, "s" in bare)
    start = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30 if value >= 60 else 31)
    moment = start + timedelta(seconds=round(value * 86400))
    return moment.strftime("%Y-%m-%d" + (" %H:%M" if has_time else "") + (":%S" if has_time and "s" in bare else ""))


def _clock(value: float, seconds: bool) -> str:
    total = round(value * 86400)
    hours, minutes, rest = total // 3600, total // 60 % 60, total % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if seconds else f"{hours}:{minutes:02d}"
