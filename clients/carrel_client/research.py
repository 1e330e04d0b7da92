"""Research without a language model: several searches, an extractive brief, and its own audit.

The same library and question give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from carrel_client.audits import Audit, audit
from carrel_client.brief import Brief, compose, to_markdown
from carrel_client.desk import Progress, Tools
from carrel_client.envelope import unwrap
from carrel_client.errors import ToolFailed
from carrel_client.evidence import Found
from carrel_client.naming import Place
from carrel_client.question import content_words, sub_queries

__all__ = ["Study", "gather", "investigate", "study"]

_RANK_CONSTANT = 60  # Cormack, Clarke and Buettcher 2009
_PER_QUERY = 12
_PER_PAGE = 6
_MOST_PASSAGES = 24
_MOST_PAPERS = 8
_LEFT_OUT = "… "


@dataclass(frozen=True, slots=True)
class Study:
    """One question studied."""

    queries: tuple[str, ...]
    brief: Brief
    markdown: str
    notes: tuple[str, ...] = ()
    passages: tuple[Found, ...] = ()


async def gather(
    desk: Tools, queries: Sequence[str], *, collection: str = "default", report: Progress | None = None
) -> tuple[list[Found], tuple[str, ...]]:
    """Search every query, fuse the rankings by reciprocal rank, and return passages best first, and the notes."""
    merged: dict[str, Found] = {}
    notes: dict[str, None] = {}
    for place, query in enumerate(queries):
        if report:
            report(place, len(queries), query)
        hits, said = await _search(desk, query, collection)
        notes |= dict.fromkeys(said)
        for rank, hit in enumerate(hits, 1):
            _merge(merged, hit, 1 / (_RANK_CONSTANT + rank))
    best = sorted(merged.values(), key=lambda found: (-found.score, found.ref))
    return best[:_MOST_PASSAGES], tuple(notes)


async def _search(desk: Tools, query: str, collection: str) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The first pages of one ranking with whole passages; small pages, so that a reply's budget cuts none off."""
    hits: list[Mapping[str, Any]] = []
    notes: list[str] = []
    cursor = ""
    while len(hits) < _PER_QUERY:
        data = (
            await desk.call(
                "search_library", queries=[query], k=_PER_PAGE, format="detailed", collection=collection, cursor=cursor
            )
        ).data
        hits += data.get("hits") or []
        notes = [str(note) for note in data.get("notes") or []]
        cursor = str(data.get("next_cursor") or "")
        if not cursor:
            break
    return hits, notes


def _merge(merged: dict[str, Found], hit: Mapping[str, Any], score: float) -> None:
    ref = str(hit.get("ref", ""))
    dense = (hit.get("arms") or {}).get("dense") or (0, 0.0)
    closeness = float(dense[1])
    if (known := merged.get(ref)) is not None:
        merged[ref] = replace(
            known,
            score=known.score + score,
            agreement=known.agreement + 1,
            closeness=max(known.closeness, closeness),
        )
        return
    text = str(hit.get("snippet") or "")
    merged[ref] = Found(
        ref=_narrowed(ref, text),
        title=str(hit.get("title") or ""),
        source=str(hit.get("source") or ""),
        text=text.removeprefix(_LEFT_OUT),
        date=str(hit.get("date") or ""),
        heading=str(hit.get("section") or ""),
        score=score,
        closeness=closeness,
        page=int(hit.get("page") or 0),
    )


def _narrowed(ref: str, snippet: str) -> str:
    """The span of the text shown: a detailed hit may leave out the headings its passage begins with, and says so."""
    doc_id, _, span = ref.partition(":")
    if not snippet.startswith(_LEFT_OUT) or not span:
        return ref
    end = int(span.partition("-")[2])
    return f"{doc_id}:{end - len(snippet) + len(_LEFT_OUT)}-{end}"


async def study(
    tools: Tools,
    question: str,
    report: Progress,
    *,
    collection: str = "default",
    notes: Sequence[str] = (),
    extra: Sequence[Found] = (),
    first: int = 1,
    place: Place = str,
) -> Study:
    """Search and compose, without the audit; references count from ``first``.

    ``extra`` are passages found by other means; ``place`` names sources. Raises ToolFailed as the search does.
    """
    queries = sub_queries(question)
    passages, said = await gather(tools, queries, collection=collection, report=report)
    passages += extra
    everything = tuple(dict.fromkeys((*notes, *said)))
    brief = compose(question, passages, first=first)
    return Study(queries, brief, to_markdown([brief], notes=everything, place=place), everything, tuple(passages))


async def investigate(
    tools: Tools,
    question: str,
    folder: Path,
    report: Progress,
    *,
    collection: str = "default",
    urls: Sequence[str] = (),
    with_papers: bool = False,
    place: Place = str,
) -> tuple[Study, Audit]:
    """Study a question and audit the brief into ``folder``: ``report.md`` and ``report.html``.

    A sentence that the audit of its own report faults is taken out, and what remains is audited again. Pages and
    papers that could not be had are noted in the brief.
    """
    notes = await _read_pages(tools, urls, collection, report)
    abstracts, said = await _read_papers(tools, question, report) if with_papers else ([], [])
    made = await study(
        tools, question, report, collection=collection, notes=[*notes, *said], extra=abstracts, place=place
    )
    audited = await audit(tools, made.markdown, folder, "report", report)
    faulty = frozenset(line.sentence.ref for line in made.brief.lines if line.number in audited.faulty_references)
    if faulty:
        brief = compose(question, made.passages, without=faulty)
        made = replace(made, brief=brief, markdown=to_markdown([brief], notes=made.notes, place=place))
        audited = await audit(tools, made.markdown, folder, "report", report)
    return made, audited


async def _read_pages(tools: Tools, urls: Sequence[str], collection: str, report: Progress) -> list[str]:
    """Read pages into the collection; what could not be read becomes a note, never silence."""
    notes = []
    for place, url in enumerate(urls):
        report(place, len(urls), "reading pages")
        try:
            await tools.call("read_page", url=url, keep=True, collection=collection)
        except ToolFailed as error:
            notes.append(f"Could not read {url}: {error.message}")
    return notes


async def _read_papers(tools: Tools, question: str, report: Progress) -> tuple[list[Found], list[str]]:
    """Abstracts of works on the question, as passages; services that could not be asked become notes."""
    report(0, None, "looking in the literature")
    try:
        found = (await tools.call("find_papers", query=" ".join(content_words(question)), limit=_MOST_PAPERS)).data
        ids = [str(paper["id"]) for paper in found.get("papers") or [] if paper.get("id")]
        papers = (await tools.call("get_papers", ids=ids, include=["abstract"])).data if ids else {}
    except ToolFailed as error:
        return [], [f"Could not look in the literature: {error.message}"]
    notes = [
        f"Could not ask {one.get('provider')}: {str(one.get('state', '')).replace('_', ' ')}"
        for one in found.get("sources") or []
        if one.get("state") not in ("ok", "empty", "skipped")
    ]
    passages = [
        Found(
            ref=str(paper["abstract_ref"]),
            title=str(paper.get("title") or ""),
            source=str(paper.get("url") or paper.get("id") or ""),
            text=unwrap(str(paper["abstract"])),
            date=str(paper.get("date") or paper.get("year") or ""),
            score=1 / (_RANK_CONSTANT + rank),
        )
        for rank, paper in enumerate(papers.get("papers") or [], 1)
        if paper.get("abstract") and paper.get("abstract_ref")
    ]
    return passages, notes
