"""Does one side deny what the other says plainly?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from carrel.citations.checks.findings import Check, View
from carrel.citations.lexicon import STOPWORDS, is_negator, stem, words_of
from carrel.citations.tokens import Token

__all__ = ["check_negations"]

_BUT = ("but", "except", "save", "other")
_HOLDS = words_of("say says said mean means claim claimed think believe know knew show prove")
"""Who does not say that something is so does not say that it is not."""
_SCOPE = 6  # words after a negation that it can reach


def check_negations(words: Sequence[Token], view: View) -> Iterator[Check]:
    """A negation on one side whose words stand on the other side without one."""
    for index, token in enumerate(words):
        if _negates(words, index):
            scope = _scope(words, index, past_commas=True)
            places = [_polarity(scope, run) for run in view.runs]
            if any(place == "negated" for place, _ in places) or not scope:
                continue
            plain = next((span for place, span in places if place == "plain"), None)
            if plain is not None:
                detail = f"“{token.raw}” here, no such negation in the source"
                yield Check("negation", "mismatch", (token.start, token.end), plain, detail)
    yield from _source_negations(words, view)


def _negates(run: Sequence[Token], index: int) -> bool:
    """A negator that denies something: "not only", "no doubt" and "nobody but" do not.

    Who denies *that* something is so only says what he holds: `carrel.citations.standing` looks at that.
    """
    following = run[index + 1].word if index + 1 < len(run) else ""
    if following in _BUT or (following == "one" and index + 2 < len(run) and run[index + 2].word in _BUT):
        return False
    if following == "that" and run[index].word in ("deny", "denies", "denied"):
        return False
    return is_negator(run[index].word) and following not in (
        "only",
        "just",
        "merely",
        "simply",
        "doubt",
        "matter",
        "later",
        "longer",
    )


def _source_negations(words: Sequence[Token], view: View) -> Iterator[Check]:
    ours = {stem(token.word) for token in words}
    for run in view.runs[:1]:
        for index, token in enumerate(run):
            if not _negates(run, index) or _common(token, run, ours) < 0.5:
                continue
            scope = _scope(run, index)
            shared = scope[:3] and all(word in ours for word in scope[:2])
            place, span = _polarity(scope[:2], words) if shared else ("absent", (0, 0))
            affirmed = any(_polarity(scope[:2], other)[0] == "plain" for other in _sentences_without(view, token))
            if place == "plain" and not affirmed:
                yield Check(
                    "negation", "mismatch", span, (token.start, token.end), f"the source says “{token.raw}” there"
                )


def _sentences_without(view: View, token: Token) -> Iterator[list[Token]]:
    """Runs of the evidence cut at sentence starts, without the one that holds ``token``."""
    for run in view.runs:
        piece: list[Token] = []
        for word in run:
            if word.opening and piece:
                if token not in piece:
                    yield piece
                piece = []
            piece.append(word)
        if piece and token not in piece:
            yield piece


def _common(token: Token, run: Sequence[Token], ours: set[str]) -> float:
    """The share of content words around ``token`` in its sentence that the claim has."""
    index = run.index(token)
    around = [t.word for t in run[max(0, index - 8) : index + 9] if t.word not in STOPWORDS and not is_negator(t.word)]
    return sum(stem(word) in ours for word in around) / max(1, len(around))


def _scope(run: Sequence[Token], index: int, *, past_commas: bool = False) -> list[str]:
    """Stems of the content words that a negation reaches, nearest first, to the end of its clause at most.

    ``past_commas``: to the next "but" or the end of the sentence.
    """
    reach: list[str] = []
    for token in run[index + 1 : index + 1 + 2 * _SCOPE]:
        if token.opening or token.word in _HOLDS:
            break
        if reach and ((token.parted and not past_commas) or token.word == "but"):
            break
        if token.word not in STOPWORDS:
            reach.append(stem(token.word))
    return reach[:4]


def _polarity(scope: Sequence[str], run: Sequence[Token]) -> tuple[str, tuple[int, int]]:
    """How ``run`` says the first word of ``scope`` that it has: "negated", "plain" or "absent", and where."""
    seen: tuple[str, tuple[int, int]] = ("absent", (0, 0))
    for word in scope:
        for index, token in enumerate(run):
            if stem(token.word) == word or _negative_twin(token.word, word):
                before = run[max(0, index - _SCOPE) : index]
                negated = _negative_twin(token.word, word) or any(
                    is_negator(t.word) for t in _same_sentence(before, token)
                )
                if negated:
                    return "negated", (token.start, token.end)
                seen = ("plain", (token.start, token.end))
        if seen[0] != "absent":
            return seen
    return seen


def _same_sentence(before: Sequence[Token], token: Token) -> list[Token]:
    if token.opening:
        return []
    kept: list[Token] = []
    for other in reversed(before):
        if other.word == "but":  # "not big but tall": what comes after is affirmed
            break
        kept.append(other)
        if other.opening:
            break
    return kept


def _negative_twin(word: str, plain: str) -> bool:
    """ "ineffective" for "effective"."""
    stemmed = stem(word)
    return stemmed != plain and any(
        stemmed == prefix + plain for prefix in ("un", "in", "im", "il", "ir", "non", "dis")
    )
