"""Does a source *say* the words that stand in it? "It is false that …", "critics claimed that …", "… unless …" do not.

A stretch of text that is only part of its sentence stands there as what the rest of the sentence makes of it. The rest
is searched for words that deny, report, hope or set a condition. A word too many costs a reader's look; one too few
would let a source be made to say what it denies.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from carrel.citations.lexicon import is_negator, words_of
from carrel.citations.tokens import Token, tokens

__all__ = ["Standing", "standing", "turning_word"]

_PARTING = ",;:()[]—–"
_AROUND = 1_200  # characters on each side in which the sentence is looked for

_REPORTS = words_of(
    """
    claim claims claimed claiming allege alleges alleged allegedly say says said saying assert asserts asserted
    argue argues argued insist insists insisted maintained contend contends contended believe believes believed
    hopes hoped hoping think thinks thought suspect suspects suspected suggest suggests suggested speculate
    speculated assume assumes assumed assuming suppose supposed supposedly pretend pretends pretended predict
    predicts predicted expect expects expected feared wishes wished imagine imagines imagined dreamt dreamed rumour
    rumours rumoured rumor rumors rumored reportedly apparently purportedly purported presumably perhaps possibly
    maybe probably likely unlikely doubts doubted doubtful disputes disputed questioned ask asks asked wonder
    wondered wrote writes tells told warn warns warned promises promised announce announced plans planned intend
    intends intended want wants wanted demands demanded recommend recommended propose proposes proposed hypothesise
    hypothesised hypothesize hypothesized legend dream dreams nightmare myth misconception hoax
    impossible improbable conceivable possible
    according
    """
)
_HELD = words_of(
    """
    argument belief hope question theory idea notion opinion impression fear fears dispute doubt suspicion speculation
    assertion allegation hypothesis plan demand promise wish dream claim report reports
    """
)
"""Nouns that hold what follows "that" at a distance; before anything else they are words like others."""
_CONDITIONS = words_of("if unless until till whether provided providing lest except assuming otherwise supposing")
_MODALS = words_of("would may might could should must")
_DENIALS = words_of(
    """
    false untrue wrong incorrect mistaken deny denies denied denying denial refute refutes refuted debunk debunked
    disprove disproved disproven reject rejects rejected dismiss dismissed retract retracted contradict contradicted
    myth misconception hoax fiction lie
    """
)
_STRETCHED = words_of(
    """
    almost nearly hardly barely scarcely few little rarely seldom some most several many half certain part sometimes
    often occasionally usually mainly mostly partly
    """
)
"""Words right before a stretch that narrow what it says."""
_FLAT_DENIALS = words_of("false untrue incorrect myth misconception hoax")
_WITHOUT = words_of("lack lacks lacked lacking absent absence barely")
_COPULAS = ("is", "was", "are", "were", "be", "been", "remains", "remained", "proved")
_SUBJECTS = words_of("the a this that claim claims idea belief story rumour rumor notion report allegation assertion")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a sentence holds a part of it. ``whole``: the part is all of it. ``word``: what changes its standing."""

    kind: Literal["said", "denied", "open"]
    whole: bool
    word: str = ""


def standing(text: str, start: int, end: int) -> Standing:
    """How ``text[start:end]`` stands in its sentence, or in its sentences when there are several."""
    before, inside, after = _sentence(text, start, end)
    if not before and not after:
        return Standing("said", True)
    if denied := _denied_flatly(before, inside, after):
        return Standing("denied", False, denied)
    parted = bool(before) and any(char in _PARTING for char in text[before[-1].end : start])
    word = _governs_before(before, parted) or _governs_after(after)
    return Standing("open" if word else "said", False, word)


def _sentence(text: str, start: int, end: int) -> tuple[list[Token], list[Token], list[Token]]:
    """The words of the sentence before, in and after a span of it."""
    from carrel.documents import sentences

    left, right = max(0, start - _AROUND), min(len(text), end + _AROUND)
    around = text[left:right]
    spans = [(left + s, left + e) for s, e in sentences(around) if left + e > start and left + s < end]
    first, last = (spans[0][0], spans[-1][1]) if spans else (start, end)
    before = tokens(text[first:start], first) if first < start else []
    return before, tokens(text[start:end], start), _parted(text, end, last)


