"""What in a claim can be checked against its evidence without understanding it: each check is a flag, never a verdict.

numbers and dates · names · negation · opposites · quantifiers · hedges
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from carrel.citations.lexicon import HEDGES, QUANTIFIERS, STOPWORDS, is_negator, opposite, opposites_of, stem, words_of
from carrel.citations.normalise import MARKERS
from carrel.citations.quantities import Quantity, agree, find_quantities, same_dimension
from carrel.citations.tokens import Token, tokens

__all__ = ["Check", "CheckKind", "CheckStatus", "Evidence", "check_claim"]

CheckKind = Literal["number", "name", "negation", "opposite", "quantifier", "hedge"]
CheckStatus = Literal["ok", "mismatch", "missing"]
_SCOPE = 6  # words after a negation that it can reach
_SMALL = 12  # a count in words up to here is often the writer's own
_MOST_READ = 400_000  # characters of a source in which names are looked for, beside its spans
_NEAR = 120  # characters around a number in which a word of the claim makes it the same statement


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``claim_span`` is in the claim; ``source_span`` in the source text, (0, 0) where it has nothing.

    ``mismatch``: the source says otherwise at that place. ``missing``: the source does not say it.
    """

    kind: CheckKind
    status: CheckStatus
    claim_span: tuple[int, int]
    source_span: tuple[int, int]
    detail: str

    @property
    def failing(self) -> bool:
        return self.status != "ok" and self.kind != "hedge"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a claim is checked against: ``text`` of the source and the spans in it that bear on the claim, best first.

    ``context``: title, authors, address of the source, which may hold a name but no statement.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    context: str = ""


def check_claim(claim: str, evidence: Evidence) -> tuple[Check, ...]:
    """All checks of ``claim`` that apply, in order of the claim. Empty when nothing in it can be checked."""
    claim = MARKERS.sub(lambda match: " " * len(match.group()), claim)
    words = tokens(claim)
    view = _View(evidence)
    found = [
        *_numbers(claim, words, view),
        *_names(words, view),
        *_negations(words, view),
        *_opposites(words, view),
        *_quantifiers(words, view),
        *_hedges(words, view),
    ]
    return tuple(sorted(found, key=lambda check: (check.claim_span, check.kind)))


class _View:
    """The evidence, read once: the words of its spans, of its whole text, and its quantities."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.runs = [tokens(evidence.text[start:end], start) for start, end in evidence.spans]
        self.words = [token for run in self.runs for token in run]
        self.stems = {stem(token.word) for token in self.words}
        beyond = [evidence.text[start:end] for start, end in evidence.spans if end > _MOST_READ]
        self.read = "\n".join((evidence.text[:_MOST_READ], *beyond))

    def quantities(self) -> list[Quantity]:
        """Quantities inside the spans, with offsets in the text."""
        return [
            Quantity(q.raw, q.value, q.step, q.role, q.unit, q.start + start, q.end + start)
            for start, end in self.evidence.spans
            for q in find_quantities(self.evidence.text[start:end])
        ]


# -- numbers ----------------------------------------------------------------------------------------------------------


def _numbers(claim: str, words: Sequence[Token], view: _View) -> Iterator[Check]:
    near = view.quantities()
    for quantity in find_quantities(claim):
        if quantity.role == "ordinal" and not quantity.raw[0].isdigit():
            continue
        span = (quantity.start, quantity.end)
        same = _closest_like(quantity, claim, [q for q in near if agree(quantity, q)], view) or _elsewhere(
            quantity, words, view
        )
        rival = _rival(quantity, claim, [q for q in near if not agree(quantity, q) and not _claimed(q, claim)], view)
        if same is not None and not _outdone(quantity, claim, same, rival, view):
            yield Check("number", "ok", span, (same.start, same.end), f"{quantity.raw} is in the source")
            continue
        if same is None and _bare(quantity) and (at := _digits(quantity.raw, view)):
            yield Check("number", "ok", span, at, f"{quantity.raw} is in the source")
            continue
        if _uncounted(quantity, claim, rival, view):
            continue
        if rival is not None:
            yield Check(
                "number", "mismatch", span, (rival.start, rival.end), f"{quantity.raw} here, {rival.raw} in the source"
            )
        else:
            yield Check("number", "missing", span, (0, 0), f"the source does not give {quantity.raw}")


_VAGUE = re.compile(r"half|hal\w+|doubl\w+|tripl\w+|twice|thrice|quarter|\w+s", re.I)


def _elsewhere(quantity: Quantity, words: Sequence[Token], view: _View) -> Quantity | None:
    """The quantity in another part of the source, when words of the claim stand beside it."""
    wanted = {stem(token.word) for token in words if token.word not in STOPWORDS and not token.word[0].isdigit()}
    text = view.evidence.text
    for other in all_quantities(text):
        if agree(quantity, other):
            beside = {stem(t.word) for t in tokens(text[max(0, other.start - _NEAR) : other.end + _NEAR])}
            if len(wanted & beside) >= min(2, len(wanted)):
                return other
    return None


@lru_cache(maxsize=64)
def all_quantities(text: str) -> tuple[Quantity, ...]:
    """The quantities of a whole source (its first 400,000 characters)."""
    return tuple(find_quantities(text[:400_000]))


def _bare(quantity: Quantity) -> bool:
    return quantity.raw.isdigit() and quantity.role in ("amount", "year", "ordinal") and not quantity.unit


def _digits(raw: str, view: _View) -> tuple[int, int] | None:
    """A bare number inside a name ("COVID-19", "Boeing 747") as it stands in the spans or the source's title."""
    pattern = re.compile(rf"(?<!\d)(?<!\d[.,]){re.escape(raw)}(?!\d|[.,]\d)")
    for start, end in view.evidence.spans:
        if match := pattern.search(view.evidence.text, start, end):
            return match.span()
    return (0, 0) if pattern.search(view.evidence.context) else None


