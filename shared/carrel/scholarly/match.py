"""Does the cited work exist, and is it cited right?

An accusation needs proof. ``likely_fabricated`` is said only when every suitable source answered and none has such a
title, of a kind of work and a year that they cover. An outage gives ``unavailable`` or ``unconfirmed``, never more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from carrel.errors import BadRequest
from carrel.records import Author, Work
from carrel.scholarly.markup import plain_line
from carrel.scholarly.names import fold, overlap, same_family
from carrel.scholarly.providers import HELPERS, Query, SourceStatus
from carrel.scholarly.reference import Citation, parse_citation
from carrel.scholarly.scholar import Answer, Scholar
from carrel.scholarly.titles import TitleMatch, compare_titles, title_words

__all__ = ["Candidate", "FieldCheck", "ReferenceMatch", "ReferenceVerdict", "match_reference"]

ReferenceVerdict = Literal[
    "verified", "verified_with_corrections", "unconfirmed", "mismatch", "likely_fabricated", "unavailable"
]

_CANDIDATES = 8
_ORDER = ("same", "subtitle", "minor", "typo1", "near_miss", "different")
# Works that Crossref and OpenAlex surely have, told by how the reference reads: articles in journals. Conference papers
# are not among them: of real references to machine-learning venues one in five is missing there or under another title.
_COVERED = re.compile(
    r"\b(?:journal|transactions|trans\.|letters|lett\.|annals|bulletin|quarterly|reviews?|rev\.|lancet|plos|pnas|j\.|"
    r"nature [a-z]+|cell|bmj|jama)(?!\w)|\b\d{1,4}\s?\(\d{1,4}(?:[-–]\d{1,4})?\)\s*[:,]\s*[a-z]?\d",
    re.I,
)
_ELSEWHERE = re.compile(
    r"\b(?:thesis|dissertation|white ?paper|blog|github|gitlab|software|dataset|data set|patent|standard|rfc ?\d|"
    r"iso ?\d|manual|press release|newspaper|webpage|website|accessed|retrieved|available at|personal communication|"
    r"in preparation|unpublished|forthcoming|submitted|system card|model card|technical report|tech\. rep|"
    r"proceedings|proc\.|conference|conf\.|symposium|workshop|arxiv|openreview|machine learning research|jmlr|tmlr|"
    r"documentation|university press|publisher|edition|isbn|mit press|springer-verlag|wiley & sons)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """One field of the reference beside the record's. ``agrees`` is False when a reader would have to correct it."""

    field: str
    cited: str
    recorded: str
    agrees: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A work that may be meant. ``title`` compares the titles; ``authors`` is the share of cited authors it has."""

    work: Work
    title: TitleMatch
    authors: float
    fields: tuple[FieldCheck, ...]

    @property
    def right(self) -> bool:
        """True when every cited field agrees."""
        return all(check.agrees for check in self.fields)


@dataclass(frozen=True, slots=True)
class ReferenceMatch:
    """The verdict with one sentence of why, candidates best first, and who was asked.

    ``work`` is the record the verdict speaks of; for ``mismatch`` it is the one the reference comes nearest to.
    """

    verdict: ReferenceVerdict
    reason: str
    citation: Citation
    work: Work | None = None
    candidates: tuple[Candidate, ...] = ()
    statuses: tuple[SourceStatus, ...] = ()


async def match_reference(scholar: Scholar, citation: str | Citation) -> ReferenceMatch:
    """Find the work that a reference names and compare it field by field.

    Raises BadRequest for an empty or overlong reference.
    """
    cited = parse_citation(citation) if isinstance(citation, str) else citation
    if not (cited.title.strip() or cited.text.strip() or cited.identifiers):
        raise BadRequest("the citation is empty; give the reference as printed, or its title")
    answers = await scholar.get([str(i) for i in cited.identifiers[:4]]) if cited.identifiers else []
    named = [_compare(cited, answer.work) for answer in answers if answer.work is not None]
    if good := [candidate for candidate in named if _same_work(candidate, cited)]:
        return _verified(cited, min(good, key=_rank), answers, ())
    return await _by_title(scholar, cited, answers, named)


async def _by_title(
    scholar: Scholar, cited: Citation, answers: Sequence[Answer], named: Sequence[Candidate]
) -> ReferenceMatch:
    """No identifier led to the cited work: look for the title."""
    told = _statuses(answers)
    if not cited.title and not cited.text:
        return _without_title(cited, answers, named, told)
    query = Query(text=cited.text or cited.title, title=cited.title, limit=_CANDIDATES)
    try:
        found = await scholar.find(query)
    except BadRequest:  # an identifier and no word beside it
        return _without_title(cited, answers, named, told)
    told = _join(told, found.statuses)
    candidates = _candidates(cited, found.works)
    if cited.title and not any(_same_work(c, cited) for c in candidates) and any(s.answered for s in found.statuses):
        # a title search misses records whose title is garbled: look once more by everything the reference says
        wider = await scholar.find(Query(text=_everything(cited), limit=_CANDIDATES))
        told, found = _join(told, wider.statuses), wider
        candidates = _candidates(cited, [*(c.work for c in candidates), *wider.works])
    best = next((c for c in candidates if _same_work(c, cited)), None)
    if best is not None:
        return _verified(cited, best, answers, told, candidates, named)
    if named:
        what = "its identifier belongs to another work"
        sure = _provable(scholar, cited, told) and not any(_nearly(c, cited) for c in candidates)
        verdict: ReferenceVerdict = "likely_fabricated" if sure else "mismatch"
        return ReferenceMatch(verdict, what, cited, named[0].work, (*named, *candidates), told)
    return _nobody(scholar, cited, answers, candidates, told, told)


def _candidates(cited: Citation, works: Sequence[Work]) -> list[Candidate]:
    unique = {str(sorted(work.identifiers.items())) + work.title: work for work in works}
    return sorted((_compare(cited, work) for work in unique.values()), key=_rank)[:_CANDIDATES]


def _everything(cited: Citation) -> str:
    names = " ".join(author.family for author in cited.authors[:3])
    return f"{cited.title} {names} {cited.year or ''}".strip()


def _nobody(
    scholar: Scholar,
    cited: Citation,
    answers: Sequence[Answer],
    candidates: Sequence[Candidate],
    told: tuple[SourceStatus, ...],
    searched: Sequence[SourceStatus],
) -> ReferenceMatch:
    """Nothing is the cited work. Say how much that means."""
    near = next((c for c in candidates if _nearly(c, cited)), None)
    if not any(status.answered for status in searched):
        return ReferenceMatch("unavailable", "could not look: no source answered", cited, None, (), told)
    needed = [status for status in searched if status.provider not in HELPERS and status.state != "skipped"]
    lost = [status.provider for status in needed if not status.answered]
    if near is not None:
        wrong = ", ".join(check.field for check in near.fields if not check.agrees) or "details"
        return ReferenceMatch(
            "mismatch", f"the nearest record differs in {wrong}", cited, near.work, tuple(candidates), told
        )
    if lost:
        reason = f"not found where we could look, but {', '.join(lost)} did not answer"
        return ReferenceMatch("unconfirmed", reason, cited, None, tuple(candidates), told)
    if any(answer.state == "not_found" for answer in answers):
        reason = "its identifier is not registered, and no source has a work of that title"
        return ReferenceMatch("likely_fabricated", reason, cited, None, tuple(candidates), told)
    if _provable(scholar, cited, searched):
        reason = f"{' and '.join(s.provider for s in searched if s.answered)} cover such works, and none has that title"
        return ReferenceMatch("likely_fabricated", reason, cited, None, tuple(candidates), told)
    reason = "no source has it, but works of this kind or age are often missing there"
    return ReferenceMatch("unconfirmed", reason, cited, None, tuple(candidates), told)


def _without_title(
    cited: Citation, answers: Sequence[Answer], named: Sequence[Candidate], told: tuple[SourceStatus, ...]
) -> ReferenceMatch:
    """Only an identifier was given, or nothing but it can be read."""
    if named:
        return ReferenceMatch(
            "verified", "the identifier exists; no title was given to compare", cited, named[0].work, tuple(named), told
        )
    if any(answer.state == "not_found" for answer in answers):
        return ReferenceMatch(
            "unconfirmed", "its identifier is not registered, and no title was given", cited, statuses=told
        )
    return ReferenceMatch("unavailable", "could not look its identifier up", cited, statuses=told)


def _verified(
    cited: Citation,
    best: Candidate,
    answers: Sequence[Answer],
    told: tuple[SourceStatus, ...],
    candidates: Sequence[Candidate] = (),
    named: Sequence[Candidate] = (),
) -> ReferenceMatch:
    """The work is there; an identifier that leads elsewhere, or nowhere, still needs correcting."""
    told = told or _statuses(answers)
    fields = list(best.fields)
    for answer in answers:
        if answer.identifier is None or best.work.identifiers.get(answer.identifier.scheme) == answer.identifier.value:
            continue
        recorded = best.work.identifiers.get(answer.identifier.scheme, "")
        if answer.state == "not_found":
            fields.append(FieldCheck(answer.identifier.scheme, answer.id, recorded, False, "not registered"))
        elif any(candidate.work == answer.work for candidate in named):
            fields.append(FieldCheck(answer.identifier.scheme, answer.id, recorded, False, "names another work"))
    best = replace(best, fields=tuple(fields))
    others = tuple(c for c in candidates if c.work != best.work)
    if best.right:
        return ReferenceMatch("verified", "every cited field agrees", cited, best.work, (best, *others), told)
    wrong = ", ".join(check.field for check in best.fields if not check.agrees)
    return ReferenceMatch(
        "verified_with_corrections", f"the work exists; correct: {wrong}", cited, best.work, (best, *others), told
    )


# --- comparing -------------------------------------------------------------------------------------------------------


def _compare(cited: Citation, work: Work) -> Candidate:
    if cited.title:
        title = compare_titles(cited.title, work.title)
        if not title.agrees and _stands_in(work.title, cited.text):
            title = TitleMatch("same")  # the title was cut out of the reference wrongly, but it stands there in full
    else:
        title = TitleMatch("same" if _stands_in(work.title, cited.text) else "different")
    share = overlap(cited.authors, work.authors) if work.authors else 1.0
    if cited.text:
        share = max(share, _printed(work.authors, cited.text))
    return Candidate(work, title, share, tuple(_fields(cited, work, title, share)))


def _fields(cited: Citation, work: Work, title: TitleMatch, share: float) -> list[FieldCheck]:
    checks = [
        FieldCheck("title", cited.title or "(as printed)", work.title, title.agrees, "" if title.agrees else title.kind)
    ]
    if cited.authors and work.authors:
        checks.append(
            FieldCheck("authors", _names(cited.authors), _names(work.authors), share >= 0.8, f"{share:.0%} agree")
        )
    if cited.year and work.year:
        apart = abs(cited.year - work.year)
        note = "preprint and print often differ by one" if apart == 1 else ""
        checks.append(FieldCheck("year", str(cited.year), str(work.year), apart <= 1, note))
    return checks


def _names(authors: Sequence[Author]) -> str:
    return "; ".join(a.family for a in authors[:4]) + (f" and {len(authors) - 4} more" if len(authors) > 4 else "")


def _printed(authors: Sequence[Author], text: str) -> float:
    """The share of the record's first authors whose family name stands in the text, when the first one does."""
    words = set(re.findall(r"\w+", fold(text[:3_000])))
    have = [bool(parts) and parts <= words for parts in (set(re.findall(r"\w+", fold(a.family))) for a in authors[:3])]
    return sum(have) / len(have) if have and have[0] else 0.0


