"""What a check finds, and the evidence it looks in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from carrel.citations.lexicon import stem
from carrel.citations.quantities import Quantity, find_quantities
from carrel.citations.tokens import tokens

__all__ = ["Check", "CheckKind", "CheckStatus", "Evidence", "View"]

CheckKind = Literal["number", "name", "negation", "opposite", "quantifier", "hedge"]
CheckStatus = Literal["ok", "mismatch", "missing"]
_MOST_READ = 400_000  # characters of a source in which names are looked for, beside its spans


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``claim_span`` is in the claim; ``source_span`` in the source text, (0, 0) where it has nothing.

    ``mismatch``: the source says otherwise at that place. ``missing``: the source does not say it.
    """

    kind: CheckKind
    status: CheckStatus
    claim_span: tuple[int, int]
    source_span: tuple[int, int]
    detail: str

    @property
    def failing(self) -> bool:
        return self.status != "ok" and self.kind != "hedge"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a claim is checked against: ``text`` of the source and the spans in it that bear on the claim, best first.

    ``context``: title, authors, address of the source, which may hold a name but no statement. ``named``: the spans
    are those that the citation itself names, so that a number in them goes before the same number elsewhere.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    context: str = ""
    named: bool = False


class View:
    """The evidence, read once: the words of its spans, of its whole text, and its quantities."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.runs = [tokens(evidence.text[start:end], start) for start, end in evidence.spans]
        self.words = [token for run in self.runs for token in run]
        self.stems = {stem(token.word) for token in self.words}
        beyond = [evidence.text[start:end] for start, end in evidence.spans if end > _MOST_READ]
        self.read = "\n".join((evidence.text[:_MOST_READ], *beyond))

    def quantities(self) -> list[Quantity]:
        """Quantities inside the spans, with offsets in the text."""
        return [
            Quantity(q.raw, q.value, q.step, q.role, q.unit, q.start + start, q.end + start)
            for start, end in self.evidence.spans
            for q in find_quantities(self.evidence.text[start:end])
        ]
