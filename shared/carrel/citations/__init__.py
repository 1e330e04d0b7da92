"""I have a claim and its sources: does it hold? I have a quote: does it stand there? I have a report: is it honest?"""

from __future__ import annotations

from carrel.citations.auditing import Audit, audit
from carrel.citations.checks import Check
from carrel.citations.page import render_html
from carrel.citations.quotes import QuoteCheck, check_quote
from carrel.citations.reports import Report, parse_report
from carrel.citations.sources import Sources, SourceText, classify
from carrel.citations.summary import markdown_summary, summarise
from carrel.citations.verify import ClaimVerdict, verify_claim

__all__ = [
    "Audit",
    "Check",
    "ClaimVerdict",
    "QuoteCheck",
    "Report",
    "SourceText",
    "Sources",
    "audit",
    "check_quote",
    "classify",
    "markdown_summary",
    "parse_report",
    "render_html",
    "summarise",
    "verify_claim",
]
