"""A work as evidence: a document that holds its title and abstract, so that both can be quoted by reference."""

from __future__ import annotations

from carrel.records import Document, EvidenceRef, Section, Work, document_id
from carrel.scholarly.identifiers import Identifier

__all__ = ["abstract_document", "best_identifier"]


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
    named = best_identifier(work)
    if named is None or not work.abstract:
        return None
    text = f"{work.title}\n\n{work.abstract}"
    source = str(named)
    document = Document(
        doc_id=document_id(source, text),
        source=source,
        source_kind="scholar",
        media_type="text/plain",
        title=work.title,
        text=text,
        sections=(Section("", 0, 0, len(text)),),
        date=work.date,
        authors=tuple(f"{a.family}, {a.given}" if a.given else a.family for a in work.authors[:100]),
        language=work.language,
        metadata={"provider": work.provenance.get("abstract", ""), "venue": work.venue, "url": work.url},
    )
    return document, EvidenceRef(document.doc_id, len(text) - len(work.abstract), len(text))
