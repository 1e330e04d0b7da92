"""I have a reference: which work is it? I have a question: which works answer it?"""

from __future__ import annotations

from carrel.scholarly.evidence import abstract_document, best_identifier, document_work, work_document
from carrel.scholarly.identifiers import AmbiguousIdentifier, Identifier, parse_identifier
from carrel.scholarly.match import Candidate, FieldCheck, ReferenceMatch, ReferenceVerdict, match_reference
from carrel.scholarly.mentions import Mention, find_identifiers
from carrel.scholarly.names import parse_author, parse_authors, same_family
from carrel.scholarly.providers import Lookup, Provider, Query, Record, Shelf, SourceStatus, failed
from carrel.scholarly.reference import Citation, parse_citation
from carrel.scholarly.retractions import LoadedNotices, Retractions
from carrel.scholarly.scholar import Answer, Found, Scholar, open_scholar
from carrel.scholarly.titles import TitleMatch, compare_titles

__all__ = [
    "AmbiguousIdentifier",
    "Answer",
    "Candidate",
    "Citation",
    "FieldCheck",
    "Found",
    "Identifier",
    "LoadedNotices",
    "Lookup",
    "Mention",
    "Provider",
    "Query",
    "Record",
    "ReferenceMatch",
    "ReferenceVerdict",
    "Retractions",
    "Scholar",
    "Shelf",
    "SourceStatus",
    "TitleMatch",
    "abstract_document",
    "best_identifier",
    "compare_titles",
    "document_work",
    "failed",
    "find_identifiers",
    "match_reference",
    "open_scholar",
    "parse_author",
    "parse_authors",
    "parse_citation",
    "parse_identifier",
    "same_family",
    "work_document",
]
