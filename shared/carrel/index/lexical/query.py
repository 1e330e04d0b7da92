"""What the lexical arm asks tantivy: its schema, its queries, and rankings that do not depend on where rows lie."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from carrel.index.lexical.analysis import NAMES, parted, parts, terms
from carrel.index.lexical.demands import Demands, demanded, phrase
from carrel.index.lexical.nouns import LexicalFilter, LexicalRow

if TYPE_CHECKING:
    import numpy as np
    import tantivy
    from numpy.typing import NDArray

__all__ = ["LONGEST_QUERY", "MOST_COUNTED", "MOST_READ", "QUOTED_WEIGHT"]
__all__ += ["document", "holding", "limits", "question", "quoted_in", "rank", "schema", "within"]

LONGEST_QUERY = 64  # distinct terms; a longer query keeps its rarest
MOST_COUNTED = 3  # repeats of one term in a query that still add weight
MOST_READ = 100_000  # characters of a query that are analysed
_LAST_DAY = 99_999_999
_QUOTED = re.compile(r'"([^"]+)"|[“„«]([^“„«”»]+)[”“»]')
_QUOTE_MARKS = '"“„«'
_MOST_QUOTED = 8  # phrases of one query
QUOTED_WEIGHT = 2.0  # of a quoted phrase, beside the weight its words have anyway
_FEW_WORDS = 32  # as single terms they are skipped through; more are gathered first, for 4 ms at a million rows
_SPARE = 24  # hits beyond the depth that are fetched at once
_MOST_TIED = 20_000  # hits beyond the depth that are fetched to settle a tie at its end


def schema() -> tantivy.Schema:
    """The fields of a row.

    ``text`` is title, headings and body together, so that a word counts wherever it stands. On scifact and cranfield
    that ranks better than three weighted fields do, at a third of the cost. Its positions are kept, for phrases; title,
    headings, body and the parts of each word do not run into each other.
    """
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("passage", stored=False, indexed=False, fast=True)
    builder.add_text_field("doc", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", tokenizer_name="words", index_option="position")
    for name in ("kind", "media", "tag"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("author", tokenizer_name="names", index_option="basic")
    builder.add_unsigned_field("date", stored=False, indexed=True, fast=True)
    return builder.build()


def document(row: LexicalRow, analyser: str, form: tantivy.Schema) -> tantivy.Document:
    """A row as tantivy takes it."""
    import tantivy

    said = (row.title, *row.heading, row.body)
    fields = {
        "passage": row.passage_id,
        "doc": row.doc_id,
        "text": [
            *(parted(each, analyser) for each in said),
            *(part for each in said for part in parts(each, analyser)),
        ],
        "kind": _clean(row.source_kind),
        "media": _clean(row.media_type),
        "tag": [_clean(tag) for tag in row.tags],
        "author": [parted(name, NAMES) for name in row.authors],
        "date": row.date,
    }
    # from_dict with the schema: a keyword document stores signed integers and fails only at commit.
    return tantivy.Document.from_dict(fields, form)


def question(
    text: str,
    analyser: str,
    form: tantivy.Schema,
    frequency: Callable[[str, str], int],
    also: Sequence[tuple[str, float]] = (),
) -> tantivy.Query | None:
    """The query for ``text``, and for the terms of ``also`` by weight; None without a single indexable term.

    What stands in double quotes is looked for as a phrase beside its words: a preference, not a condition.
    """
    from tantivy import Occur, Query

    counts = Counter(terms(text[:MOST_READ], analyser))
    if len(counts) > LONGEST_QUERY:
        rarest = sorted(counts, key=lambda word: (frequency("text", word) or math.inf, word))
        counts = Counter({word: counts[word] for word in rarest[:LONGEST_QUERY]})
    weights = [(word, float(min(count, MOST_COUNTED))) for word, count in sorted(counts.items())]
    should = [
        (Occur.Should, Query.boost_query(Query.term_query(form, "text", word, index_option="freq"), weight))
        for word, weight in (*weights, *also)
    ]
    together = (phrase(quoted, analyser, form) for quoted in quoted_in(text))
    should += [(Occur.Should, Query.boost_query(each, QUOTED_WEIGHT)) for each in together if each is not None]
    return Query.boolean_query(should) if should else None


def quoted_in(text: str) -> list[str]:
    """What stands in double quotes, each once."""
    if not any(mark in text for mark in _QUOTE_MARKS):
        return []
    found = (one or other for one, other in _QUOTED.findall(text[:MOST_READ]))
    return list(dict.fromkeys(found))[:_MOST_QUOTED]


def limits(only: LexicalFilter, form: tantivy.Schema) -> tantivy.Query | None:
    """The query that only rows within the filter match, score 0; None when everything does."""
    from tantivy import FieldType, Occur, Query

    must: list[tantivy.Query] = []
    for field, wanted in (("kind", only.source_kinds), ("media", only.media_types), ("tag", only.tags)):
        if wanted:
            must.append(_one_of(form, field, sorted({_clean(word) for word in wanted})))
    if only.after or only.before:
        lower = min(max(only.after, 1), _LAST_DAY)
        upper = min(max(only.before - 1, 0), _LAST_DAY) if only.before else _LAST_DAY
        must.append(Query.range_query(form, "date", FieldType.Unsigned, lower, upper))
    if only.author:
        names = sorted(set(terms(only.author[:MOST_READ], NAMES)))
        must += [Query.term_query(form, "author", name, index_option="basic") for name in names]
        must += [] if names else [Query.empty_query()]
    if not must:
        return None
    return Query.const_score_query(Query.boolean_query([(Occur.Must, query) for query in must]), 0.0)


def _one_of(form: tantivy.Schema, field: str, words: list[str]) -> tantivy.Query:
    from tantivy import Occur, Query

    if len(words) > _FEW_WORDS:
        return Query.term_set_query(form, field, words)
    return Query.boolean_query(
        [(Occur.Should, Query.term_query(form, field, word, index_option="basic")) for word in words]
    )


def within(
    query: tantivy.Query | None,
    only: LexicalFilter | None,
    demands: Demands | None,
    analyser: str,
    form: tantivy.Schema,
) -> tantivy.Query | None:
    """``query`` among the rows within the filter that meet the demands; None when nothing is asked.

    Where something must be in a row, rows that hold it match whether or not they hold a word of the query.
    """
    from tantivy import Occur, Query

    limit = limits(only, form) if only else None
    must, must_not = demanded(demands, analyser, form) if demands else ([], [])
    clauses = [] if limit is None else [(Occur.Must, limit)]
    clauses += [(Occur.Must, Query.const_score_query(each, 0.0)) for each in must]
    clauses += [(Occur.MustNot, each) for each in must_not]
    if query is None and not must:
        return None
    if not clauses:
        return query
    if query is not None:
        clauses.append((Occur.Should if must else Occur.Must, query))
    return Query.boolean_query(clauses)


def holding(
    searcher: tantivy.Searcher, demands: Demands, analyser: str, form: tantivy.Schema
) -> tuple[NDArray[np.int64], bool]:
    """Sorted ids of all passages that meet the demands, True; or where nothing must be in them, of those that hold
    what must not, False."""
    import numpy as np
    from tantivy import Occur, Query

    must, must_not = demanded(demands, analyser, form)
    clauses = [(Occur.Must if must else Occur.Should, each) for each in must or must_not]
    clauses += [(Occur.MustNot, each) for each in must_not if must]
    if not clauses:
        return np.zeros(0, np.int64), False
    query = Query.const_score_query(Query.boolean_query(clauses), 0.0)
    hits = searcher.search(query, searcher.num_docs + 1, count=False).hits
    keys = searcher.fast_field_values("passage", [address for _, address in hits])
    return np.sort(np.fromiter((int(key or 0) for key in keys), np.int64, len(keys))), bool(must)


def rank(searcher: tantivy.Searcher, query: tantivy.Query, depth: int) -> list[tuple[int, float]]:
    """The ``depth`` best passages and their scores, best first, ties by id.

    tantivy cuts through ties by where rows lie, so a tie at the end is fetched whole and cut here. It sums a row's
    scores in the order of the query's terms, so sums do not depend on where rows lie either: measured, not promised.
    """
    most = min(depth + _MOST_TIED, searcher.num_docs + 1)  # room is made for as many as are asked for
    fetch = min(depth + _SPARE, most)
    while True:
        hits = searcher.search(query, fetch, count=False).hits
        if len(hits) < fetch or fetch >= most or hits[-1][0] < hits[depth - 1][0]:
            break
        fetch = min(fetch * 4, most)
    keys = searcher.fast_field_values("passage", [address for _, address in hits])
    ranking = [(-score, int(key or 0)) for key, (score, _) in zip(keys, hits, strict=True)]
    return [(key, -score) for score, key in sorted(ranking)[:depth]]


def _clean(word: str) -> str:
    return word.encode("utf-8", "ignore").decode("utf-8")
