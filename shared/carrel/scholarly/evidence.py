"""A work as evidence: a document that holds its title and abstract, so that both can be quoted by reference."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from carrel.records import Access, Author, Document, EvidenceRef, Section, Work, WorkStatus, document_id
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.shapes import Json, items, number, table, text
from carrel.scholarly.titles import title_key

__all__ = ["abstract_document", "best_identifier", "document_work", "work_document"]

_ROOM = 2_000  # characters that the library keeps of a fact
_SHORT = ("venue", "publisher", "type", "volume", "issue", "pages", "url")


def best_identifier(work: Work) -> Identifier | None:
    """The identifier to cite the work by: its DOI, else its arXiv number, else what there is; None if nothing."""
    for scheme in ("doi", "arxiv", "pmid", "pmcid", "openalex", *work.identifiers):
        if value := work.identifiers.get(scheme):
            return Identifier(scheme, value)
    return None


def abstract_document(work: Work) -> tuple[Document, EvidenceRef] | None:
    """The document of a work with an abstract, and the reference of the abstract in it; None without either.

    Its text is the title, an empty line and the abstract, so equal metadata always gives the same document.
    """
    if best_identifier(work) is None or not work.abstract:
        return None
    document = work_document(work)
    return document, EvidenceRef(document.doc_id, len(document.text) - len(work.abstract), len(document.text))


def work_document(work: Work) -> Document:
    """The document of any work with a title: its abstract may be missing, and so may every identifier."""
    whole = f"{work.title}\n\n{work.abstract}" if work.abstract else work.title
    source = _source(work)
    return Document(
        doc_id=document_id(source, whole),
        source=source,
        source_kind="scholar",
        media_type="text/plain",
        title=work.title,
        text=whole,
        sections=(Section("", 0, 0, len(whole)),),
        date=work.date,
        authors=tuple(f"{a.family}, {a.given}" if a.given else a.family for a in work.authors[:100]),
        language=work.language,
        metadata={
            "provider": work.provenance.get("abstract", ""),
            "venue": work.venue,
            "url": work.url,
            "work": _facts(work),
        },
    )


def _source(work: Work) -> str:
    """What names the work: an identifier, else its address, else its title, first author and year."""
    named = best_identifier(work)
    family = work.authors[0].family if work.authors else ""
    return str(named) if named else work.url or f"work:{title_key(work.title)[:200]}:{family[:60]}:{work.year or ''}"


def _facts(work: Work) -> str:
    """The other facts as JSON, as many as there is room for."""
    facts: dict[str, object] = {"identifiers": dict(work.identifiers), "year": work.year, "cited_by": work.cited_by}
    facts |= {name: getattr(work, name)[:200] for name in _SHORT}
    if work.status is not None and work.status.state != "none_known":
        facts["status"] = [part[:200] for part in _status_parts(work.status)]
    facts["access"] = [[a.url, a.media_type, a.version, a.licence] for a in work.access[:2]]
    kept = {name: value for name, value in facts.items() if value not in ("", None, [], {})}
    for name in ("access", "url", "publisher", "identifiers"):
        said = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        if len(said) <= _ROOM:
            return said
        kept.pop(name, None)
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def _status_parts(status: WorkStatus) -> tuple[str, ...]:
    return status.state, status.date, status.reason, status.notice, status.provider, status.as_of


def document_work(document: Document, provider: str) -> Work:
    """The work that `work_document` made a document of; of another document, what can be told from its facts."""
    facts = _read(document.metadata.get("work", ""))
    title, _, abstract = document.text.partition("\n\n")
    scheme, _, value = document.source.partition(":")
    named = {scheme: value} if re.fullmatch(r"doi|arxiv|pmid|pmcid|openalex", scheme) else {}
    held = {key: text(each) for key, each in table(facts.get("identifiers")).items() if text(each)}
    short = {name: text(facts.get(name)) for name in _SHORT}
    return Work(
        title=title,
        authors=tuple(map(_author, document.authors)),
        year=number(facts.get("year")) or (int(document.date[:4]) if re.match(r"\d{4}", document.date) else None),
        date=document.date,
        venue=short["venue"] or document.metadata.get("venue", ""),
        publisher=short["publisher"],
        type=short["type"],
        volume=short["volume"],
        issue=short["issue"],
        pages=short["pages"],
        abstract=abstract,
        language=document.language,
        identifiers=held or named,
        cited_by=number(facts.get("cited_by")),
        status=_status(facts),
        access=_access(facts, provider),
        url=short["url"] or document.metadata.get("url", ""),
        found_by=(provider,),
    )


def _read(said: str) -> Mapping[str, object]:
    try:
        return table(json.loads(said)) if said else {}
    except ValueError:
        return {}


def _author(name: str) -> Author:
    family, _, given = name.partition(", ")
    return Author(family, given)


def _status(facts: Json) -> WorkStatus | None:
    told = tuple(map(text, items(facts.get("status"))))
    return WorkStatus(*told) if len(told) == 6 else None


def _access(facts: Json, provider: str) -> tuple[Access, ...]:
    found = [tuple(map(text, items(each))) for each in items(facts.get("access"))]
    return tuple(Access(*each[:4], provider) for each in found if len(each) == 4)
