"""I have a report: which statements does it make, and what does each of them cite?

Markdown is read block by block (markdown-it), so code, headings and tables are told from prose; a web page is read
through `carrel.documents`. Every span is of `Report.text`, start inclusive, end exclusive.
"""

from __future__ import annotations

from carrel.citations.reports.nouns import Fault, FaultKind, Quotation, Report, Statement, StatementKind
from carrel.citations.reports.parsing import parse_report

__all__ = ["Fault", "FaultKind", "Quotation", "Report", "Statement", "StatementKind", "parse_report"]