def _claimed(quantity: Quantity, claim: str) -> bool:
    """Whether the claim gives this quantity of the source too, so that it is no rival of another."""
    return any(agree(own, quantity) for own in find_quantities(claim))


def _closest_like(quantity: Quantity, claim: str, found: Sequence[Quantity], view: _View) -> Quantity | None:
    beside = _beside(claim, quantity)
    return max(found, key=lambda q: (len(beside & _beside(view.evidence.text, q)), -q.start), default=None)


def _outdone(quantity: Quantity, claim: str, same: Quantity, rival: Quantity | None, view: _View) -> bool:
    """The number stands elsewhere in the source, but where the source says what the claim says it has another."""
    if rival is None:
        return False
    beside, text = _beside(claim, quantity), view.evidence.text
    theirs, ours = len(beside & _beside(text, rival)), len(beside & _beside(text, same))
    return theirs >= 2 and ours == 0


def _rival(quantity: Quantity, claim: str, near: Sequence[Quantity], view: _View) -> Quantity | None:
    """A number of the same kind that stands in the evidence where this one stands in the claim."""
    beside = _beside(claim, quantity)
    rivals = [q for q in near if same_dimension(quantity, q) and q.role != "ordinal" and not _VAGUE.fullmatch(q.raw)]
    scored = [(len(beside & _beside(view.evidence.text, q)), -q.start, q) for q in rivals]
    best = max(scored, key=lambda item: item[:2], default=None)
    return best[2] if best is not None and best[0] >= 1 else None


def _uncounted(quantity: Quantity, claim: str, rival: Quantity | None, view: _View) -> bool:
    """A small number in words that the source need not give ("for two reasons"), unless it counts the same thing."""
    if any(char.isdigit() for char in quantity.raw) or quantity.value > _SMALL:
        return False
    return rival is None or _next_noun(claim, quantity) != _next_noun(view.evidence.text, rival)


def _next_noun(text: str, quantity: Quantity) -> str:
    words = (t.word for t in tokens(text[quantity.end : quantity.end + 40]))
    return next((stem(word) for word in words if word not in STOPWORDS), "")


def _beside(text: str, quantity: Quantity) -> set[str]:
    around = text[max(0, quantity.start - 50) : quantity.start] + " " + text[quantity.end : quantity.end + 50]
    return {stem(t.word) for t in tokens(around) if t.word not in STOPWORDS and t.word.isalpha()}


# -- names ------------------------------------------------------------------------------------------------------------


