"""One article of PubMed's XML as a record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from carrel.records import Access, Author, Work
from carrel.scholarly.elements import line_at, line_of
from carrel.scholarly.fields import identifiers_of, orcid_of
from carrel.scholarly.markup import plain_abstract
from carrel.scholarly.medline import Note, full_pages, medline_standing, medline_title, medline_type
from carrel.scholarly.providers import Record
from carrel.scholarly.shapes import iso_date
from carrel.scholarly.standing import doi_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["pubmed_record"]

_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
# MEDLINE writes ISO 639-2; the others here write ISO 639-1.
_WORDS_LANGUAGES = (
    "eng en fre fr ger de spa es ita it por pt rus ru jpn ja chi zh kor ko pol pl dut nl tur tr swe sv dan da nor no "
    "fin fi cze cs hun hu gre el heb he ara ar per fa ukr uk rum ro bul bg hrv hr srp sr slo sk slv sl"
)
_LANGUAGES = dict(zip(_WORDS_LANGUAGES.split()[::2], _WORDS_LANGUAGES.split()[1::2], strict=True))


def pubmed_record(entry: Element, as_of: str) -> Record | None:
    """A ``PubmedArticle`` or ``PubmedBookArticle`` as a record; None for anything else, or without a PMID."""
    if entry.tag == "PubmedArticle":
        citation, article, data = entry.find("MedlineCitation"), entry.find("MedlineCitation/Article"), "PubmedData"
    else:
        citation = article = entry.find("BookDocument")
        data = "BookDocument"
    if citation is None or article is None or not re.fullmatch(r"[1-9]\d{0,9}", line_at(citation, "PMID")):
        return None
    book = article.find("Book")
    identifiers = _identifiers(line_at(citation, "PMID"), article, entry.findall(f"{data}/ArticleIdList/ArticleId"))
    types = [line_of(kind) for kind in article.iterfind(".//PublicationType")]
    title = medline_title(line_at(article, "ArticleTitle") or line_at(article, "VernacularTitle"))
    date = _date(article, book)
    spoken = line_at(article, "Language")
    work = Work(
        title=title or (medline_title(line_at(book, "BookTitle")) if book is not None else ""),
        authors=_authors(article, book),
        year=int(date[:4]) if date else None,
        date=date,
        venue=line_at(article, "Journal/Title") if book is None else line_at(book, "BookTitle") if title else "",
        publisher="" if book is None else line_at(book, "Publisher/PublisherName"),
        type=medline_type(types) if book is None else "chapter" if title else "book",
        volume=line_at(article, "Journal/JournalIssue/Volume"),
        issue=line_at(article, "Journal/JournalIssue/Issue"),
        pages=_pages(article),
        abstract=_abstract(article, "Abstract") or _abstract(citation, "OtherAbstract"),
        language=_LANGUAGES.get(spoken, spoken)[:10],
        identifiers=identifiers,
        references=_references(entry, citation),
        status=medline_standing(title, types, _notes(citation), "pubmed", as_of),
        access=_access(entry, identifiers, as_of),
        url=f"https://pubmed.ncbi.nlm.nih.gov/{identifiers['pmid']}/",
        found_by=("pubmed",),
    )
    return Record("pubmed", work)


def _identifiers(pmid: str, article: Element, named: Iterable[Element]) -> dict[str, str]:
    """The article's own: lists of identifiers stand beside each of its references too."""
    told = [(name.get("IdType"), line_of(name)) for name in named]
    told += [(n.get("EIdType"), line_of(n)) for n in article.iterfind("ELocationID") if n.get("ValidYN") != "N"]
    return identifiers_of([f"pmid:{pmid}", *(value for kind, value in told if kind in ("doi", "pmc", "pmcid"))])


def _authors(article: Element, book: Element | None) -> tuple[Author, ...]:
    lists = article.findall("AuthorList")
    lists = lists or (book.findall("AuthorList") if book is not None else [])
    authors = [author for names in lists if names.get("Type") != "editors" for author in names.iterfind("Author")]
    return tuple(a for a in map(_author, authors[:5_000]) if a.family)


