"""Ways to point at a span so that others can find it again: W3C annotation selectors and URL text fragments.

Offsets are Unicode code points, start inclusive, end exclusive (Web Annotation Data Model, TextPositionSelector).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote, urldefrag

__all__ = ["Selectors", "select", "text_fragment"]

_CONTEXT = 32  # characters of prefix and suffix: the customary length of annotation clients
_WHOLE_WORDS = 8  # beyond this a text fragment names only its first and last words
_EDGE_WORDS = 4


@dataclass(frozen=True, slots=True)
class Selectors:
    """TextQuoteSelector (``exact``, ``prefix``, ``suffix``) and TextPositionSelector (``start``, ``end``).

    ``sha256`` is of the UTF-8 text the offsets count in: another hash means that the text has changed.
    """

    exact: str
    prefix: str
    suffix: str
    start: int
    end: int
    sha256: str


def select(text: str, start: int, end: int) -> Selectors:
    """Selectors for ``text[start:end]``."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    prefix, suffix = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
    return Selectors(text[start:end], prefix, suffix, start, end, digest)


def text_fragment(url: str, exact: str) -> str:
    """``url`` with a ``#:~:text=`` directive that makes a browser scroll to ``exact``; empty when it cannot.

    Only for web pages: a PDF viewer does not read it (WICG Scroll to Text Fragment, matching is word-bounded).
    """
    if not url.lower().startswith(("http://", "https://")) or urldefrag(url).url.lower().endswith(".pdf"):
        return ""
    words = re.sub(r"[*_`#>|\[\]]", " ", exact).split()
    if not words:
        return ""
    if len(words) <= _WHOLE_WORDS:
        directive = _escape(" ".join(words))
    else:
        directive = f"{_escape(' '.join(words[:_EDGE_WORDS]))},{_escape(' '.join(words[-_EDGE_WORDS:]))}"
    return f"{urldefrag(url).url}#:~:text={directive}"


def _escape(words: str) -> str:
    return quote(words, safe="").replace("-", "%2D")
