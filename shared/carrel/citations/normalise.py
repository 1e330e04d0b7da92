"""Squeeze a text to its letters and digits, remembering where each one stood.

What a quote may legitimately differ in — white space, line ends, hyphenation, quotation marks and dashes, ligatures,
case, accents, Markdown, citation markers — is not a letter or a digit, or folds to the same one. So two texts that
say the same words squeeze to the same string, and one array leads each character back to its offset.
"""

from __future__ import annotations

import re
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MARKERS", "TAG", "Squeezed", "fold", "squeeze"]

_TAGS = (
    "a|abbr|address|article|aside|b|bdi|bdo|big|blockquote|body|bold|br|button|caption|center|cite|code|col|colgroup|dd|"
    "del|details|dfn|div|dl|dt|em|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|ins|italic|"
    "jats:[a-z]{1,12}|kbd|label|li|link|main|mark|meta|nav|ol|p|pre|q|ref|rp|rt|ruby|s|samp|script|sec|section|small|"
    "source|span|strong|style|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|time|title|tr|tt|u|ul|var|video|wbr|xref"
)
TAG = re.compile(rf"</?(?i:{_TAGS})(?:\s[^<>\n]{{0,300}})?/?>|<!--|-->")
# Things in running text that are not words of it. Each alternative is bounded, so a hostile text costs linear time.
MARKERS = re.compile(
    r"\[\^?\d{1,3}(?:\s?[,;–-]\s?\^?\d{1,3}){0,20}\]"  # [12] [1, 2] [3-5] [^1]
    r"|【\d{1,3}(?:[^【】\n\w][^【】\n]{0,60})?】"  # 【1†L5-L9】, but not 【not】
    r"|(?:(?<=\S)|(?=\[\^[\w-]{0,40}\d))\[\^(?!(?:no|not|never|un|in)\])[\w-]{1,40}\]"  # a note[^note], not " [^not]"
    r"|(?<=\])\((?:https?:|/|#|mailto:)[^()\s]{0,500}(?:\s\"[^\"\n]{0,200}\")?\)"  # the target of a Markdown link
    rf"|</?(?i:{_TAGS})(?:\s[^<>\n]{{0,300}})?/?>"  # an HTML tag, but not <not >
    r"|\(cid:\d{1,5}\)"  # a glyph that a PDF could not name
    r"|&(?:nbsp|shy|zwnj|zwj);"
    r"|(?m:^[ \t]{0,3}(?:>[ \t]?){1,5}(?=[^\s\d.,]))"  # the mark of a Markdown quotation; "> 5" is a comparison
    r"|(?<=[.,;:!?\"”’])[⁰¹²³⁴-⁹]{1,3}+(?:[,–-][⁰¹²³⁴-⁹]{1,3}+){0,4}+(?!\w)"  # a note after a full stop.¹²
)
_CACHED_CHARS = 8_000_000
_cache: OrderedDict[str, Squeezed] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Squeezed:
    """``chars``: the folded letters and digits; ``at[i]``: where the character stands that gave ``chars[i]``."""

    chars: str
    at: NDArray[np.int32]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the text that ``chars[start:end]`` came from (``end > start``)."""
        return int(self.at[start]), int(self.at[end - 1]) + 1


@lru_cache(maxsize=16_384)
def fold(char: str) -> str:
    """What one character counts as: folded letters, digits or marks, or nothing.

    Accents are dropped from Latin letters alone: in other scripts a mark can make another letter.
    """
    folded = unicodedata.normalize("NFKC", char).casefold()
    decomposed = unicodedata.normalize("NFKD", folded)
    if decomposed and ord(decomposed[0]) < 0x250:
        folded = decomposed
    return "".join(c for c in folded if c.isalnum() or _is_mark(c))


def squeeze(text: str) -> Squeezed:
    """Squeeze ``text``; the last few texts are remembered. Linear: about 30 ms for a million characters."""
    with _lock:
        known = _cache.get(text)
        if known is not None:
            _cache.move_to_end(text)
            return known
    squeezed = _squeeze(text)
    with _lock:
        _cache[text] = squeezed
        while len(_cache) > 1 and sum(map(len, _cache)) > _CACHED_CHARS:
            _cache.popitem(last=False)
    return squeezed


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M" and not "\u0300" <= char <= "\u036f"


def _squeeze(text: str) -> Squeezed:
    import numpy as np

    if not text:
        return Squeezed("", np.zeros(0, np.int32))
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    folds = {ord(char): fold(char) for char in set(text)}
    lengths = np.zeros(max(folds) + 1, np.uint8)
    first = np.zeros(max(folds) + 1, "<u4")
    for point, folded in folds.items():
        lengths[point] = len(folded)
        first[point] = ord(folded[0]) if folded else 0
    counts = lengths[points]
    for marker in MARKERS.finditer(text):
        counts[marker.start() : marker.end()] = 0
    at = np.repeat(np.arange(len(points), dtype=np.int32), counts)
    out = first[points[at]]
    for point in (p for p, folded in folds.items() if len(folded) > 1):
        _expand(out, at, points, point, folds[point])
    return Squeezed(out.tobytes().decode("utf-32-le", "surrogatepass"), at)


def _expand(
    out: NDArray[np.uint32], at: NDArray[np.int32], points: NDArray[np.uint32], point: int, folded: str
) -> None:
    """Write the further characters of one that folds to several (a ligature, ß): ``out`` holds its first, repeated."""
    import numpy as np

    runs = np.flatnonzero(points[at] == point)[:: len(folded)]
    for step, char in enumerate(folded):
        out[runs + step] = ord(char)