def _same_work(candidate: Candidate, cited: Citation) -> bool:
    """Title and people agree well enough that the reference means this work."""
    if candidate.title.kind not in ("same", "subtitle", "minor", "typo1"):
        return False
    if not cited.authors or not candidate.work.authors:
        printed = bool(cited.text) and _printed(candidate.work.authors, cited.text) > 0
        return printed or len(title_words(candidate.work.title)) >= 3
    return candidate.authors >= 0.5 or (candidate.authors > 0 and _first_agrees(candidate, cited))


def _first_agrees(candidate: Candidate, cited: Citation) -> bool:
    return same_family(cited.authors[0], candidate.work.authors[0])


def _rank(candidate: Candidate) -> tuple[int, float, int, str]:
    wrong = sum(not check.agrees for check in candidate.fields)
    return (
        _ORDER.index(candidate.title.kind),
        -candidate.authors,
        wrong,
        str(sorted(candidate.work.identifiers.items())),
    )


def _stands_in(title: str, text: str) -> bool:
    """Does the title stand in the reference as a part of its own, between punctuation? "Deep learning" is not a part
    of "Deep learning for widgets"."""
    words = title_words(title)
    if not text or len(words) < 2:
        return False
    printed = r"\W*".join(map(re.escape, words))
    return re.search(rf"(?:^|[^\w\s]|\d)\s*{printed}\s*(?:$|[^\w\s])", fold(plain_line(text[:3_000]))) is not None


