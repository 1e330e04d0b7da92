"""Questions made of a collection's own titles, headings and sentences: known items (Azzopardi, de Rijke and Balog,
SIGIR 2007), so nobody needs to judge anything.

A question is a sample, in order, of the words of its source; some become another form of the same word that the
collection has too. One that fits two places equally well is dropped. Everything follows from the collection and a seed.

Such questions favour searching by words, whatever is done to them. Made of the documents of two judged sets (cranfield,
codebase-chunks) they rank words above fusion, by .05 and .02 nDCG@10; the judges rank fusion above words, by .07 and
.02. To let words that keep a word's company stand for 40 or 60 % of them does not change that. So nothing that leans on
words is chosen by them.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from carrel.documents import split
from carrel.errors import BadRequest
from carrel.evaluation.nouns import Progress, Questions
from carrel.evaluation.places import Kind, Place, number_of, places, sampled
from carrel.index import Library, terms
from carrel.records import Document, Hit, Passage
from carrel.retrieve import Granularity

__all__ = ["GRANULARITY", "halves", "own_questions", "place_name"]

GRANULARITY: Mapping[str, Granularity] = {"title": "document", "heading": "section", "sentence": "passage"}
"""What a question of each kind asks for."""

_FEWEST_TERMS = 3  # different ones in a question
_LONGEST = 14  # words of a question
_KEPT = {"title": 0.75, "heading": 0.8, "sentence": 0.5}  # share of the words that a question keeps
_CHANGED = 0.25  # share of the kept words of a sentence that take another form
_MOST_FORMS = 8
_SPARE = 3  # candidates for each question that is wanted, for some are dropped


_Analyse = Callable[[str], frozenset[str]]


@dataclass(slots=True)
class _Draft:
    """A question that is still checked: its ``fits`` counts the places that hold all its terms."""

    place: Place
    text: str
    terms: frozenset[str]
    fits: int = 0


def place_name(hit: Hit, granularity: Granularity) -> str:
    """What a hit is called in the judgements: a document by its id, a section or passage by its reference."""
    return hit.passage.doc_id if granularity == "document" else str(hit.passage.ref)


def own_questions(
    library: Library,
    collection: str,
    *,
    each: int = 150,
    seed: int = 0,
    progress: Progress = lambda done, total, what: None,
) -> Questions:
    """Up to ``each`` questions of each kind; the notes say how many of each there are and how many were dropped.

    Reads the collection three times and holds none of it. Raises NotFound for an unknown collection, BadRequest when no
    question can be made of it.
    """
    there = library.collection(collection)
    doc_ids = sorted(library.find(collection))

    def read(what: str) -> Iterator[Document]:
        for number, doc_id in enumerate(doc_ids, start=1):
            yield library.document(doc_id)
            progress(number, len(doc_ids), what)

    analyse = _analyser(there.analyser)
    found = sampled(places(read("looking for questions")), _SPARE * each, seed)
    wanted = {term for place in found for term in analyse(" ".join(place.words))}
    forms = _forms(read("reading the words"), wanted, analyse)
    drafts = [made for place in found if (made := _drafted(place, forms, analyse, seed)) is not None]
    _count_fits(_by_term(drafts), read("looking for doubles"), analyse)
    questions, notes = _kept(drafts, each)
    if not questions:
        raise BadRequest(
            "no question can be made of this collection: it needs documents with titles, headings or whole sentences"
        )
    return _as_questions(collection, questions, notes)


def _analyser(name: str) -> _Analyse:
    return lambda text: frozenset(terms(text, name))


def _forms(documents: Iterable[Document], wanted: set[str], analyse: _Analyse) -> dict[str, list[str]]:
    """For each term, the words of the collection that have it as their only one, commonest first."""
    counts: Counter[str] = Counter()
    for document in documents:
        counts.update(word for word in document.text.lower().split() if word.isalpha())
    forms: dict[str, list[str]] = defaultdict(list)
    for word in sorted(counts, key=lambda word: (-counts[word], word)):
        found = analyse(word)
        if len(found) == 1 and (term := next(iter(found))) in wanted and len(forms[term]) < _MOST_FORMS:
            forms[term].append(word)
    return forms


def _drafted(place: Place, forms: Mapping[str, Sequence[str]], analyse: _Analyse, seed: int) -> _Draft | None:
    """A question for a place, in order of its words; None where they say too little."""
    chance = random.Random(number_of(seed, "draft", place.kind, place.name, *place.words))
    telling = [word for word in place.words if analyse(word)]
    count = min(_LONGEST, max(_FEWEST_TERMS, round(_KEPT[place.kind] * len(telling))))
    if len(telling) < _FEWEST_TERMS:
        return None
    kept = [telling[at] for at in sorted(chance.sample(range(len(telling)), min(count, len(telling))))]
    if place.kind == "sentence":
        kept = [_other_form(word, forms, analyse, chance) for word in kept]
    text = " ".join(kept)
    said = analyse(text)
    return _Draft(place, text, said) if len(said) >= _FEWEST_TERMS else None


def _other_form(word: str, forms: Mapping[str, Sequence[str]], analyse: _Analyse, chance: random.Random) -> str:
    """Now and then another form of the word that the collection has."""
    found = analyse(word)
    if chance.random() >= _CHANGED or len(found) != 1:
        return word
    others = [form for form in forms.get(next(iter(found)), ()) if form != word.lower()]
    return chance.choice(others) if others else word


def _by_term(drafts: Iterable[_Draft]) -> dict[Kind, dict[str, list[_Draft]]]:
    """Drafts by one term each, the longest as the likely rarest: where it does not stand nothing needs comparing."""
    found: dict[Kind, dict[str, list[_Draft]]] = defaultdict(lambda: defaultdict(list))
    for draft in drafts:
        found[draft.place.kind][max(draft.terms, key=lambda term: (len(term), term))].append(draft)
    return found


def _count_fits(
    waiting: Mapping[Kind, Mapping[str, Sequence[_Draft]]],
    documents: Iterable[Document],
    analyse: _Analyse,
) -> None:
    for document in documents:
        if "title" in waiting:
            _fit(waiting["title"], analyse(document.title))
        for section in document.sections if "heading" in waiting else ():
            _fit(waiting["heading"], analyse(" ".join((document.title, *section.path))))
        for passage in split(document) if "sentence" in waiting else ():
            _fit(waiting["sentence"], analyse(_said(document, passage)))


def _said(document: Document, passage: Passage) -> str:
    return " ".join((document.title, *passage.heading, passage.text))


def _fit(waiting: Mapping[str, Sequence[_Draft]], said: frozenset[str]) -> None:
    for term in said & waiting.keys():
        for draft in waiting[term]:
            draft.fits += draft.terms <= said


def _kept(drafts: Sequence[_Draft], each: int) -> tuple[list[_Draft], list[str]]:
    """The first ``each`` of every kind that fit one place only, no two for the same place or with the same words."""
    kept: list[_Draft] = []
    notes = []
    for kind in ("title", "heading", "sentence"):
        here = [draft for draft in drafts if draft.place.kind == kind]
        clear = [draft for draft in here if draft.fits <= 1]
        single = list({draft.text.casefold(): draft for draft in reversed(clear)}.values())[::-1]
        taken = list({draft.place.name: draft for draft in reversed(single)}.values())[::-1][:each]
        kept += taken
        notes.append(f"{len(taken)} questions of kind {kind}; {len(here) - len(clear)} that fit several places dropped")
    return kept, notes


def _as_questions(name: str, drafts: Sequence[_Draft], notes: Sequence[str]) -> Questions:
    topics, qrels, kinds = {}, {}, {}
    numbers: Counter[str] = Counter()
    for draft in drafts:
        kind = draft.place.kind
        numbers[kind] += 1
        topic = f"{kind}-{numbers[kind]}"
        topics[topic], qrels[topic], kinds[topic] = draft.text, {draft.place.name: 1}, str(kind)
    return Questions(name, topics, qrels, kinds, tuple(notes))


def halves(questions: Questions, *, seed: int = 0) -> tuple[Questions, Questions]:
    """Two halves, by document: what one document says is in one of them only."""
    sides: tuple[list[str], list[str]] = ([], [])
    for topic, grades in questions.qrels.items():
        sides[number_of(seed, "half", next(iter(grades)).partition(":")[0]) % 2].append(topic)
    return _part(questions, sides[0], "picking"), _part(questions, sides[1], "proving")


def _part(questions: Questions, topics: Sequence[str], name: str) -> Questions:
    return Questions(
        f"{questions.name} ({name})",
        {topic: questions.topics[topic] for topic in topics},
        {topic: questions.qrels[topic] for topic in topics},
        {topic: questions.kinds[topic] for topic in topics if topic in questions.kinds},
    )
