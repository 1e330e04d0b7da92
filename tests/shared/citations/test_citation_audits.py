"""Audits over pretend sources: what was read decides what may be said to be missing."""

from __future__ import annotations

import pytest

from carrel.citations import SourceText, audit
from carrel.citations.bibliography import Reference
from carrel.citations.verify import SourceState
from carrel.records import Document, document_id

TEXT = "The mill was mended in 1987 with slate from the quarry. Visitors may try one of its looms on Sundays. " * 4
REPORT = "He wrote that “the miller sold every loom to a bank in Prague” [1].\n\n## References\n[1] Mill. https://a.example/\n"


class OneSource:
    """Every reference leads to the same text, read in one state."""

    def __init__(self, state: SourceState) -> None:
        self.state = state

    async def resolve(self, reference: Reference) -> SourceText:
        document = Document(document_id("mill", TEXT), "mill", "web", "text/html", "Mill", TEXT)
        return SourceText("found", self.state, document)


@pytest.mark.parametrize(
    ("state", "verdict", "problem"),
    [
        ("ok", "not_found", "absent_quote"),
        ("abstract", "needs_judgement", "needs_judgement"),
        ("thin", "needs_judgement", "needs_judgement"),
    ],
)
async def test_a_quote_is_called_absent_only_where_the_whole_was_read(
    state: SourceState, verdict: str, problem: str
) -> None:
    done = await audit(REPORT, OneSource(state))
    cited = next(item for item in done.statements if item.findings)
    assert cited.verdict == verdict
    assert [p.kind for p in done.problems] == [problem]
