"""I have passages that bear on a question: which few of their sentences answer it, and least twice?

A sentence is weighed by how much of the question it meets (words weighted by rarity, names more) and by how close its
passage is to the question. Where even the best meets too little, there is no answer in them, and none is chosen. The
rest are picked one by one, each new one paying for what it repeats (maximal marginal relevance, Carbonell and
Goldstein 1998).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carrel_client.evidence import Found, Sentence, sentences_of
from carrel_client.manner import Leaning, defines, describes, introduces, leans, manner, stands_alone
from carrel_client.rows import other_names, rows_of
from carrel_client.topic import Topic, stems_of

__all__ = ["Chosen", "choose", "nearest"]

_RELEVANCE = 0.72  # share of relevance against novelty in the choice; the rest pays for repetition
_TWIN = 0.8  # Jaccard overlap of stems from which two sentences say the same
_WEAR = 0.6  # what is left of a question word's worth each time a chosen sentence has it
_POOL = 200  # candidates looked at; the choice is quadratic in them
# Weight of the question met (0 to 1) and cosine of passage and question, added up. Measured on questions with and
# without an answer in two libraries (documentation, abstracts): below the first, next to nothing was an answer.
_ENOUGH = 0.78
_ENOUGH_BY_WORDS = 0.42  # the same where no encoder gave cosines
_NEAR = 0.34  # share of the question from which a passage is worth a look though nothing in it can be quoted
_STRICTER = 0.2  # more is asked where no passage has a name of the question: it is likely about something else
_OF_BEST = 0.72  # a sentence below this share of the best one's bearing or score is not worth a reader's time
_ENOUGH_OF_FOCUS = 0.2  # share of what a clause wants to know that a sentence must have in its own words
_ENOUGH_OF_NAMES = 0.5  # and where it asks for nothing but names ("Does X run on Y?")
_HINT = 0.6  # what a word is worth that only the title or the heading says
_DEFINITION = 1.25  # a sentence of the form "X is a …" answers "What is X?" best


@dataclass(frozen=True, slots=True)
class Chosen:
    """A sentence with its ``stems``, the question's words it ``said`` or its title ``implied``, and its figures.

    ``bearing`` is how much it has to do with the question at all, ``score`` its worth among
    the others, which ``bonus`` multiplies for a definition that was asked for. ``leans`` says
    what it needs to be understood.
    """

    sentence: Sentence
    stems: frozenset[str]
    said: frozenset[str]
    implied: frozenset[str]
    bearing: float
    score: float
    bonus: float = 1.0
    leans: Leaning = ""


def choose(
    topic: Topic, passages: Sequence[Found], *, limit: int, per_document: int, without: frozenset[str] = frozenset()
) -> list[Chosen]:
    """At most ``limit`` sentences in the order of choice; references in ``without`` are left out.

    ``per_document`` bounds what one document gives, but gives way where there are too few documents. Empty where
    nothing bears enough on the question.
    """
    sentences = [sentence for found in passages for sentence in _stated(found, topic) if sentence.ref not in without]
    enough = _ENOUGH if any(found.closeness for found in passages) else _ENOUGH_BY_WORDS
    if any(not name.isdigit() for name in topic.names & topic.unseen):
        enough += _STRICTER
    pool = _worthy(_weighed(sentences, topic, passages), enough)
    documents = len({one.sentence.doc_id for one in pool}) or 1
    return _pick(pool[:_POOL], topic, limit, max(per_document, -(-limit // documents)))


def _stated(found: Found, topic: Topic) -> list[Sentence]:
    """The sentences of a passage, and the rows of its tables that may answer; no row is taken for a sentence."""
    rows = rows_of(found)
    taken = {row.start for row in rows}
    prose = [each for each in sentences_of(found, figures=topic.figures) if each.start not in taken]
    return prose + _best_rows(rows, topic)


def _best_rows(rows: Sequence[Sentence], topic: Topic) -> list[Sentence]:
    """The rows of a passage whose own cells have most of the question: what names the columns, all share."""
    shares = [topic.share(topic.met(stems_of(" ".join(cell for _, cell in row.columns))) - topic.light) for row in rows]
    best = max(shares, default=0.0)
    return [row for row, share in zip(rows, shares, strict=True) if share == best > 0]


def nearest(topic: Topic, passages: Sequence[Found], *, limit: int = 3) -> list[Found]:
    """Where nothing can be quoted: at most ``limit`` passages that have something to do with the question, best first.

    Each is of another section; empty where none has a share of the question worth a look.
    """
    telling = topic.subject.union(*topic.focus, *topic.parts) - topic.light
    near: dict[tuple[str, str], Found] = {}
    for found in passages:
        met = topic.met(stems_of(f"{found.title} {found.heading} {found.text}"))
        share = topic.share(met)
        if met & telling and (share >= _NEAR or share + found.closeness >= _ENOUGH):
            near.setdefault((found.ref.partition(":")[0], found.heading), found)
    return list(near.values())[:limit]


def _weighed(sentences: Sequence[Sentence], topic: Topic, passages: Sequence[Found]) -> list[Chosen]:
    """The sentences that can stand in a brief at all, best first."""
    best = max((found.score for found in passages), default=1.0) or 1.0
    weighed = []
    for sentence in sentences:
        stems = stems_of(sentence.text)
        said = topic.met(other_names(stems) if sentence.columns else stems)
        alone = sentence.columns or stands_alone(sentence.text, sentence.found.title)
        if alone and _answers(sentence, topic, said):
            weighed.append(_weigh(sentence, topic, stems, said, best))
    return sorted(weighed, key=lambda one: (-one.score, one.sentence.ref))


def _weigh(sentence: Sentence, topic: Topic, stems: frozenset[str], said: frozenset[str], best: float) -> Chosen:
    found = sentence.found
    implied = topic.implied(sentence, said)
    met = topic.share(said) + _HINT * topic.share(implied)
    # A sentence that answers one half of a double question bears on it as much as one that has a word of each.
    most = max(topic.part(said, part) + _HINT * topic.part(implied, part) for part in topic.parts)
    score = 0.6 * max(met, 0.7 * most) + 0.2 * found.closeness + 0.2 * found.score / best
    score *= 1.0 if sentence.columns else manner(sentence.text, found.heading)
    bonus = _DEFINITION if _is_definition(sentence, topic, said | implied) else 1.0
    return Chosen(
        sentence,
        stems,
        said,
        implied,
        max(met, most) + found.closeness,
        score,
        bonus,
        _leaning(sentence, implied & topic.subject),
    )


def _leaning(sentence: Sentence, titled: frozenset[str]) -> Leaning:
    """What a sentence needs to be understood; "It …" as an item of a list speaks of what the title names."""
    if sentence.columns:
        return ""
    if sentence.item and titled and sentence.text.startswith("It "):
        return "title"
    return leans(sentence.text)


def _answers(sentence: Sentence, topic: Topic, said: frozenset[str]) -> bool:
    """Whether a sentence speaks of what the question wants to know, or defines the thing it asks about.

    To name the thing is not enough: every sentence of its manual does.
    """
    found = sentence.found
    if not topic.things.spoken_of(sentence.text, stems_of(f"{sentence.text} {found.title} {found.heading}")):
        return False
    about = said | topic.implied(sentence, said)
    if _is_definition(sentence, topic, about):
        return True
    if not about & topic.subject:
        return False
    if sentence.columns:
        return any(_row_tells(sentence, focus, topic) for focus in topic.focus)
    return any(_meets(said, focus, topic) for focus in topic.focus)


def _row_tells(sentence: Sentence, focus: frozenset[str], topic: Topic) -> bool:
    """Whether one cell of a row is what the question names, and another column what it wants to know of that."""
    if focus <= topic.names:
        return True
    columns = [(topic.met(stems_of(cell)) - topic.light, stems_of(f"{name} {cell}")) for name, cell in sentence.columns]
    for place, (met, _) in enumerate(columns):
        others = frozenset[str]().union(*(stems for other, (_, stems) in enumerate(columns) if other != place))
        if met and focus & topic.met(other_names(others)):
            return True
    return False


def _meets(said: frozenset[str], focus: frozenset[str], topic: Topic) -> bool:
    if focus <= topic.names:
        return topic.part(said, focus) >= _ENOUGH_OF_NAMES
    return topic.part(said, focus) >= _ENOUGH_OF_FOCUS or len(said & focus) > 1


def _is_definition(sentence: Sentence, topic: Topic, about: frozenset[str]) -> bool:
    """Whether a sentence says what the thing is that a clause of the question asks about."""
    opening = topic.met(stems_of(" ".join(sentence.text.split()[:4])))
    shaped = defines(sentence.text)
    introduced = topic.met(stems_of(introduces(sentence.text)))
    for asked in topic.defined:
        if introduced & asked:
            return True
        if topic.part(about, asked) >= 0.5 and (describes(sentence.text) or (shaped and opening & asked)):
            return True
    # Not asked for, but a help where the texts say the rest in other words ("What does X check?").
    helps = not topic.unseen and topic.share(about & topic.subject) >= 0.5
    return helps and shaped and bool(opening & topic.subject)


def _worthy(weighed: Sequence[Chosen], enough: float) -> list[Chosen]:
    """The sentences that bear enough on the question, and not much less than the best of them."""
    best = max((one.bearing for one in weighed), default=0.0)
    least = max(enough, _OF_BEST * best)
    top = max((one.score for one in weighed if one.bearing >= least), default=0.0)
    return [one for one in weighed if one.bearing >= least and one.score >= _OF_BEST * top]


def _overlap(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / (len(left | right) or 1)


def _pick(pool: Sequence[Chosen], topic: Topic, limit: int, per_document: int) -> list[Chosen]:
    """Pick one by one the sentence that adds most: a word of the question counts less each time it was met already
    (diminishing returns, Lin and Bilmes 2011), and so does a sentence that resembles a chosen one.

    At most ``per_document`` come from one document; one that says a chosen sentence again is dropped, and one that
    leans on the sentence before it is taken only after that.
    """
    nearest = dict.fromkeys(range(len(pool)), 0.0)
    chosen: list[Chosen] = []
    taken: Counter[str] = Counter()
    used: Counter[str] = Counter()
    while len(chosen) < limit:
        refs = {one.sentence.ref for one in chosen}
        ready = [place for place in nearest if pool[place].leans != "sentence" or pool[place].sentence.after in refs]
        if not ready:
            break
        index = max(ready, key=lambda i: (_gain(pool[i], topic, used, nearest[i]), -i))
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
    return _RELEVANCE * (one.bonus * one.score - 0.5 * worn) - (1 - _RELEVANCE) * nearest
