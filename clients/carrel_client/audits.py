"""The audit of a report: ask carrel-citations, keep the page, and read what it says of a planted fault."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from carrel_client.desk import Progress, Tools
from carrel_client.tamper import Planted

__all__ = ["FAULTS", "Audit", "Finding", "State", "audit", "audit_rows", "find_fault", "page_of"]

FAULTS = (
    "altered_quote",
    "contradicted",
    "fabricated_reference",
    "missing_reference",
    "absent_quote",
    "not_found",
    "dangling",
    "placeholder",
)
"""Problems that say that something is wrong; the others say that something is missing or undecided."""

_SPOILED = ("altered_quote", "contradicted", "absent_quote")
_UNSUPPORTED = ("not_found", "contradicted", "absent_quote")
_CLEAN = re.compile(r"No fault was found[^.]*\.")  # reads as if the answer were right
_MARKER = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit said: the server's record."""

    data: Mapping[str, Any]

    @property
    def summary(self) -> str:
        return str(self.data.get("summary") or "")

    @property
    def verdict(self) -> str:
        """The summary; of a clean audit it says what that is worth."""
        share = (self.data.get("metrics") or {}).get("quote_fidelity") or {}
        unread = (self.data.get("metrics") or {}).get("unreadable")
        quoted = int(share.get("total") or 0)
        if self.faults or unread or not quoted or share.get("hits") != quoted:
            return self.summary
        lead = _CLEAN.sub("", self.summary).rstrip()
        return f"{lead} Every quotation is real; whether it answers your question is for you to judge.".strip()

    @property
    def problems(self) -> Sequence[Mapping[str, Any]]:
        """Worst first."""
        return self.data.get("problems") or []

    @property
    def references(self) -> Sequence[Mapping[str, Any]]:
        return self.data.get("references") or []

    @property
    def faults(self) -> list[Mapping[str, Any]]:
        """The problems that say that something is wrong."""
        return [problem for problem in self.problems if problem.get("kind") in FAULTS]

    @property
    def faulty_references(self) -> frozenset[int]:
        """Numbers of the references whose statements are faulted."""
        keys = (str(problem.get("reference") or "") for problem in self.faults)
        return frozenset(int(key) for key in keys if key.isdigit())


State = Literal["found", "not vouched for", "missed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What the audit says of one planted fault.

    ``found``: it calls it wrong. ``not vouched for``: it marks it as unproven, because it needs judgement or because
    nobody could be asked. ``missed``: it lets it pass.
    """

    state: State
    verdict: str

    @property
    def found(self) -> bool:
        return self.state == "found"


async def audit(tools: Tools, markdown: str, folder: Path, name: str, report: Progress) -> Audit:
    """Audit a report and leave ``name.md`` and ``name.html`` in ``folder``. Raises ToolFailed as the server says."""
    made = Audit((await tools.call("audit_report", progress=report, text=markdown)).data)
    page = await page_of(tools, made)
    (folder / f"{name}.md").write_text(markdown, encoding="utf-8")
    (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return made


async def page_of(tools: Tools, made: Audit) -> str:
    """The audit as one self-contained HTML page."""
    return await tools.read("citations", str(made.data.get("html") or ""))


def audit_rows(made: Audit) -> list[tuple[str, object]]:
    """The audit in a few lines for a person."""
    metrics = made.data.get("metrics") or {}
    names = ("citation_accuracy_strict", "citation_recall", "quote_fidelity", "references_found")
    shares = [(name.replace("_", " "), metrics[name]) for name in names if isinstance(metrics.get(name), Mapping)]
    rows: list[tuple[str, object]] = [("audit", made.verdict)]
    rows += [(name, f"{share['hits']} of {share['total']}") for name, share in shares if share.get("total")]
    return rows


def find_fault(made: Audit, fault: Planted) -> Finding:
    """What an audit says of a fault that was planted."""
    if fault.kind == "reference":
        return _reference(made, fault)
    kinds = _SPOILED if fault.kind == "quote" else _UNSUPPORTED
    told = [problem for problem in made.problems if _same(str(problem.get("text") or ""), fault.text)]
    for problem in sorted(told, key=lambda problem: problem.get("kind") not in kinds):
        words = f"{str(problem.get('kind')).replace('_', ' ')}: {problem.get('detail')}"
        return Finding("found" if problem.get("kind") in kinds else "not vouched for", words)
    return Finding("missed", "nothing")


def _reference(made: Audit, fault: Planted) -> Finding:
    """A made-up reference is found when the literature denies it; when it is out of reach, nobody vouches for it."""
    number = _MARKER.search(fault.change)
    key = number[1] if number else ""
    for reference in made.references:
        if str(reference.get("key")) == key:
            existence, reason = str(reference.get("existence")), str(reference.get("reason") or "")
            said = existence.replace("_", " ")
            if existence in ("likely_fabricated", "not_found", "mismatch", "unconfirmed"):
                return Finding("found", f"{said}: {reason}")
            if existence == "could_not_look":
                return Finding(
                    "not vouched for", f"{said}: {reason.removeprefix(f'{said}: ').removeprefix(f'{said}: ')}"
                )
            return Finding("missed", said)
    return Finding("missed", "nothing")


def _same(said: str, planted: str) -> bool:
    """Whether a problem speaks of the planted words; markers are left out, and a long text may be cut short."""
    one, other = (re.sub(r"\W+", " ", _MARKER.sub("", text)).casefold().strip() for text in (said, planted))
    return bool(one) and (one in other or other in one)
