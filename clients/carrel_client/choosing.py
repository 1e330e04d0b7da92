"""I have sentences that bear on a question: which few say most, and least twice?

A sentence scores by how much of the question it covers (words weighted by rarity, names more), by the place of its
passage in the rankings, and by its manner. Sentences are then picked one by one, each new one paying for what it
repeats (maximal marginal relevance, Carbonell and Goldstein 1998).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from carrel_client.evidence import Found, Sentence, sentences_of
from carrel_client.question import content_words, stem, words

__all__ = ["Chosen", "Topic", "about", "choose", "topic_of"]

_RELEVANCE = 0.72  # share of relevance against novelty in the choice; the rest pays for repetition
_TWIN = 0.8  # Jaccard overlap of stems from which two sentences say the same
_WEAR = 0.6  # what is left of a question word's worth each time a chosen sentence has it
_POOL = 200  # candidates looked at; the choice is quadratic in them
_FLOOR = 0.5  # a sentence below this share of the best one's score is not worth a reader's time
_LEANS = re.compile(
    r"^(?:it|this|these|those|they|that|he|she|however|but|so|thus|then|also|see|note|for example)\b", re.I
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|can|cannot|will|would|may|might|must|should|does|do|did|don't|isn't|"
    r"(?:add|allow|build|call|check|come|contain|convert|cover|create|define|depend|describe|detect|enable|encode|ensure|"
    r"expect|export|find|follow|give|handle|help|hold|implement|import|improve|include|increase|install|keep|launch|lead|"
    r"let|make|mean|measure|need|offer|open|parse|perform|prevent|process|produce|provide|reach|read|receive|reduce|remain|"
    r"render|replace|report|require|return|run|say|send|serve|set|show|start|stop|store|suggest|support|take|turn|use|"
    r"want|work|write)(?:s|es|d|ed)?|found|gave|held|kept|led|made|meant|ran|said|sent|took|wrote|built|came)\b",
    re.I,
)
_NAME = re.compile(r"(?<=\s)[A-Z][\w.-]*|\b\w*(?:[a-z][A-Z]|\d|\w-\w)\w*")  # not the first word, unless its shape tells
_NAME_WEIGHT = 1.6  # a name weighs more than any other word of the question
_CLOSE = 0.45  # cosine of passage and query from which a sentence may answer without sharing a word with the question
_ELSEWHERE = 0.75  # and one that neither names what the question names nor stands in a text about it
_ASKS_WHAT = re.compile(r"\s*what(?:'s|\s+(?:is|are))\b", re.I)
_DEFINES = re.compile(r"\S+(?:\s\S+){0,5}?\s(?:is|are)\s(?:an?|the)\b")
_DEFINITION = 1.15  # a sentence of the form "X is a …" answers "What is X?" best
_SILENT = 0.6  # what a sentence is worth that shares no word with the question


@dataclass(frozen=True, slots=True)
class Chosen:
    """A sentence with its ``stems``, what it meets of the question, and its score (comparable for one question)."""

    sentence: Sentence
    stems: frozenset[str]
    said: frozenset[str]  # words of the question in the sentence
    implied: frozenset[str]  # and those only in its title or heading
    score: float


@dataclass(frozen=True, slots=True)
class Topic:
    """The question's words by stem; ``weights`` are high for names and for words rare among the passages found."""

    words: Mapping[str, str]
    weights: Mapping[str, float]
    names: frozenset[str]
    what: bool = False  # whether it asks what something is

    def met(self, stems: frozenset[str]) -> frozenset[str]:
        """The words of the question that a text with ``stems`` has, in any of their forms."""
        return frozenset(term for term in self.words if _has(stems, term))

    def share(self, terms: Iterable[str]) -> float:
        """The weight of ``terms`` in the whole question, 0 to 1."""
        return sum(self.weights[term] for term in terms) / (sum(self.weights.values()) or 1.0)


