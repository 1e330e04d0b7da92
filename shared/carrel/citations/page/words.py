"""The words, symbols and small means that every part of the page shares."""

from __future__ import annotations

__all__ = ["EXISTENCE_WORDS", "MEANING", "SYMBOL", "VERDICT_WORDS", "cut"]

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
    "unverifiable": "·", "uncited": "–",
}  # fmt: skip


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, with an ellipsis where some were cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
