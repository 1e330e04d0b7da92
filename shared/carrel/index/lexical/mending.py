"""Words of a query that nothing in the index holds: what else might have been meant.

A word is compared with the index's terms as whole words, before stems are cut: one edit away (a letter left out, put in
or replaced, or two neighbours changed over), two edits for long words that begin alike, or else the terms that begin
with it. Which one was meant follows the noisy channel (Kernighan, Church and Gale 1990): how likely the slip, times how
often the term occurs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from carrel.index.lexical.analysis import filters, parted, parts

__all__ = ["Mending", "mend"]

_SHORTEST = 4  # letters; shorter words are near too many others
_LONG = 8  # letters from which two edits are tried
_ALIKE = 4  # letters that such words share at the beginning
_MOST_ALIKE = 500  # of the most frequent terms that begin so
_MOST_MENDED = 4  # words of one query
_MOST_WORDS = 64  # distinct words of a query that is looked at
_LONGEST = 32  # letters
_ALTERNATIVES = 3  # terms for one word
_WEIGHT = 0.9  # of the likeliest, against a word that is as it was asked
_SURE = 2.0  # times likelier than the next: then it also stands for the word in what is encoded
_FAINT = 0.1  # share of the likeliest term's chance below which another is left out
_ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмнопрстуфхцчшщъыьэюяёєіїґ", "αβγδεζηθικλμνξοπρστυφχψως")
_STRIPPED = 0.7  # for each letter more that stemming takes from what was meant: that may be no word at all
_SWAPPED, _MISSING, _OTHER, _EXTRA = 4.0, 4.0, 1.0, 1.0  # how much likelier one such slip is than another


@dataclass(frozen=True, slots=True)
class Mending:
    """A query as it was ``asked`` and as it may have been meant: ``said`` in words, where there is little doubt;
    ``terms`` of the index with their weights; and ``meant``, for each word that nothing has, what it may have been."""

    asked: str
    said: str
    terms: tuple[tuple[str, float], ...] = ()
    meant: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Guess:
    """A term that may have been meant: the likeliest word for it, and its chance beside others."""

    word: str
    chance: float


def mend(
    text: str,
    analyser: str,
    frequency: Callable[[str], int],
    beginning: Callable[[str, int], Sequence[tuple[str, int]]],
) -> Mending:
    """See the module. ``frequency`` counts the passages with a term, ``beginning`` those with the most frequent terms
    of a prefix, as many as asked for."""
    words = dict.fromkeys(parted(text, analyser).split()) if len(text) <= _MOST_WORDS * _LONGEST else {}
    if len(words) > _MOST_WORDS:
        return Mending(text, text)
    said, terms, meant = text, list[tuple[str, float]](), list[tuple[str, tuple[str, ...]]]()
    for word in [word for word in words if _unknown(word, analyser, frequency)][:_MOST_MENDED]:
        if guesses := _guesses(word.lower(), analyser, frequency, beginning):
            best = guesses[0][1]
            terms += [(term, _WEIGHT * guess.chance / best.chance) for term, guess in guesses]
            if all(best.chance >= _SURE * guess.chance for _, guess in guesses[1:]):
                said = re.sub(rf"(?<![^\W_]){word}(?![^\W_])", best.word, said)
            meant.append((word, tuple(guess.word for _, guess in guesses)))
    return Mending(text, said, tuple(terms), tuple(meant))


def _unknown(word: str, analyser: str, frequency: Callable[[str], int]) -> bool:
    """Whether a word is of letters only, is indexed in some form, and occurs in none."""
    if not _SHORTEST <= len(word) <= _LONGEST or not word.isalpha():
        return False
    through = filters(analyser)
    found = [*through.analyze(word), *through.analyze(" ".join(parts(word, analyser)))]
    return bool(found) and not any(frequency(term) for term in found)


def _guesses(
    word: str,
    analyser: str,
    frequency: Callable[[str], int],
    beginning: Callable[[str, int], Sequence[tuple[str, int]]],
) -> list[tuple[str, _Guess]]:
    """The likeliest terms, best first."""
    slips = list(_slips(word))
    terms = _analysed([meant for meant, _ in slips], analyser)
    if any(not term and chance >= _MISSING for (_, chance), term in zip(slips, terms, strict=True)):
        return []  # most likely a stop word
    own = len(word) - len(_analysed([word], analyser)[0])
    likeliest: dict[str, tuple[int, float, str]] = {}
    for (meant, chance), term in zip(slips, terms, strict=True):
        if term and frequency(term):
            ranked = max(0, len(meant) - len(term) - own), -chance, meant
            likeliest[term] = min(ranked, likeliest.get(term, ranked))
    found = {
        term: _Guess(meant, -less * frequency(term) ** 0.5 * _STRIPPED**stripped)
        for term, (stripped, less, meant) in likeliest.items()
    }
    if not found and len(word) >= _LONG:
        alike = beginning(word[:_ALIKE], _MOST_ALIKE)
        near = [(term, held) for term, held in alike if len(set(word) ^ set(term)) <= 4 and _within_two(word, term)]
        found = {term: _Guess(term, float(held)) for term, held in near}
    if not found:
        found = {term: _Guess(term, float(held)) for term, held in beginning(word, _ALTERNATIVES)}
    best = sorted(found.items(), key=lambda pair: (-pair[1].chance, pair[0]))[:_ALTERNATIVES]
    return [pair for pair in best if pair[1].chance >= _FAINT * best[0][1].chance]


def _slips(word: str) -> Iterator[tuple[str, float]]:
    """Every word that one slip makes into ``word``, and how likely that slip is."""
    letters = next((each for each in _ALPHABETS if any(char in each for char in word)), "".join(sorted(set(word))))
    for place in range(len(word) + 1):
        head, tail = word[:place], word[place:]
        for letter in letters:
            yield f"{head}{letter}{tail}", _MISSING
            if tail and letter != tail[0]:
                yield f"{head}{letter}{tail[1:]}", _OTHER
        if tail:
            yield f"{head}{tail[1:]}", _EXTRA
        if len(tail) > 1 and tail[0] != tail[1]:
            yield f"{head}{tail[1]}{tail[0]}{tail[2:]}", _SWAPPED


def _analysed(words: Sequence[str], analyser: str) -> list[str]:
    """The term of each word, empty for stop words; all at once unless there are some."""
    through = filters(analyser)
    found = through.analyze(" ".join(words))
    if len(found) == len(words):
        return list(found)
    return [next(iter(through.analyze(word)), "") for word in words]


def _within_two(word: str, term: str) -> bool:
    """Whether two edits, a change of neighbours counting as one, make one of the other (Damerau 1964)."""
    if abs(len(word) - len(term)) > 2:
        return False
    before, row = list[int](), list(range(len(term) + 1))
    for place, letter in enumerate(word, start=1):
        last, before, row = before, row, [place]
        for other, wanted in enumerate(term, start=1):
            cost = min(before[other] + 1, row[-1] + 1, before[other - 1] + (letter != wanted))
            if last and other > 1 and letter == term[other - 2] and word[place - 2] == wanted:
                cost = min(cost, last[other - 2] + 1)
            row.append(cost)
        if min(row) > 2:
            return False
    return row[-1] <= 2
