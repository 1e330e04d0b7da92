"""I have a question and the passages found for it: which of its words count, and how much of it does a text meet?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from carrel_client.evidence import Found, Sentence
from carrel_client.question import asks_for_figure, clauses, content_words, stem, words
from carrel_client.things import NAME, Things, things_in

__all__ = ["Topic", "stems_of", "topic_of"]

_HEAD = re.compile(r"(\S+)(?:\s*$|\s+[—–-]+\s|:\s)")
_NAME_WEIGHT = 1.6  # a name weighs more than any other word of the question
_LIGHT_WEIGHT = 0.35  # and a word that any text may have weighs less
# Words people wrap questions in: a text that has one of these and no other word of the question says nothing to it.
_LIGHT_WORDS = """
    support work run help need provide offer include contain handle find found show exist happen start stop call
    good best better important effective main different various common several type kind way ways thing things part
    example case cases time day year number amount people person user use usage work works data information new old
    large small high low long short big possible able available know want try keep take come go goes put set see
    """
_LIGHT = frozenset(map(stem, _LIGHT_WORDS.split()))
_ASKS_WHAT = re.compile(  # what a thing is; "What is the price of X?" and "What is X used for?" ask something else
    r"^\W*(?:and\s+)?(?:(?:what|who)(?:'s|\s+(?:is|are|was|were))\b"
    r"(?!.*\b(?:of|in|on|with|to|from|by|between|about|used|made|called)\b)(?!.*\bfor\b.*\w)|"
    r"what\s+(?:does|do|did)\b.*\bdo\W*$)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Topic:
    """The question's words by stem; ``weights`` are high for names and for words rare among the passages found.

    ``unseen`` are those that no passage has. ``subject`` is what the question is about: its names, or where it has none
    the words it asks about. ``parts`` are the stems of its clauses, ``defined`` those of the clauses that ask what
    something is, ``focus`` what each clause wants to know of the subject: its other words, without the light ones.
    ``light`` are words that any text may have; ``figures`` says that it asks for a number; ``things`` are the named
    things it asks about.
    """

    words: Mapping[str, str]
    weights: Mapping[str, float]
    names: frozenset[str]
    unseen: frozenset[str]
    subject: frozenset[str]
    parts: tuple[frozenset[str], ...]
    defined: tuple[frozenset[str], ...]
    focus: tuple[frozenset[str], ...]
    light: frozenset[str]
    figures: bool
    things: Things

    def met(self, stems: frozenset[str]) -> frozenset[str]:
        """The words of the question that a text with ``stems`` has, in any of their forms."""
        return frozenset(term for term in self.words if _has(stems, term, named=term in self.names))

    def share(self, terms: Iterable[str]) -> float:
        """The weight of ``terms`` in the whole question, 0 to 1."""
        return sum(self.weights[term] for term in terms) / (sum(self.weights.values()) or 1.0)

    def implied(self, sentence: Sentence, said: frozenset[str]) -> frozenset[str]:
        """What only title and heading say: a sentence of the chapter on X is about X, though it may not say so."""
        return self.met(stems_of(f"{sentence.found.title} {sentence.found.heading}")) - said

    def part(self, terms: frozenset[str], whole: frozenset[str]) -> float:
        """The weight of ``terms`` in ``whole``, a part of the question, 0 to 1."""
        return self.share(terms & whole) / (self.share(whole) or 1.0)

    def missing(self, covered: frozenset[str]) -> tuple[str, ...]:
        """The words of the question that ``covered`` lacks, as they were written; light ones are not missed."""
        known = self.subject.union(self.names, covered, *self.focus)
        return tuple(word for term, word in self.words.items() if term in known - covered)


def topic_of(question: str, passages: Sequence[Found]) -> Topic:
    """Weigh the words of ``question`` by their rarity among ``passages``."""
    terms = _terms(question)
    light = frozenset(terms) & _LIGHT
    names = _names(question, passages) & terms.keys() - light
    texts = [stems_of(f"{found.title} {found.text}") for found in passages]
    weights = {term: _weight(term, texts, named=term in names, light=term in light) for term in terms}
    plain = frozenset(terms) - names - light
    subject = frozenset(name for name in names if not name.isdigit()) or plain or frozenset(terms)
    asked = [(frozenset(_terms(clause)), bool(_ASKS_WHAT.match(clause))) for clause in clauses(question)]
    return Topic(
        terms,
        weights,
        names,
        frozenset(term for term in terms if not any(_has(stems, term, named=term in names) for stems in texts)),
        subject,
        parts=tuple(part for part, _ in asked if part & (subject | plain)) or (frozenset(terms),),
        defined=tuple(part for part, what in asked if what and part),
        focus=tuple(part & plain or part - light for part, what in asked if part - light and not what),
        light=light,
        figures=asks_for_figure(question),
        things=things_in(question),
    )


def _names(question: str, passages: Sequence[Found]) -> frozenset[str]:
    """Stems of what is written like a name, and of the names that head titles ("rich — Render text …")."""
    written = words(" ".join(NAME.findall(question)))
    headed = words(" ".join(match[1] for found in passages if (match := _HEAD.match(found.title))))
    return frozenset(map(stem, (*written, *headed)))


def _terms(text: str) -> dict[str, str]:
    return {stem(word): word for word in content_words(text)}


def stems_of(text: str) -> frozenset[str]:
    """The stems of a text, and those of the parts of its compounds."""
    found = frozenset(stem(word) for word in words(text))
    parts = (stem(part) for word in found if not word.isalnum() for part in re.split(r"\W+|_", word) if len(part) > 1)
    return found | frozenset(parts)


def _has(stems: frozenset[str], term: str, *, named: bool) -> bool:
    """Whether a form of ``term`` is among ``stems``: the same stem, all parts of a compound, or one that starts alike.

    A name is met only whole: "PaperQA" is no form of "papers".
    """
    if term in stems:
        return True
    parts = [part for part in re.split(r"[-_'’.]", term) if len(part) > 1]
    if len(parts) > 1:
        return all(_has(stems, stem(part), named=named) for part in parts)
    if named:
        return len(term) >= 4 and any(other.startswith(term) for other in stems)
    root = term[: max(5, len(term) - 2)]
    return len(term) >= 5 and any(other.startswith(root) and len(other) <= len(term) + 5 for other in stems)


def _weight(term: str, texts: Sequence[frozenset[str]], *, named: bool, light: bool) -> float:
    seen = sum(_has(stems, term, named=named) for stems in texts)
    rarity = math.log(1 + (len(texts) - seen + 0.5) / (seen + 0.5)) / math.log(2 * len(texts) + 2)
    if named:
        return _NAME_WEIGHT * (0.4 if term.isdigit() else max(0.4, rarity))
    return _LIGHT_WEIGHT * max(0.5, rarity) if light else max(0.3, rarity)