def _author(entry: Element) -> Author:
    orcid = orcid_of(line_at(entry, "Identifier[@Source='ORCID']"))
    family = line_at(entry, "LastName")
    given = line_at(entry, "ForeName") or line_at(entry, "Initials")
    return Author(family or line_at(entry, "CollectiveName") or given, given if family else "", orcid)


def _date(article: Element, book: Element | None) -> str:
    """The date of the issue, which is what is cited; else the day it came out in electronic form."""
    places = [
        article.find("Journal/JournalIssue/PubDate"),
        article.find("ArticleDate"),
        article.find("ContributionDate"),
    ]
    places += [book.find("PubDate")] if book is not None else []
    return next((date for place in places if place is not None and (date := _day(place))), "")


def _day(place: Element) -> str:
    """``Year`` with ``Month`` (name or digits) and ``Day``, or the first month of ``MedlineDate`` (2019 Jan-Feb)."""
    loose = re.search(r"((?:1[5-9]|20)\d\d)(?:\s+([A-Za-z]{3}))?", line_at(place, "MedlineDate"))
    year = line_at(place, "Year") or (loose[1] if loose else "")
    month = _month(line_at(place, "Month") or (loose[2] if loose else "") or "")
    return iso_date(f"{year}-{month}-{line_at(place, 'Day').zfill(2)}") or iso_date(f"{year}-{month}") or iso_date(year)


def _month(name: str) -> str:
    """Two digits for ``Feb``, ``February`` or ``2``."""
    if re.fullmatch(r"[A-Za-z]{3,9}", name) and name[:3].lower() in _MONTHS:
        return f"{_MONTHS.index(name[:3].lower()) // 3 + 1:02d}"
    return name.zfill(2)


def _pages(article: Element) -> str:
    start, end = line_at(article, "Pagination/StartPage"), line_at(article, "Pagination/EndPage")
    if start and end and start != end:
        return full_pages(f"{start}-{end}")
    return full_pages(line_at(article, "Pagination/MedlinePgn")) or start


def _abstract(element: Element, name: str) -> str:
    """Its sections as paragraphs, labels kept as ``Methods: …``."""
    parts = []
    for section in element.iterfind(f"{name}/AbstractText"):
        label, said = " ".join(section.get("Label", "").split()).rstrip(":."), line_of(section)
        named = label and label.upper() not in ("UNLABELLED", "ABSTRACT")
        parts.append(f"{label.capitalize() if label.isupper() else label}: {said}" if named else said)
    return plain_abstract("\n\n".join(part for part in parts if part))


def _notes(citation: Element) -> list[Note]:
    return [
        Note(note.get("RefType", ""), line_at(note, "PMID"), line_at(note, "RefSource"))
        for note in citation.iterfind("CommentsCorrectionsList/CommentsCorrections")
        if note.get("RefType") != "Cites"
    ]


def _references(entry: Element, citation: Element) -> tuple[str, ...]:
    """By DOI where it has one, else by PMID; older records list what they cite among the comments."""
    found = []
    for reference in entry.iterfind(".//ReferenceList/Reference"):
        names = {name.get("IdType", ""): line_of(name) for name in reference.iterfind("ArticleIdList/ArticleId")}
        if doi := doi_of(names.get("doi", "")):
            found.append(str(doi))
        elif re.fullmatch(r"[1-9]\d{0,9}", names.get("pubmed", "")):
            found.append(f"pmid:{names['pubmed']}")
    cited = citation.iterfind("CommentsCorrectionsList/CommentsCorrections[@RefType='Cites']/PMID")
    return tuple(dict.fromkeys(found or [f"pmid:{line_of(pmid)}" for pmid in cited]))[:2_000]


def _access(entry: Element, identifiers: dict[str, str], as_of: str) -> tuple[Access, ...]:
    """Whatever is in PMC is free to read, once its embargo is over."""
    release = entry.find("PubmedData/History/PubMedPubDate[@PubStatus='pmc-release']")
    if "pmcid" not in identifiers or (release is not None and _day(release) > as_of):
        return ()
    url = f"https://pmc.ncbi.nlm.nih.gov/articles/{identifiers['pmcid']}/"
    return (Access(url, "text/html", "", "", "pubmed"),)
