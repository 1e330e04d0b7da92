"""What in a claim can be checked against its evidence without understanding it: each check is a flag, never a verdict.

numbers and dates · names · negation · opposites · quantifiers · hedges
"""

from __future__ import annotations

from carrel.citations.checks.claim import check_claim
from carrel.citations.checks.findings import Check, CheckKind, CheckStatus, Evidence

__all__ = ["Check", "CheckKind", "CheckStatus", "Evidence", "check_claim"]
