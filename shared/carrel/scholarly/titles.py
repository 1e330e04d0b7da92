"""Are two titles the same title? A token diff that says in which way they differ."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from carrel.scholarly.markup import plain_line
from carrel.scholarly.names import fold

__all__ = ["TitleClass", "TitleMatch", "compare_titles", "title_in_text", "title_key", "title_words", "topic_words"]

TitleClass = Literal["same", "subtitle", "minor", "typo1", "near_miss", "different"]

_MOST = 120  # words of a title that are compared
_WORDS_SMALL = (
    "a an the of for in on at to and or by from via with as is are its der die das ein eine und le la les de des du et"
)
_SMALL = frozenset(_WORDS_SMALL.split())
_WORDS_ASKED = (
    "a an and are as at be by can do does for from how in is it of on or that the their this to was what when "
    "where which who why will with"
)
_ASKED = frozenset(_WORDS_ASKED.split())
_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "σ": "sigma",
    "ω": "omega",
}
_GREEK_NAMES = frozenset(_GREEK.values())
_ROMAN = re.compile(r"[ivx]{1,4}")
_TEX = re.compile(r"\\([a-zA-Z]+)\s?|\\['`^\"~=.]\s?|[{}$^_~]")
_MARKED = re.compile(
    r"^\s*(?:\[?retracted(?: article)?\]?|withdrawn(?: article)?|\[retracted\]|retracted paper)\s*[:.\-–—\]]\s*", re.I
)
_BREAK = re.compile(r"[:?!.–—]|\s-\s|\s\(")


@dataclass(frozen=True, slots=True)
class TitleMatch:
    """How two titles compare. ``only_first`` and ``only_second`` are the words that one has and the other lacks."""

    kind: TitleClass
    only_first: tuple[str, ...] = ()
    only_second: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """True when a careful reader would call it the same title."""
        return self.kind in ("same", "subtitle", "minor")


def title_words(title: str) -> tuple[str, ...]:
    """The words of a title as compared: markup, accents, case and punctuation gone; numerals kept."""
    plain = _TEX.sub(lambda m: m[1] if m[1] in _GREEK_NAMES else "", plain_line(title[:2_000]))
    plain = _MARKED.sub("", unicodedata.normalize("NFKC", plain)).replace("&", " and ")
    plain = re.sub(r"(?<=\w)['’](?=s\b)", "", plain)
    words = re.findall(
        r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+", fold(plain)
    )
    return tuple(_GREEK.get(word, word) for word in words[:_MOST])


def topic_words(text: str, most: int = 12) -> list[str]:
    """The first ``most`` words of a question that say what it is about, each once; none can be an operator."""
    return [word for word in dict.fromkeys(title_words(text)) if word not in _ASKED][:most]


def title_key(title: str) -> str:
    """The words run together: hyphens, spaces, case and accents do not count, numerals do."""
    return "".join(title_words(title))


def compare_titles(first: str, second: str) -> TitleMatch:
    """Class the difference of two titles.

    same: equal but for case, accents, punctuation and spacing. subtitle: one stops where the other's subtitle begins.
    minor: small words, plurals or spelling habits differ. typo1: one letter of one word. near_miss: mostly the same
    words, but a content word or a number differs. different: the rest. Two empty titles are different.
    """
    a, b = title_words(first), title_words(second)
    if not a or not b:
        return TitleMatch("different", a, b)
    if "".join(a) == "".join(b):
        return TitleMatch("same")
    if _subtitle(first, a, b) or _subtitle(second, b, a):
        return TitleMatch("subtitle", *_rest(a, b))
    return _by_diff(a, b)


def _rest(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (a[len(b) :], ()) if len(a) > len(b) else ((), b[len(a) :])


def _subtitle(long_title: str, long: tuple[str, ...], short: tuple[str, ...]) -> bool:
    """Is the short title the long one up to a break? Parts of a series (Part II, 2.) are other works."""
    if len(short) >= len(long) or len("".join(short)) < 12:
        return False
    for match in _BREAK.finditer(plain_line(long_title[:2_000])):
        head = title_words(plain_line(long_title[:2_000])[: match.start()])
        if "".join(head) == "".join(short):
            return not _series(long[len(head) :])
        if len(head) == 1 and long[1:] == short and not _series(head):
            return True  # "LIFT: Language-interfaced fine-tuning …", cited without its nickname
        if len(head) > len(short) + 3:
            break
    return False


_OF_OTHERS = frozenset(
    ("part", "erratum", "errata", "correction", "corrigendum", "addendum", "retraction", "reply", "response", "comment")
)


def _series(words: tuple[str, ...]) -> bool:
    return bool(words) and (words[0] in _OF_OTHERS or _numeral(words[0]))


def _numeral(word: str) -> bool:
    return any(c.isdigit() for c in word) or bool(_ROMAN.fullmatch(word))


def _by_diff(a: tuple[str, ...], b: tuple[str, ...]) -> TitleMatch:
    from rapidfuzz.distance import Levenshtein

    edits = [op for op in Levenshtein.opcodes(a, b) if op.tag != "equal"]
    pairs = [(a[op.src_start : op.src_end], b[op.dest_start : op.dest_end]) for op in edits]
    gone, new = sum((p[0] for p in pairs), ()), sum((p[1] for p in pairs), ())
    telling = [pair for pair in pairs if not _slight(*pair)]
    if not telling:
        return TitleMatch("minor", gone, new)
    if len(telling) == 1 and _typo(*telling[0]):
        return TitleMatch("typo1", gone, new)
    common = len(a) + len(b) - len(gone) - len(new)
    return TitleMatch("near_miss" if common >= 0.6 * (len(a) + len(b)) else "different", gone, new)


def _slight(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Small words, another spacing, a plural, -ise for -ize, colour for color: not a difference of content."""
    x, y = [w for w in one if w not in _SMALL], [w for w in other if w not in _SMALL]
    if "".join(x) == "".join(y):
        return True
    if len(x) != len(y):
        return False
    return all(_habit(p) == _habit(q) for p, q in zip(x, y, strict=True))


def _habit(word: str) -> str:
    word = re.sub(r"(?<=\w{3})is(?=(?:e|ed|es|ing|ation|ations|er|ers)$)", "iz", word)
    word = re.sub(r"(?<=[a-z]{2})our(?=s|ed|ing|al|$)", "or", word).replace("aemi", "emi").replace("oed", "ed")
    word = re.sub(r"ll(?=ing|ed|er)", "l", re.sub(r"tre$", "ter", word))
    return re.sub(r"(?<=[a-z]{3}[^s])s$", "", word)


def _typo(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    from rapidfuzz.distance import OSA

    x, y = "".join(one), "".join(other)
    return (
        min(len(x), len(y)) >= 5
        and not (_numeral(x) or _numeral(y))
        and OSA.distance(x, y, score_cutoff=1) == 1
        and not _flipped(x, y)
    )


def _flipped(x: str, y: str) -> bool:
    """One letter that turns a word round is no slip: "typical" and "atypical", "moral" and "amoral"."""
    short, long = sorted((x, y), key=len)
    return len(long) == len(short) + 1 and long[1:] == short and long[0] == "a"


def title_in_text(title: str, text_words: tuple[str, ...]) -> bool:
    """Does the whole title stand, word for word, in the words of a longer text?"""
    words = "".join(title_words(title))
    return len(words) >= 12 and words in "".join(text_words)
