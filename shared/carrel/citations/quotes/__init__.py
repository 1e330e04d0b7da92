"""I have a quote and a text: do these words stand there?

    exact letters and digits → segments between ellipses, in order → closest stretch → difference word by word

A changed number, negation, name or opposite is ``altered`` however alike the strings are; line ends, hyphenation,
quotation marks and ligatures never make a true quote ``absent``.
"""

from __future__ import annotations

from carrel.citations.quotes.check import QuoteCheck, check_quote, is_quotable
from carrel.citations.quotes.found import FOUND, QuoteVerdict

__all__ = ["FOUND", "QuoteCheck", "QuoteVerdict", "check_quote", "is_quotable"]
