"""Names and acronyms of a claim: does the source have them in any form?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from carrel.citations.checks.findings import Check, CheckStatus, View
from carrel.citations.lexicon import STOPWORDS, is_negator, stem, words_of
from carrel.citations.tokens import Token, tokens

__all__ = ["check_names"]


def check_names(words: Sequence[Token], view: View) -> Iterator[Check]:
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
