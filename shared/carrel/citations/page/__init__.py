"""I have an audit: one page that a person enjoys reading, in one file, without anything from elsewhere.

The report stands left with its statements underlined by verdict; a click shows the evidence on the right. Everything
from outside is escaped, or is data that the page's script puts in as text; the policy in the page's head names the
only style and script that may run, by hash.
"""

from __future__ import annotations

from carrel.citations.page.frame import render_html
from carrel.citations.page.words import VERDICT_WORDS

__all__ = ["VERDICT_WORDS", "render_html"]
