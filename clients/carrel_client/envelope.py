"""I have a text reply with text from outside in its delimiters: show a person what is inside."""

from __future__ import annotations

import re

__all__ = ["unwrap"]

_DELIMITER = re.compile(r"^<<<(?:UNTRUSTED [0-9a-f]{12} .*|END UNTRUSTED [0-9a-f]{12})>>>\n?", re.M)


def unwrap(text: str) -> str:
    """Drop the delimiter lines, which guard models and only disturb people; every other line stays."""
    return _DELIMITER.sub("", text).rstrip("\n")
