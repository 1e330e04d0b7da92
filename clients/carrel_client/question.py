"""I have a question: which searches, and which of its words matter?"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["asks_for_figure", "clauses", "content_words", "stem", "sub_queries", "words"]

_WORD = re.compile(r"[^\W_]+(?:[-.'’_][^\W_]+)*", re.UNICODE)
_QUOTED = re.compile(r"[\"“]([^\"“”]{2,80})[\"”]")
_CLAUSE = re.compile(
    r"[?;:]|,\s+|\b(?:and|or|but)\s+(?=(?:(?:on|in|for|to|with|by|at|from|of)\s+)?(?:what|which|how|why|when|where|who|does|do|is|are|can)\b)",
    re.I,
)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")

_FIGURE = re.compile(
    r"\bhow\s+(?:many|much|old|tall|high|deep|long|wide|broad|far|fast|big|large|heavy|often|late|early|hot|cold)\b|"
    r"\bwhen\b|\b(?:what|which)\s+(?:year|date|day|month|time|share|percentage|number|amount)\b|"
    r"\b(?:price|cost|height|depth|length|width|weight|age|size|speed|distance|population|percentage|number|date)\b",
    re.I,
)
_MAY = re.compile(r"(?<=\w\s)May\b")  # the month; the verb is a function word

# Function words of English, and the verbs people wrap questions in. Small on purpose: a word wrongly dropped is lost.
_FUNCTION_WORDS = """
    a about above after again all also am an and any are as at be because been before being between both but by
    can could did do does doing done each either else etc for from further get give given gives had has have
    having he her here hers him his how however i if in into is it its itself just kind let make makes made many
    may me might more most much must my no nor not of off on once one only or other our out over own per please
    same say says she should since so some sort such tell than that the their them then there these they this
    those through to too under until up upon us use used uses using very via was we were what when where whether
    which while who whom whose why will with within without would yes yet you your explain describe list compare
    mean means difference
"""
_STOP = frozenset(_FUNCTION_WORDS.split())


def words(text: str) -> list[str]:
    """The words of ``text``, case-folded; scripts written without spaces give one word per character pair."""
    found: list[str] = []
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text)):
        word = match.group().casefold()
        found.extend(_pairs(word) if _CJK.search(word) else [word])
    return found


def _pairs(word: str) -> list[str]:
    return [word[i : i + 2] for i in range(max(1, len(word) - 1))]


def stem(word: str) -> str:
    """Cut the commonest English endings, so that ``transports`` meets ``transport``; never below four letters."""
    for ending in ("ings", "ing", "ies", "ied", "edly", "ers", "ed", "er", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 4 and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
    return word


def content_words(text: str) -> list[str]:
    """The words that carry the question, in order and once each."""
    dropped = _STOP - {"may"} if _MAY.search(text) else _STOP
    return list(
        dict.fromkeys(word for word in words(text) if word not in dropped and (len(word) > 1 or word.isdigit()))
    )


def asks_for_figure(question: str) -> bool:
    """Whether a number, a date or a price would answer it."""
    return bool(_FIGURE.search(question))


def clauses(question: str) -> list[str]:
    """The parts of a question that ask one thing each ("What is X, and who made it?" has two)."""
    return [part.strip() for part in _CLAUSE.split(question) if part.strip()]


def sub_queries(question: str, *, limit: int = 6) -> tuple[str, ...]:
    """Several searches for one question, the question itself first.

    Then its key words alone, each clause's key words, what stands in quotation marks, and runs of neighbouring key
    words (a rough noun phrase). Duplicates by set of stems are dropped. Deterministic.
    """
    whole = " ".join(question.split())
    parts = clauses(whole)
    candidates = [" ".join(content_words(whole)), *_QUOTED.findall(whole)]
    if len(parts) > 1:
        candidates += [" ".join(content_words(clause)) for clause in parts if len(content_words(clause)) > 1]
    candidates += _runs(whole)
    chosen, seen = [whole], {frozenset[str]()}
    for candidate in candidates:
        key = frozenset(stem(word) for word in words(candidate))
        if key not in seen and candidate.casefold() != whole.casefold():
            seen.add(key)
            chosen.append(candidate)
    return tuple(chosen[:limit])


def _runs(text: str) -> list[str]:
    """Maximal runs of two or more neighbouring key words, longest first, then in order."""
    runs: list[list[str]] = [[]]
    for clause in re.split(r"[^\w\s'’.-]+", text):
        runs.append([])
        for word in _WORD.findall(clause):
            if word.casefold() in _STOP:
                runs.append([])
            else:
                runs[-1].append(word)
    return sorted((" ".join(run) for run in runs if len(run) > 1), key=lambda run: -len(run.split()))
