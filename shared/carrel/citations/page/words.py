"""The words, symbols and small means that every part of the page shares."""

from __future__ import annotations

import re

__all__ = [
    "EXISTENCE_WORDS", "MEANING", "SYMBOL", "VERDICT_WORDS", "cut", "entry_words", "readable", "without_title",
]  # fmt: skip

_PACKAGES = re.compile(r"(?:file://)?[~/][^\s`]*/(?:site|dist)-packages/")
_HOME = re.compile(r"(?:file://)?(?<![\w.])/(?:home/[^/\s`]+|Users/[^/\s`]+|root)/")
_REFERENCE = re.compile(r"`?(?<![\w-])[a-z2-7]{16}(?::\d+-\d+)?(?![\w-])`?")

VERDICT_WORDS: dict[str, str] = {
    "supported": "supported",
    "partially_supported": "partly supported",
    "contradicted": "contradicted",
    "not_found": "not in the source",
    "needs_judgement": "left to your judgement",
    "unverifiable": "could not be looked up",
    "uncited": "cites nothing",
}
MEANING: dict[str, str] = {
    "supported": "The source says this, word for word or in all its content.",
    "partially_supported": "The source says part of this.",
    "contradicted": "The source has this passage and says otherwise, or the quotation was altered.",
    "not_found": "The source was read, and says nothing of the kind.",
    "needs_judgement": "The source speaks of this; whether it bears it out is for a reader to say.",
    "unverifiable": "The source could not be opened, so nothing is known.",
    "uncited": "States something and points at no source.",
}
EXISTENCE_WORDS: dict[str, str] = {
    "found": "found", "not_found": "does not exist", "likely_fabricated": "looks made up", "mismatch": "another work",
    "unconfirmed": "unconfirmed", "could_not_look": "could not look", "not_checked": "not checked",
}  # fmt: skip
SYMBOL = {
    "supported": "●", "partially_supported": "◐", "contradicted": "✕", "not_found": "○", "needs_judgement": "◇",
    "unverifiable": "?", "uncited": "–",
}  # fmt: skip


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, with an ellipsis where some were cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def readable(text: str) -> str:
    """A path under a home folder or among installed packages, shortened to what a reader knows it by."""
    return _HOME.sub("~/", _PACKAGES.sub("", text)).replace("`", "")


def entry_words(text: str) -> str:
    """A line of the reference list without what only a program reads: evidence references and code marks."""
    bare = readable(_REFERENCE.sub(" ", text))
    return re.sub(r"\s+([.,;])", r"\1", " ".join(bare.split())).strip()


def without_title(entry: str, title: str) -> str:
    """What a line of the reference list says beside the title that already stands above it."""
    if not title or not entry.casefold().startswith(title.casefold()):
        return entry
    return entry[len(title) :].lstrip(" .,;:–—-")
