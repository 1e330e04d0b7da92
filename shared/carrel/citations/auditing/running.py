"""An audit from the text of a report to its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from carrel.citations.auditing.figures import assemble, support_elsewhere
from carrel.citations.auditing.findings import Audit
from carrel.citations.auditing.judging import judge_statement
from carrel.citations.bibliography import Reference
from carrel.citations.meaning import LazyEncoder
from carrel.citations.reports import parse_report
from carrel.citations.sources import Sources, SourceText
from carrel.errors import CarrelError, Refused

__all__ = ["MAX_STATEMENTS", "Progress", "audit"]

MAX_STATEMENTS = 3_000
Progress = Callable[[float, float | None, str], None]


async def audit(
    text: str,
    sources: Sources,
    *,
    media_type: str = "",
    encoder: LazyEncoder | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Audit a report. ``sources`` gets at what it cites; ``encoder`` is asked where the words of a source would
    say no; ``progress`` hears (done, total, words).

    Raises BadRequest for an empty report, Refused for one of more than 3,000 statements.
    """
    import anyio
    import anyio.to_thread

    report = await anyio.to_thread.run_sync(partial(parse_report, text, media_type=media_type))
    if len(report.statements) > MAX_STATEMENTS:
        raise Refused(f"that report makes more than {MAX_STATEMENTS:,} statements; audit it in parts")
    tell = progress or (lambda done, total, words: None)
    total = float(len(report.references) + len(report.statements) + 1)
    found = await _resolve_all(report.references, sources, lambda n: tell(n, total, "opening sources"))
    audited = []
    for count, statement in enumerate(report.statements, 1):
        audited.append(await anyio.to_thread.run_sync(partial(judge_statement, statement, report, found, encoder)))
        tell(len(report.references) + count, total, "checking statements")
    supports = await anyio.to_thread.run_sync(partial(support_elsewhere, audited, found))
    tell(total, total, "done")
    return assemble(report, found, tuple(audited), supports)


async def _resolve_all(
    references: Sequence[Reference], sources: Sources, tell: Callable[[float], None]
) -> dict[str, SourceText]:
    """Every source once, a few at a time; references to the same source share its answer."""
    import anyio

    answers: dict[str, SourceText] = {}
    first: dict[str, Reference] = {}
    for reference in references:
        first.setdefault(reference.identity, reference)
    limit = anyio.CapacityLimiter(6)

    async def one(reference: Reference) -> None:
        async with limit:
            try:
                answers[reference.identity] = await sources.resolve(reference)
            except CarrelError as error:
                answers[reference.identity] = SourceText("could_not_look", reason=f"could not look: {error}")
        tell(len(answers))

    async with anyio.create_task_group() as group:
        for reference in first.values():
            group.start_soon(one, reference)
    return {reference.key: answers[reference.identity] for reference in references}
