"""Text that needs no data: documents with topics, titles and headings, words by Zipf's law; the same on every machine.

A few thousand topics in a hundred fields, each a skewed distribution over its own words; a document is 1 to 20
passages of 80 to 115 words on one or two topics, with a few words it keeps coming back to. Document ``n`` depends on
the seed and on ``n`` alone, so a small collection is the beginning of a large one, and nothing is kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carrel.records import Document, Section, document_id

__all__ = ["Corpus", "Made", "Shape"]

Ids = NDArray[np.int64]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_STOP = _listed(
    """the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which
    one you were all her she there would their we him been has when who will no more if out so up said what its about
    than into them can only other time new some could these two may first then do any like my now over such our"""
)
# Word pieces that a tokenizer of English knows, so that a made word costs as many tokens as a rare English one.
_HEADS = _listed(
    """inter trans micro macro super under over poly mono hydro electro photo thermo cardio neuro geo bio eco psycho
    chrono meta para pro con per sub auto tele multi semi anti counter fore mid out re un"""
)
_ROOTS = _listed(
    """form port script duct struct tract gram graph scope spect vert mit cept fer press plic pend pos sist son tend
    ven vid voc claim curr dict fact flect fract gress ject junct lect leg loc log man mand min mob mot norm nov oper
    ord part path ped phon plant plex quest rupt sanct sci sec sens serv sign sol spir stat strat sum surg tact tain
    temp term test text therm tor turb val var vers vest vis vit vol field stone water wood light wind house ridge"""
)
_TAILS = _listed("ation or ive al ity ment ance ist ic ure ward ling ary ium oid ane ster form yard ford")

_COMMON = 3000  # words of no topic, stop words first
_TOPIC_WORDS = 256  # words of one topic; neighbouring topics share some
_COMMON_SHARE = 0.5  # of a passage's words
_FOCUS = 12  # words a document keeps coming back to
_BLOCK = 256  # documents drawn at once


@dataclass(frozen=True, slots=True)
class Shape:
    """What a corpus is made from. ``fields`` group the ``topics``; ``words`` is the size of the vocabulary."""

    topics: int = 3000
    fields: int = 100
    words: int = 32_000
    seed: int = 20


@dataclass(frozen=True, slots=True)
class Made:
    """A document and the topic of each of its passages, which are what `carrel.documents.split` cuts it into."""

    document: Document
    topics: tuple[int, ...]


@dataclass(frozen=True)
class Corpus:
    """Documents and queries, drawn on demand."""

    shape: Shape = field(default_factory=Shape)

    def documents(self, passages: int, *, version: int = 0, first: int = 0) -> Iterator[Made]:
        """Documents ``first``, ``first + 1`` … until they have ``passages`` passages; the last is cut to fit.

        Another ``version`` gives other texts under the same sources.
        """
        number, left = first, passages
        while left > 0:
            for made in self._block(number // _BLOCK, version)[number % _BLOCK :]:
                cut = min(left, len(made.topics))
                yield made if cut == len(made.topics) else _shortened(made, cut)
                number, left = number + 1, left - cut
                if left <= 0:
                    break

    def queries(self, count: int) -> list[tuple[str, int]]:
        """``count`` distinct queries of 4 to 10 words from passages that are in no collection, each with its topic."""
        rng = self._rng(3)
        found: dict[str, int] = {}
        while len(found) < count:
            topic = int(self._some_topics(rng, 1)[0])
            focus = self._focus(rng, np.array([topic]))[0]
            words = self._words_of(rng, np.full(200, topic), np.tile(focus, (200, 1)), common=0.15)
            words = words[words >= len(_STOP)]
            chosen = list(dict.fromkeys(words.tolist()))[: int(rng.integers(4, 11))]
            found.setdefault(" ".join(self.vocabulary[word] for word in chosen), topic)
        return list(found.items())

    # what the words mean, for an encoder -----------------------------------------------------------------------------

    @cached_property
    def vocabulary(self) -> list[str]:
        """Every word; the first are stop words, then common words, then the words of topics."""
        made = {head + root + tail for root, tail, head in product(_ROOTS, ("", *_TAILS), ("", *_HEADS))}
        shortest = sorted(made.difference(_STOP), key=lambda word: (len(word), word))[: self.shape.words - len(_STOP)]
        rng, short = self._rng(0), _COMMON - len(_STOP)  # frequent words are short
        order = [*rng.permutation(short), *(short + rng.permutation(len(shortest) - short))]
        return [*_STOP, *(shortest[i] for i in order)]

    @cached_property
    def topic_words(self) -> Ids:
        """The words of each topic, most frequent first: ``(topics, 256)``. Half come from its field, half anywhere."""
        rng = self._rng(1)
        shape, half = self.shape, _TOPIC_WORDS // 2
        fields = rng.integers(_COMMON, shape.words, (shape.fields, 4 * half))
        own = rng.integers(_COMMON, shape.words, (shape.topics, half))
        shared = np.stack([rng.choice(fields[self.field_of(topic)], half, False) for topic in range(shape.topics)])
        mixed: Ids = rng.permuted(np.concatenate([own, shared], axis=1), axis=1)
        return mixed

    @cached_property
    def rarity(self) -> NDArray[np.float64]:
        """How much each word says, 0 to 1: the logarithm of how seldom it is drawn, scaled."""
        share = np.full(self.shape.words, 1e-12)
        share[:_COMMON] += _COMMON_SHARE * np.diff(_COMMON_CDF, prepend=0.0)
        topical = np.diff(self._topic_weights, prepend=0.0)[:, None] * np.diff(_TOPIC_CDF, prepend=0.0)
        np.add.at(share, self.topic_words, (1 - _COMMON_SHARE) * topical)
        seldom = -np.log(np.maximum(share, 1e-7))
        scaled: NDArray[np.float64] = np.clip((seldom - 3.0) / (seldom.max() - 3.0), 0.02, 1.0)
        return scaled

    def field_of(self, topic: int) -> int:
        """The field a topic belongs to."""
        return topic % self.shape.fields

    # drawing ---------------------------------------------------------------------------------------------------------

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.shape.seed, *key])

    @cached_property
    def _topic_weights(self) -> NDArray[np.float64]:
        return _cumulative(self.shape.topics, 0.7)

    def _some_topics(self, rng: np.random.Generator, count: int) -> Ids:
        drawn: Ids = np.searchsorted(self._topic_weights, rng.random(count))
        return drawn

    def _focus(self, rng: np.random.Generator, topics: Ids) -> Ids:
        places = rng.integers(0, _TOPIC_WORDS, (len(topics), _FOCUS))
        focus: Ids = self.topic_words[topics[:, None], places]
        return focus

    def _words_of(self, rng: np.random.Generator, topics: Ids, focus: Ids, common: float = _COMMON_SHARE) -> Ids:
        """One word for each place: of its topic, of its document's focus, or (``common``) of no topic."""
        size = len(topics)
        kind = rng.random(size)
        words = self.topic_words[topics, np.searchsorted(_TOPIC_CDF, rng.random(size))]
        again = kind < common + 0.15
        words[again] = focus[again, rng.integers(0, _FOCUS, size)[again]]
        plain = kind < common
        words[plain] = np.searchsorted(_COMMON_CDF, rng.random(size))[plain]
        return words

    def _block(self, block: int, version: int) -> list[Made]:
        rng = self._rng(2, block, version)
        lengths = np.minimum(rng.geometric(0.16, _BLOCK), 20)
        main, aside = self._some_topics(rng, _BLOCK), self._some_topics(rng, _BLOCK)
        owner = np.repeat(np.arange(_BLOCK), lengths)
        topics = np.where(rng.random(len(owner)) < 0.75, main[owner], aside[owner])
        sizes = rng.integers(80, 115, len(owner))
        place = np.repeat(np.arange(len(owner)), sizes + 8)  # eight more for the heading and the title
        words = self._words_of(rng, topics[place], self._focus(rng, main)[owner[place]])
        pieces = np.split(words, np.cumsum(sizes + 8)[:-1])
        dates = rng.integers(1990, 2026, _BLOCK)
        ends = np.cumsum(lengths)
        return [
            self._made(
                f"bench:{block * _BLOCK + number:08}",
                pieces[end - length : end],
                tuple(topics[end - length : end].tolist()),
                f"{dates[number]}-01-01",
            )
            for number, (length, end) in enumerate(zip(lengths.tolist(), ends.tolist(), strict=True))
        ]

    def _made(self, source: str, pieces: list[Any], topics: tuple[int, ...], date: str) -> Made:
        spoken = [[self.vocabulary[word] for word in piece.tolist()] for piece in pieces]
        title = " ".join(spoken[0][:4]).capitalize()
        parts, sections, offset = [f"# {title}\n\n"], [Section(title, 1, 0, len(title) + 4, (title,))], len(title) + 4
        for words in spoken:
            heading = " ".join(words[4:8]).capitalize()
            part = f"## {heading}\n\n{_sentences(words[8:])}\n\n"
            sections.append(Section(heading, 2, offset, offset + len(part), (title, heading)))
            parts.append(part)
            offset += len(part)
        text = "".join(parts)
        document = Document(
            document_id(source, text), source, "text", "text/markdown", title, text, tuple(sections), date=date
        )
        return Made(document, topics)


def _cumulative(size: int, exponent: float) -> NDArray[np.float64]:
    """Zipf's law over ranks 1 … size, as a cumulative distribution."""
    weights = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    total: NDArray[np.float64] = np.cumsum(weights / weights.sum())
    total[-1] = 1.0
    return total


_COMMON_CDF = _cumulative(_COMMON, 1.0)
_TOPIC_CDF = _cumulative(_TOPIC_WORDS, 0.8)


def _sentences(words: list[str]) -> str:
    starts = range(0, len(words), 16)
    return " ".join(" ".join(words[start : start + 16]).capitalize() + "." for start in starts)


def _shortened(made: Made, passages: int) -> Made:
    """The document without its sections after the first ``passages`` passages."""
    whole = made.document
    sections = whole.sections[: passages + 1]
    text = whole.text[: sections[-1].end]
    document = Document(
        document_id(whole.source, text),
        whole.source,
        whole.source_kind,
        whole.media_type,
        whole.title,
        text,
        sections,
        date=whole.date,
    )
    return Made(document, made.topics[:passages])
