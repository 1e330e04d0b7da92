"""I have passages that search found: give me their sentences, each with a true reference.

A reference is ``doc_id:start-end`` in code points of the stored text. A passage whose text is as long as its span
says is that span, so a sentence inside it gets a span of its own; otherwise the whole passage is cited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Found", "Sentence", "place_of", "plain", "sentences_of", "spans"]

_REF = re.compile(r"([a-z2-7]{16}):(\d+)-(\d+)")
_ENDS = re.compile(
    r"(?<![.!?])[.!?]{1,6}[\"'”’)\]*_`]*(?=\s)|[。！？]+[”’」』]*"  # the end of a sentence
    r"|\n[ \t]*\n|\n(?=[ \t]*(?:[-*+•]|\d{1,3}[.)]|#{1,6}|\||>|```|~~~|\.\.|:[a-z]+:)\s?)"  # of a block, an item, a row
    r"|^#{1,6}[ \t][^\n]*$|\n([=~^\"'*+#-])\1{2,}[ \t]*(?=\n|$)"  # of a heading
    r"|</?(?:p|h[1-6]|div|br|hr|li|ul|ol|td|th|tr|table|summary|details|pre)\b[^<>]{0,200}>",
    re.M | re.I,
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|etc|al|fig|figs|eq|eqs|sec|no|nos|vol|pp|ed|eds|dr|mr|mrs|ms|prof|st|inc|ltd|approx|resp)"
    r"|(?-i:\b[A-Z])|\b[a-z]\.[a-z])\.$",
    re.I,
)
_FENCE = re.compile(r"^(```|~~~)", re.M)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)")
_REFERENCE_LINK = re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]")
_RST_LINK = re.compile(r"`([^`<>]+?)\s*<[^<>`]+>`__?")
_RST_ROLE = re.compile(r":[a-z:]+:`~?([^`]+)`")
_HTML = re.compile(r"</?[a-zA-Z][\w-]*(?:\s[^<>]*)?/?>|<!--.*?-->", re.S)
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3}|_{1,3})(?=\S)(.+?)(?<=\S)\1(?![\w*])")
_CODE = re.compile(r"(`{1,2})([^`]+)\1_?")
_BULLET = re.compile(r"^\s*(?:(?:>\s*)+|[-*+•]\s+|\d{1,3}[.)]\s+|\[\^\w{1,20}\]:\s+)+")
_LABEL = re.compile(  # of the parts of a structured abstract
    r"(?:(?:(?:MAIN )?(?:BACKGROUND|OBJECTIVES?|CONTEXT|AIMS?|PURPOSE|DESIGN|SETTINGS?|PARTICIPANTS|PATIENTS|METHODS?|"
    r"METHODOLOGY|INTERVENTIONS?|MEASURE(?:MENT)?S|OUTCOMES?|RESULTS?|FINDINGS|PRINCIPAL|CONCLUSIONS?|RELEVANCE|"
    r"INTERPRETATION|SIGNIFICANCE|DISCUSSION|LIMITATIONS?|IMPORTANCE|RATIONALE|FUNDING)(?: AND |[ /]|: ?|\. ))+|"
    r"(?:Background|Objectives?|Aims?|Purpose|Methods?|Results?|Findings|Conclusions?|Interpretation|Significance|"
    r"Abstract|Introduction|Summary): )(?=\S)"
)
_HEADING_LINE = re.compile(r"(?:\d{1,2}(?:\.\d{1,2})*\.? [A-Z][^\n.!?]{0,60}\n)+(?=[A-Z])")  # as PDFs have them
_LEAD_IN = re.compile(
    r"As (?:shown|illustrated|depicted|seen|described|presented) in (?:Figure|Fig\.|Table|Section)\s\d+(?:\.\d+)*,\s"
    r"(?=[A-Z])"
)
_FIELD = re.compile(  # core metadata of Python packages
    r"^(?:Name|Version|Summary|License(?:-\w+)?|Author(?:-email)?|Maintainer(?:-email)?|Keywords|Home-page|Project-URL|"
    r"Classifier|Platform|Requires-\w+|Provides-\w+|Description-\w+): ",
    re.M,
)
_LONGEST = 420  # characters: a longer "sentence" is a list, a table or code
_SHORTEST = 6  # words: a shorter one is a heading or a label
_FEWEST, _FEW = 3, 24  # words of a line that gives a figure
_STOPS = re.compile(r"[.!?。！？][\"”’」』)\]]*$")
_BROKEN_WORD = re.compile(r"(?<=[a-z])-[ \t]*\n[ \t]*(?=[a-z])")
_BIBLIOGRAPHY = re.compile(r"\barXiv:\d|\bpreprint\b|\bProceedings of\b|\b(?:19|20)\d\d[a-z]?\.\s|doi\.org/|\bpp\. \d")
_NO_PROSE = ("#", "|", ">>>", "..", "$ ", "[!", "@", "def ", "class ", "import ", "python ", "pip ")
_ODD = re.compile(r"[{}<>=|\\@#$^~]|::|\(\)|->|https?:")


@dataclass(frozen=True, slots=True)
class Found:
    """A passage as search returned it.

    ``score`` is the reciprocal-rank sum over the queries that found it, ``agreement`` their number, ``closeness`` the
    best cosine the encoder gave it (0 without one). ``page`` is 0 where there are none.
    """

    ref: str
    title: str
    source: str
    text: str
    date: str = ""
    heading: str = ""
    score: float = 0.0
    agreement: int = 1
    closeness: float = 0.0
    page: int = 0


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a passage: ``raw`` as stored, ``text`` as a reader wants it, ``ref`` its span.

    ``after`` is the reference of the sentence right before it in the same paragraph, if that is a statement too;
    ``item`` says that it begins an item of a list. ``columns`` is set for the row of a table: the name and the cell of
    each column.
    """

    ref: str
    raw: str
    text: str
    found: Found
    start: int = 0
    after: str = ""
    item: bool = False
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def doc_id(self) -> str:
        return self.ref.partition(":")[0]


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of ``text`` lie, trimmed of white space. Linear in the length of the text."""
    start = 0
    for match in _ENDS.finditer(text):
        if match.group()[0] == "." and _ABBREVIATION.search(text[max(start, match.start() - 12) : match.start() + 1]):
            continue
        yield from _trimmed(text, start, match.end())
        start = match.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    inner = piece.strip()
    if inner:
        begin = start + len(piece) - len(piece.lstrip())
        yield begin, begin + len(inner)


def plain(markup: str) -> str:
    """A sentence as a reader wants it: without Markdown, reStructuredText or HTML marks, on one line, words whole."""
    text = _BROKEN_WORD.sub("", markup)
    for pattern in (_RST_LINK, _RST_ROLE, _LINK, _REFERENCE_LINK):
        text = pattern.sub(r"\1", text)
    text = _HTML.sub("", text)
    text = _CODE.sub(r"\2", _EMPHASIS.sub(r"\2", text))
    return " ".join(_BULLET.sub("", text).split())


def sentences_of(found: Found, *, figures: bool = False) -> list[Sentence]:
    """The sentences of a passage that read like statements; code, tables, headings and scraps are left out.

    ``figures`` lets short ones with a number pass ("Visitors in May: 2,318."), for questions that ask for one.
    """
    if _is_bibliography(found.text):
        return []
    kept: list[Sentence] = []
    last = -1  # where the last statement ends
    for begin, end in _prose(found.text):
        start = begin + _label(found.text[begin:end])
        raw = found.text[start:end]
        text = plain(raw) if len(raw) <= 3 * _LONGEST else ""
        if not text or not (_reads_like_a_statement(raw, text) or (figures and _states_a_figure(raw, text))):
            continue
        ref, place = place_of(found, start, end)
        follows = kept and start == begin and "\n\n" not in (gap := found.text[last:begin]) and not gap.strip()
        kept.append(Sentence(ref, raw, text, found, place, kept[-1].ref if follows else "", start > begin))
        last = end
    return kept


def place_of(found: Found, start: int, end: int) -> tuple[str, int]:
    """The reference of a stretch of a passage, and where it begins in the stored text."""
    match = _REF.fullmatch(found.ref)
    base = int(match[2]) if match else 0
    exact = match is not None and int(match[3]) - base == len(found.text)
    return (f"{match[1]}:{base + start}-{base + end}" if match and exact else found.ref), base + start


def _label(text: str) -> int:
    """How many characters of list marker, heading and label ("RESULTS ", "As shown in Figure 1, ") run into a
    sentence."""
    start = 0
    for pattern in (_BULLET, _HEADING_LINE, _LABEL, _LEAD_IN):
        match = pattern.match(text, start)
        start = match.end() if match else start
    return start


def _is_bibliography(text: str) -> bool:
    """Whether a passage is part of a reference list: titles of works are no statements of this one."""
    marks = len(_BIBLIOGRAPHY.findall(text))
    return marks >= 4 and marks * 250 >= len(text)


def _prose(text: str) -> Iterator[tuple[int, int]]:
    """Sentence spans outside fenced code."""
    fences = [match.start() for match in _FENCE.finditer(text)]
    walls = [(a, b) for a, b in zip(fences[::2], [*fences[1::2], len(text)], strict=False)]
    for start, end in spans(text):
        if not any(a < end and start < b + 3 for a, b in walls):
            yield start, end


def _reads_like_a_statement(raw: str, text: str) -> bool:
    words = text.split()
    if not _SHORTEST <= len(words) <= 70 and not _without_spaces(text):
        return False
    if len(text) > _LONGEST or raw.startswith(_NO_PROSE):
        return False
    if not _STOPS.search(text) or text.endswith("..."):
        return False
    if len(raw) > 2 * len(text) + 80 or _FIELD.search(raw) or text[0] in "|!:[":
        return False
    if len(words) > 8 and sum(word[:1].isupper() for word in words) > 0.6 * len(words):
        return False  # labels of a figure, a menu, a title page
    letters = sum(character.isalpha() for character in text)
    return letters >= 0.65 * len(text) and len(_ODD.findall(text)) <= 1 and "\n\n" not in raw


def _states_a_figure(raw: str, text: str) -> bool:
    """Whether a short line gives a number for something it names; a full stop it may lack after a colon."""
    words = text.split()
    if not _FEWEST <= len(words) <= _FEW or "\n" in raw.strip() or raw.startswith(_NO_PROSE) or _FIELD.search(raw):
        return False
    named = sum(len(word) > 2 and word.strip(",.:;()").isalpha() for word in words)
    whole = _STOPS.search(text) or re.search(r"\w:\s.*\d", text)
    letters = sum(character.isalpha() for character in text)
    return (
        bool(named and whole and re.search(r"\d", text) and letters >= 0.35 * len(text) and not _ODD.search(text))
        and text[0].isalnum()
    )


def _without_spaces(text: str) -> bool:
    return len(text) >= 12 and any("\u3040" <= character <= "\u9fff" for character in text)