def _parted(text: str, end: int, last: int) -> list[Token]:
    """The words after a span; the first knows whether a comma or dash parts it from the span."""
    found = tokens(text[end:last], end) if end < last else []
    if found and any(char in _PARTING for char in text[end : found[0].start]):
        one = found[0]
        found[0] = Token(one.raw, one.word, one.start, one.end, one.opening, True)
    return found


def _denied_flatly(before: Sequence[Token], inside: Sequence[Token], after: Sequence[Token]) -> str:
    """ "It is false that …" and "The claim that … is false", with nobody else who says so."""
    words = [token.word for token in before]
    if words[:1] in (["it's"], ["its"]):
        words[:1] = ["it", "is"]
    if words[:1] == ["it"] and words[-1:] == ["that"] and _says_false(words[1:-1]):
        return " ".join(token.raw for token in before)
    lead = words or [token.word for token in inside[:1]]
    if lead[-1:] == ["that"] and set(lead) <= _SUBJECTS and _says_false([token.word for token in after]):
        return " ".join(token.raw for token in after)
    return ""


def _says_false(words: Sequence[str]) -> bool:
    """Whether words are "is false", "is a myth", "was not true" and no more."""
    if not words or words[0] not in _COPULAS or len(words) > 4:
        return False
    rest = [word for word in words[1:] if word not in ("a", "an", "simply", "quite", "just", "entirely")]
    return (len(rest) == 1 and rest[0] in _FLAT_DENIALS) or rest == ["not", "true"]


def _governs_before(before: Sequence[Token], parted: bool) -> str:
    """The word before a span, in its sentence, that changes how it stands. ``parted``: a comma parts the two."""
    if parted and before[0].word in ("had", "were"):  # "Had it been funded, …"
        return before[0].raw
    for place in range(len(before) - 1, -1, -1):
        token = before[place]
        if _governs(before, place) or (place == len(before) - 1 and token.word in _STRETCHED):
            return token.raw
        if _negates(before, place) and not parted and not any(other.parted for other in before[place + 1 :]):
            return token.raw
        following = before[place + 1].word if place + 1 < len(before) else ""
        if token.word in ("but", "yet", "however") and token.parted and following != "that":
            return ""
    return ""


def _governs(run: Sequence[Token], place: int) -> bool:
    """Whether a word reports, denies, hopes or sets a condition."""
    token, following = run[place], run[place + 1].word if place + 1 < len(run) else ""
    if token.raw == "May" and not token.opening:
        return False
    if token.word in _HELD and following == "that":
        return True
    return token.word in _REPORTS or token.word in _CONDITIONS or token.word in _MODALS or token.word in _DENIALS


def turning_word(run: Sequence[Token], ours: Collection[str]) -> str:
    """A word of ``run`` that is not among ``ours`` and may change what the rest says, or nothing."""
    return next((t.raw for i, t in enumerate(run) if t.word not in ours and (_governs(run, i) or _negates(run, i))), "")


def _negates(run: Sequence[Token], place: int) -> bool:
    """A negation of a statement; "not only" is none, and what is lacking or absent is only a thing."""
    following = run[place + 1].word if place + 1 < len(run) else ""
    word = run[place].word
    return is_negator(word) and following not in ("only", "just", "merely", "simply") and word not in _WITHOUT


def _governs_after(after: Sequence[Token]) -> str:
    """The word after a span that changes how it stands: a condition, a denial, or who said it."""
    same_clause = True
    for place, token in enumerate(after):
        if token.word in _CONDITIONS and (same_clause or token.word not in ("until", "till")):
            return token.raw
        same_clause = same_clause and not (token.parted or token.word in ("and", "but", "who", "which", "that"))
        if same_clause and (_negates(after, place) or token.word in _DENIALS | {"only"}):
            return token.raw
        adds = after[0].word in ("and", "but", "which", "who", "whose", "where", "when", "while", "so")
        if place < 6 and after[0].parted and not adds and token.word in _REPORTS:
            return token.raw
    return ""
