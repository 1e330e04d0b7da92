"""I have a report: does it hold, sentence by sentence, against what it cites?

parse → sources, each asked for once → quotations and statements against them → figures, worst first
"""

from __future__ import annotations

from carrel.citations.auditing.findings import Audit, Finding, Problem, ProblemKind, QuoteFinding, StatementAudit
from carrel.citations.auditing.running import audit

__all__ = ["Audit", "Finding", "Problem", "ProblemKind", "QuoteFinding", "StatementAudit", "audit"]