def choose(
    topic: Topic, passages: Sequence[Found], *, limit: int, per_document: int, without: frozenset[str] = frozenset()
) -> list[Chosen]:
    """At most ``limit`` sentences in the order of choice; references in ``without`` are left out.

    ``per_document`` bounds what one document gives, but gives way where there are too few documents.
    """
    sentences = [sentence for found in passages for sentence in sentences_of(found) if sentence.ref not in without]
    documents = len({sentence.doc_id for sentence in sentences}) or 1
    return _pick(_score(sentences, topic, passages), topic, limit, max(per_document, -(-limit // documents)))


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words(text))


def about(found: Found) -> frozenset[str]:
    """A sentence of the chapter on X is about X, though it may not say so."""
    return _stems(f"{found.title} {found.heading}")


def _has(stems: frozenset[str], term: str) -> bool:
    """Whether a form of ``term`` is among ``stems``: the same stem, or for longer words one that starts alike."""
    if term in stems:
        return True
    root = term[: max(5, len(term) - 2)]
    return len(term) >= 5 and any(other.startswith(root) and len(other) <= len(term) + 4 for other in stems)


def topic_of(question: str, passages: Sequence[Found]) -> Topic:
    terms = {stem(word): word for word in content_words(question)}
    names = {stem(word) for word in words(" ".join(_NAME.findall(question)))}
    texts = [_stems(f"{found.title} {found.text}") for found in passages]
    weights = {}
    for term in terms:
        seen = sum(_has(stems, term) for stems in texts)
        rarity = math.log(1 + (len(texts) - seen + 0.5) / (seen + 0.5)) / math.log(2 * len(texts) + 2)
        weights[term] = _NAME_WEIGHT * max(0.4, rarity) if term in names else max(0.3, rarity)
    return Topic(terms, weights, frozenset(names & terms.keys()), bool(_ASKS_WHAT.match(question)))


def _score(sentences: Sequence[Sentence], topic: Topic, passages: Sequence[Found]) -> list[Chosen]:
    best = max((found.score for found in passages), default=1.0) or 1.0
    scored = []
    for sentence in sentences:
        stems = _stems(sentence.text)
        said = topic.met(stems)
        if not said and sentence.found.closeness < _CLOSE:
            continue
        implied = topic.met(about(sentence.found)) - said
        hinted = 0.75 * topic.share(implied & topic.names) + 0.5 * topic.share(implied - topic.names)
        worth = 0.65 * (topic.share(said) + hinted) + 0.35 * sentence.found.score / best
        named = not topic.names or bool(topic.names & (said | implied))
        score = worth * _manner(sentence) * (1.0 if said else _SILENT) * (1.0 if named else _ELSEWHERE)
        if topic.what and said & topic.names and _DEFINES.match(sentence.text):
            score *= _DEFINITION
        scored.append(Chosen(sentence, stems, said, implied, score))
    return sorted(scored, key=lambda one: (-one.score, one.sentence.ref))


def _manner(sentence: Sentence) -> float:
    """A sentence that leans on the one before it, has no verb, or is long, stands less well alone."""
    count = len(sentence.text.split())
    leans = 0.8 if _LEANS.match(sentence.text) else 1.0
    whole = 1.0 if _VERB.search(sentence.text) else 0.75
    return leans * whole * (0.85 if count > 45 else 1.0)


def _overlap(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / (len(left | right) or 1)


def _pick(scored: Sequence[Chosen], topic: Topic, limit: int, per_document: int) -> list[Chosen]:
    """Pick one by one the sentence that adds most: a word of the question counts less each time it was met already
    (diminishing returns, Lin and Bilmes 2011), and so does a sentence that resembles a chosen one.

    At most ``per_document`` come from one document; one that says a chosen sentence again is dropped.
    """
    pool = [one for one in scored[:_POOL] if one.score >= _FLOOR * scored[0].score]
    nearest = dict.fromkeys(range(len(pool)), 0.0)
    chosen: list[Chosen] = []
    taken: Counter[str] = Counter()
    used: Counter[str] = Counter()
    while nearest and len(chosen) < limit:
        index = max(nearest, key=lambda i: (_gain(pool[i], topic, used, nearest[i]), -i))
        one = pool[index]
        del nearest[index]
        chosen.append(one)
        taken[one.sentence.doc_id] += 1
        used.update(one.said)
        for other in list(nearest):
            nearest[other] = max(nearest[other], _overlap(pool[other].stems, one.stems))
            if nearest[other] >= _TWIN or taken[pool[other].sentence.doc_id] >= per_document:
                del nearest[other]
    return chosen


def _gain(one: Chosen, topic: Topic, used: Mapping[str, int], nearest: float) -> float:
    worn = topic.share(one.said) - sum(topic.share([term]) * _WEAR ** used[term] for term in one.said)
    return _RELEVANCE * (one.score - 0.5 * worn) - (1 - _RELEVANCE) * nearest
