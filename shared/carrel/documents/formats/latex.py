"""I have a field of a BibTeX entry: give me its text, accents and braces resolved."""

from __future__ import annotations

import re
import unicodedata

from carrel.documents.draft import words

__all__ = ["plain_latex"]

_ACCENTS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    "u": "\u0306",
    ".": "\u0307",
    '"': "\u0308",
    "r": "\u030a",
    "H": "\u030b",
    "v": "\u030c",
    "d": "\u0323",
    "c": "\u0327",
    "k": "\u0328",
    "b": "\u0331",
}
_SYMBOLS = {
    "ss": "ß",
    "SS": "ẞ",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
    "aa": "å",
    "AA": "Å",
    "i": "ı",
    "j": "ȷ",
    "dh": "ð",
    "DH": "Ð",
    "dj": "đ",
    "DJ": "Đ",
    "th": "þ",
    "TH": "Þ",
    "ng": "ŋ",
    "textendash": "–",
    "textemdash": "—",
    "ldots": "…",
    "dots": "…",
    "textellipsis": "…",
    "textquoteright": "’",
    "textquoteleft": "‘",
    "textquotedblleft": "“",
    "textquotedblright": "”",
    "textregistered": "®",
    "texttrademark": "™",
    "textdegree": "°",
    "textmu": "µ",
    "textbackslash": "\\",
    "textasciitilde": "~",
    "S": "§",
    "P": "¶",
    "copyright": "©",
    "pounds": "£",
    "euro": "€",
    "LaTeX": "LaTeX",
    "TeX": "TeX",
    "slash": "/",
    "times": "×",
    "pm": "±",
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    "to": "→",
    "rightarrow": "→",
    "infty": "∞",
    "sim": "∼",
    "approx": "≈",
    "cdot": "·",
    "circ": "°",
    "ell": "ℓ",
}
_GREEK = words(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho . sigma tau upsilon phi "
    "chi psi omega"
)
_SYMBOLS |= {name: chr(0x3B1 + place) for place, name in enumerate(_GREEK) if name != "."}
_SYMBOLS |= {name.capitalize(): chr(0x391 + place) for place, name in enumerate(_GREEK) if name != "."}

# \'e \'{e} {\'e} \c c \c{c} \v{\i}: the letter may itself be a command without its dot
_ACCENT = re.compile(
    r"\\(?:([`'^~=.\"])[ \t]*|([uvHcdbrk])(?:[ \t]+|(?=\{)))(?:\{[ \t]*(?:\\([ij])(?![A-Za-z])|([^\W\d_])?)[ \t]*\}"
    r"|\\([ij])(?![A-Za-z])[ \t]?|([^\W\d_]))"
)
_COMMAND = re.compile(r"\\([A-Za-z]+)[ \t]*(?:\{\})?")
_ESCAPED = re.compile(r"\\([%&$#_{}~^\\ ,;/@-])")
_DASHES = re.compile(r"(?<![-!<])---?(?![->])")


def plain_latex(text: str) -> str:
    """Plain text of a LaTeX fragment on one line: accents composed, symbols as characters, markup gone.

    Linear in the length of the text; what is not known loses its backslash.
    """
    if "\\" in text:
        text = _ACCENT.sub(_accented, text)
        text = _COMMAND.sub(_symbol, text)
        text = _ESCAPED.sub(_escaped, text)
    text = text.replace("{", "").replace("}", "").replace("\ue000", "{").replace("\ue001", "}")
    text = re.sub(r"\$([^$]{0,2000})\$", r"\1", text).replace("\ue002", "$")
    text = _DASHES.sub(lambda match: "—" if len(match[0]) == 3 else "–", text)
    text = text.replace("``", "“").replace("''", "”").replace("~", " ").replace("\ue003", "~")
    return " ".join(text.split())


def _accented(match: re.Match[str]) -> str:
    letter = match[3] or match[5] or match[4] or match[6] or ""
    return unicodedata.normalize("NFC", letter + _ACCENTS[match[1] or match[2]]) if letter else ""


def _symbol(match: re.Match[str]) -> str:
    return _SYMBOLS.get(match[1], "")


def _escaped(match: re.Match[str]) -> str:
    kept = {"{": "\ue000", "}": "\ue001", "$": "\ue002", "~": "\ue003", "\\": " ", ",": " ", ";": " ", "/": "", "-": ""}
    return kept.get(match[1], match[1])
