"""Text as providers deliver it, made plain: JATS and HTML markup, escaped entities, inverted indexes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

__all__ = ["plain_abstract", "plain_line", "restore_inverted"]

_MAX = 60_000  # characters of one abstract that are kept
_MAX_WORDS = 20_000

_HIDDEN = re.compile(
    r"<(?P<tag>(?:mml:)?annotation(?:-xml)?|jats:alternatives-skip|script|style|(?:jats:)?tex-math)\b[^>]{0,500}>.{0,4000}?</(?P=tag)\s*>",
    re.S | re.I,
)
_BREAK = re.compile(r"</?(?:jats:)?(?:p|sec|list|list-item|title|div|br|li|ul|ol|h[1-6])\b[^<>]{0,500}/?>", re.I)
_HEADING = re.compile(r"<(?:jats:)?(?:title|label)\b[^<>]{0,200}>([^<>]{0,200})</(?:jats:)?(?:title|label)\s*>", re.I)
# A tag has a name right after "<": "p < 0.05 and q > 0.1" is not one.
_TAG = re.compile(r"</?[A-Za-z][\w.-]*(?::[\w.-]+)?(?:\s[^<>]{0,1000})?/?>|<!--.{0,2000}?-->|<!\[CDATA\[|\]\]>", re.S)
_INLINE_SCRIPT = re.compile(r"</?(?:jats:)?(?:sub|sup|italic|bold|b|i|em|strong|sc|u|scp|inf)\b[^<>]{0,200}/?>", re.I)
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
_LOOSE = re.compile(r"\s+([,.;:)\]](?:\s|$))")
_MARKED = re.compile(r"[<&]|\]\]>|\s[,.;:)\]]")  # what `_strip` may change in printable ASCII
_LEADING = re.compile(
    r"^(?:abstract|summary|background abstract|zusammenfassung|r[ée]sum[ée]|resumen)\b\s*[:.\-–—]?\s*(?=\S)", re.I
)


def plain_line(text: str) -> str:
    """One line without markup, invisible characters or escapes: titles, names, venues."""
    cut = text[:_MAX]
    if cut.isascii() and cut.isprintable() and not _MARKED.search(cut):
        return " ".join(cut.split())
    return " ".join(_strip(cut).split())


def plain_abstract(text: str) -> str:
    """An abstract as paragraphs separated by one empty line, section titles kept as ``Title: …``, no markup.

    Handles JATS, HTML, MathML (its text stays, TeX alternatives go) and entities escaped up to three times.
    """
    body = _unescape(text[:_MAX])
    if "<" in body:
        body = _HIDDEN.sub(" ", body)
        body = _HEADING.sub(_heading, body)
        body = _BREAK.sub("\n\n", body)
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", _strip(body)))
    whole = "\n\n".join(part for part in paragraphs if part and part != ":")
    return re.sub(r"(?m)^([^\n:]{2,60}):\n\n", r"\1: ", _LEADING.sub("", whole, count=1)).strip()


def _heading(match: re.Match[str]) -> str:
    words = " ".join(match[1].split()).rstrip(":.")
    return "\n\n" if words.lower() in ("", "abstract", "summary") else f"\n\n{words}: "


def _strip(text: str) -> str:
    text = _unescape(text)
    if "<" in text or "]]>" in text:  # most text has no markup, and a dump has a hundred million texts
        text = _TAG.sub(" ", _INLINE_SCRIPT.sub("", text))
    if not (text.isascii() and text.isprintable()):
        text = _INVISIBLE.sub("", text)
    return _LOOSE.sub(r"\1", text)


def _unescape(text: str) -> str:
    for _ in range(3):
        if "&" not in text:
            break
        text = unescape(text)
    return text


def restore_inverted(index: Mapping[str, object]) -> str:
    """Rebuild an OpenAlex ``{word: [positions]}`` abstract; gaps close, of two words in one place the first stays."""
    places: dict[int, str] = {}
    for word, positions in index.items():
        for position in positions if isinstance(positions, list) else ():
            if isinstance(position, int) and 0 <= position < _MAX_WORDS:
                places.setdefault(position, word)
    return plain_abstract(" ".join([places[at] for at in sorted(places)]))