def _names(words: Sequence[Token], view: _View) -> Iterator[Check]:
    """Capitalised words and acronyms that the source, its title and its address do not have in any form."""
    text, context = view.read, view.evidence.context
    known = _forms(text, context)
    # first letters of the claim and of its evidence, in which an acronym may stand spelt out
    own = "|".join("".join(t.word[0] for t in run if t.word[0].isalpha()) for run in (words, *view.runs))
    for token, certain in _capitalised(words):
        status: CheckStatus = "ok" if _known(token, known, text, context, own) else "missing"
        if status == "missing" and not certain:
            continue
        detail = f"{token.raw} is {'named in' if status == 'ok' else 'not named in'} the source"
        yield Check("name", status, (token.start, token.end), (0, 0), detail)


def _capitalised(words: Sequence[Token]) -> Iterator[tuple[Token, bool]]:
    """Names, and whether it is certain that they are names: a word that opens a sentence may just be one."""
    for index, token in enumerate(words):
        bare = re.sub(r"['’]s$", "", token.raw)
        if (
            not bare[:1].isupper()
            or token.word in STOPWORDS
            or len(bare) < 2
            or token.word in _NOT_NAMES
            or is_negator(token.word)
        ):
            continue
        if any(char.isdigit() for char in bare) and not bare[0].isalpha():
            continue
        follows = (
            index + 1 < len(words) and words[index + 1].raw[:1].isupper() and words[index + 1].word not in STOPWORDS
        )
        certain = not token.opening or (len(bare) > 1 and bare[1:].upper() == bare[1:] and bare.isalpha()) or follows
        yield token, certain


_NOT_NAMES = words_of(
    """
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december mr mrs ms dr prof sir president king queen north south east west the
    according additionally however moreover furthermore therefore overall finally meanwhile recently currently i
    ii iii iv english figure table section
    """
)


@lru_cache(maxsize=64)
def _forms(text: str, context: str) -> frozenset[str]:
    joined = f"{text}\n{re.sub(r'[_/.-]+', ' ', context)}\n{context}"
    words = {re.sub(r"['’]s$", "", token.word) for token in tokens(joined)}
    parts = {part for word in words if not word.isalpha() for part in re.findall(r"[^\W\d_]{2,}", word)}
    return frozenset(words | parts | {stem(word) for word in words})


def _known(token: Token, known: frozenset[str], text: str, context: str, own: str) -> bool:
    word = re.sub(r"['’]s$", "", token.word)
    if word in known or stem(word) in known or _other_form(word, known):
        return True
    letters = re.sub(r"[^A-Za-z]", "", token.raw.removesuffix("s"))
    if 2 <= len(letters) <= 8 and letters.isupper():
        return letters.lower() in _initials(text, context) or letters.lower() in own
    squeezed = re.sub(r"[\W_]", "", word)
    return len(squeezed) >= 5 and squeezed in _squeezed(text, context)


def _other_form(word: str, known: frozenset[str]) -> bool:
    """Plural, adjective (America, American) or a spelling with one letter more."""
    if len(word) < 4:
        return False
    root = word[: max(4, len(word) - 3)]
    candidates = {word + ending for ending in ("s", "n", "an", "ian", "ese", "ish", "ic", "i")} | {
        word[:-1],
        word[:-2],
        word[:-3],
    }
    return any(form in known for form in candidates if len(form) >= 4 and form.startswith(root[:4]))


@lru_cache(maxsize=64)
def _squeezed(text: str, context: str) -> str:
    return re.sub(r"[\W_]", "", f"{text}{context}").casefold()


@lru_cache(maxsize=64)
def _initials(text: str, context: str) -> frozenset[str]:
    """What acronyms the source's runs of capitalised words could form, small words skipped or not."""
    found = set()
    run = r"(?:[A-Z][\w'’-]*(?:[ -](?:of|the|and|for|in|on|de|la)(?= ))?[ -]){1,8}[A-Z][\w'’-]*"
    for match in re.finditer(run, f"{text} {context}"):
        parts = re.split(r"[ -]", match.group())
        capitals = [part[0].lower() for part in parts if part[:1].isupper()]
        whole = [part[0].lower() for part in parts if part]
        for letters in (capitals, whole):
            for first in range(len(letters)):
                for last in range(first + 2, min(len(letters), first + 8) + 1):
                    found.add("".join(letters[first:last]))
    return frozenset(found)


# -- negation ---------------------------------------------------------------------------------------------------------