def _nearly(candidate: Candidate, cited: Citation) -> bool:
    """Right title with other people, or a title one word off by the right people: an error worth telling."""
    if candidate.right:
        return False
    if candidate.title.agrees:
        return len(title_words(candidate.work.title)) >= 3
    known = bool(candidate.work.authors) and bool(cited.authors or cited.text)
    return candidate.title.kind in ("typo1", "near_miss") and known and candidate.authors >= 0.5


def _provable(scholar: Scholar, cited: Citation, statuses: Sequence[SourceStatus]) -> bool:
    """Would these sources surely have the work, had it been published as cited?"""
    statuses = [status for status in statuses if status.provider not in HELPERS]
    if sum(status.answered for status in statuses) < 2:
        return False
    if any(not status.answered and status.state != "skipped" for status in statuses):
        return False
    words = title_words(cited.title)
    if len(words) < 4 or cited.year is None or not 1950 <= cited.year < scholar.clock.now().year:
        return False
    rest = f"{cited.venue} {cited.text}"
    return bool(_COVERED.search(rest)) and not _ELSEWHERE.search(rest)


def _statuses(answers: Sequence[Answer]) -> tuple[SourceStatus, ...]:
    return _join((), [status for answer in answers for status in answer.statuses])


def _join(told: Sequence[SourceStatus], more: Sequence[SourceStatus]) -> tuple[SourceStatus, ...]:
    """One status per provider; a failure is not hidden by an earlier success."""
    joined: dict[str, SourceStatus] = {}
    for status in (*told, *more):
        known = joined.get(status.provider)
        if known is None or (known.answered and not status.answered):
            joined[status.provider] = status
    return tuple(joined.values())