def _negations(words: Sequence[Token], view: _View) -> Iterator[Check]:
    """A negation on one side whose words stand on the other side without one."""
    for index, token in enumerate(words):
        if _negates(words, index):
            scope = _scope(words, index)
            places = [_polarity(scope, run) for run in view.runs]
            if any(place == "negated" for place, _ in places) or not scope:
                continue
            plain = next((span for place, span in places if place == "plain"), None)
            if plain is not None:
                detail = f"“{token.raw}” here, no such negation in the source"
                yield Check("negation", "mismatch", (token.start, token.end), plain, detail)
    yield from _source_negations(words, view)


def _negates(run: Sequence[Token], index: int) -> bool:
    """A negator that denies something: "not only" and "no doubt" do not."""
    following = run[index + 1].word if index + 1 < len(run) else ""
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


def _source_negations(words: Sequence[Token], view: _View) -> Iterator[Check]:
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


def _sentences_without(view: _View, token: Token) -> Iterator[list[Token]]:
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


def _scope(run: Sequence[Token], index: int) -> list[str]:
    """Stems of the content words that a negation reaches, nearest first, to the end of its sentence at most."""
    reach = []
    for token in run[index + 1 : index + 1 + 2 * _SCOPE]:
        if token.opening:
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


# -- opposites, quantifiers, hedges -----------------------------------------------------------------------------------


def _opposites(words: Sequence[Token], view: _View) -> Iterator[Check]:
    """A word of the claim that the evidence lacks, where it has the opposite beside the same words."""
    for index, token in enumerate(words):
        if not opposites_of(token.word) or stem(token.word) in view.stems or is_negator(token.word):
            continue
        beside = {
            stem(t.word) for t in words[max(0, index - 4) : index + 5] if t is not token and t.word not in STOPWORDS
        }
        for run in view.runs:
            rival = _opposite_in(token, beside, run)
            if rival is not None and not _flipped(words, index, run, rival):
                detail = f"“{token.raw}” here, “{rival.raw}” in the source"
                yield Check("opposite", "mismatch", (token.start, token.end), (rival.start, rival.end), detail)
                break


def _opposite_in(token: Token, beside: set[str], run: Sequence[Token]) -> Token | None:
    for index, other in enumerate(run):
        if opposite(token.word, other.word):
            around = {stem(t.word) for t in run[max(0, index - 5) : index + 6]}
            if len(beside & around) >= min(2, len(beside)) and beside:
                return other
    return None


def _flipped(words: Sequence[Token], index: int, run: Sequence[Token], rival: Token) -> bool:
    """One of the two stands under a negation: "not increased" for "decreased" is no contradiction."""
    ours = any(is_negator(t.word) for t in words[max(0, index - 3) : index])
    place = run.index(rival)
    return ours != any(is_negator(t.word) for t in run[max(0, place - 3) : place])


def _quantifiers(words: Sequence[Token], view: _View) -> Iterator[Check]:
    """ "all" of what the source says "some" of: another quantifier before the same word, two steps away or more."""
    for index, token in enumerate(words[:-1]):
        strength = QUANTIFIERS.get(token.word)
        if strength is None:
            continue
        noun = next((stem(t.word) for t in words[index + 1 : index + 4] if t.word not in STOPWORDS), "")
        for run in view.runs:
            rivals = [
                other
                for place, other in enumerate(run[:-1])
                if other.word in QUANTIFIERS and noun and noun in {stem(t.word) for t in run[place + 1 : place + 4]}
            ]
            if rivals and all(abs(QUANTIFIERS[r.word] - strength) >= 2 for r in rivals):
                detail = f"“{token.raw}” here, “{rivals[0].raw}” in the source"
                yield Check(
                    "quantifier", "mismatch", (token.start, token.end), (rivals[0].start, rivals[0].end), detail
                )
                break


def _hedges(words: Sequence[Token], view: _View) -> Iterator[Check]:
    """The best evidence holds back where the claim does not."""
    if not view.runs or any(token.word in HEDGES for token in words) or not words:
        return
    ours = {stem(token.word) for token in words if token.word not in STOPWORDS}
    run = view.runs[0]
    for index, token in enumerate(run):
        if token.word in HEDGES - {"would", "should", "indicate", "indicates", "expected", "can"}:
            reached = [t for t in run[index + 1 : index + 5] if t.word not in STOPWORDS]
            if reached and stem(reached[0].word) in ours:
                detail = f"the source says “{token.raw}”"
                yield Check("hedge", "mismatch", (words[0].start, words[-1].end), (token.start, token.end), detail)
                return
