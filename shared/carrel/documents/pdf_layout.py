"""I have the lines of a PDF's pages with their type sizes: which are headings, and where do paragraphs end?

A PDF holds no headings, only lines set larger or bolder than the body. What is found here is a help for reading, not a
promise: where the signs are weak, there are no headings rather than wrong ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Line", "LineHeading", "headings_of", "paragraph_break", "title_of"]


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line. ``size`` is in points (0 when unknown), ``weight`` as in CSS (0 when unknown), ``bottom`` the
    height of its foot above the foot of the page, in points."""

    text: str
    page: int
    size: float = 0.0
    weight: int = 0
    bottom: float = 0.0


@dataclass(frozen=True, slots=True)
class LineHeading:
    """A heading made of the lines ``first`` to ``last`` (indices, both included)."""

    text: str
    level: int
    first: int
    last: int


_Style = tuple[float, int]
_LETTERS = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_NUMBERED = re.compile(
    r"(?:(?i:section|chapter|appendix)\s+)?(\d{1,2}(?:\.\d{1,2}){0,3}(?=[.:)]?\s)|[A-Z](?:\.\d{1,2}){1,3}(?=\s)|[A-Z](?=[.:)]\s)|"
    r"[IVX]{1,5}(?=[.:)]\s))[.:)]?\s+\S"
)
_KNOWN = re.compile(
    r"(?:[\dIVX.]{1,5}\s+)?(?:abstract|summary|introduction|background|related work|"
    r"(?:materials and )?methods?|methodology|results|(?:results and )?discussion|conclusions?|limitations|"
    r"references|bibliography|literature cited|acknowledge?ments?|appendi(?:x|ces)(?: [A-Z])?|"
    r"supplementary (?:materials?|information)|funding|data availability)\s*:?",
    re.I,
)
_MAX_HEADING = 150
_NEVER = re.compile(r"(?:fig(?:ure|\.)|tab(?:le|\.)|scheme|listing|algorithm)\s*\d|.*(?:@|://|www\.)", re.I)


def headings_of(lines: Sequence[Line], *, known_only: bool = False) -> tuple[LineHeading, ...]:
    """Headings in reading order. ``known_only`` looks only for the names sections of papers usually have."""
    body = _body_style(lines)
    if body is None:
        return ()
    repeated = _running_heads(lines)
    marks = [
        _is_heading(lines, index, body, known_only) and " ".join(line.text.split()) not in repeated
        for index, line in enumerate(lines)
    ]
    if sum(marks) * 5 > len(lines) and len(lines) > 20:
        return ()  # a form or a slide show: everything is set large
    return _levelled(_without_front(list(_merged(lines, marks)), lines), lines)


def _without_front(spans: list[tuple[int, int]], lines: Sequence[Line]) -> list[tuple[int, int]]:
    """Leave out what stands on the first page above the first section: title, authors, addresses are set large too."""
    for place, (first, _) in enumerate(spans):
        text = lines[first].text.strip()
        if lines[first].page > 1:
            break
        if _KNOWN.fullmatch(text) or (text[0].isdigit() and _NUMBERED.match(text)):
            return [span for span in spans[:place] if lines[span[0]].page > 0] + spans[place:]
    return spans


def _style(line: Line) -> _Style:
    return round(line.size, 1), line.weight


def _body_style(lines: Iterable[Line]) -> _Style | None:
    """The size and weight most characters are set in; None when sizes are not known."""
    counts: Counter[_Style] = Counter()
    for line in lines:
        if line.size > 1.5:  # 1.0 stands for "scaled by the page", which tells nothing
            counts[_style(line)] += len(line.text)
    return counts.most_common(1)[0][0] if counts else None


def _running_heads(lines: Sequence[Line]) -> frozenset[str]:
    """Lines printed on three pages or more."""
    pages: dict[str, set[int]] = {}
    for line in lines:
        if len(line.text) <= _MAX_HEADING:
            pages.setdefault(" ".join(line.text.split()), set()).add(line.page)
    return frozenset(text for text, seen in pages.items() if len(seen) >= 3)


def _is_heading(lines: Sequence[Line], index: int, body: _Style, known_only: bool) -> bool:
    line = lines[index]
    text = line.text.strip()
    if not 2 < len(text) <= _MAX_HEADING or line.size <= 1.5 or text[-1] in ".,;-–" or not _WORD.search(text):
        return False
    if len(_LETTERS.findall(text)) * 2 < len(text) or text[0].islower() or _NEVER.match(text):
        return False
    larger = line.size >= 1.08 * body[0]
    bolder = line.weight >= body[1] + 150 and line.size >= 0.85 * body[0]
    if _KNOWN.fullmatch(text):
        return larger or bolder
    if known_only:
        return False
    numbered = bool(_NUMBERED.match(text))
    if numbered and (larger or bolder):
        return True
    if larger:
        return line.size >= 1.15 * body[0] or bolder
    return bolder and _stands_alone(lines, index)


def _stands_alone(lines: Sequence[Line], index: int) -> bool:
    """Whether the line before has come to an end and the line after is body text of the same page."""
    line = lines[index]
    before = lines[index - 1].text.rstrip() if index and lines[index - 1].page == line.page else "."
    after = lines[index + 1] if index + 1 < len(lines) else line
    ended = before.endswith((".", "!", "?", ":", "”", '"', ")")) or before.isdigit()
    return ended and after.page == line.page and len(after.text) > len(line.text) and after.weight < line.weight


def _merged(lines: Sequence[Line], marks: Sequence[bool]) -> Iterable[tuple[int, int]]:
    """Runs of up to three marked lines in one style on one page."""
    index = 0
    while index < len(lines):
        last = index
        while (
            marks[index] and last - index < 2 and last + 1 < len(lines) and marks[last + 1] and _continues(lines, last)
        ):
            last += 1
        if marks[index]:
            yield index, last
        index = last + 1


def _continues(lines: Sequence[Line], index: int) -> bool:
    line, following = lines[index], lines[index + 1]
    near = 0 <= line.bottom - following.bottom <= 2 * line.size
    return (
        line.page == following.page
        and _style(line) == _style(following)
        and near
        and not _NUMBERED.match(following.text)
    )


def _levelled(spans: Sequence[tuple[int, int]], lines: Sequence[Line]) -> tuple[LineHeading, ...]:
    """Give each heading a level: its section number's depth, else that of its style, else its size's rank."""
    numbers = {first: match[1] for first, _ in spans if (match := _NUMBERED.match(lines[first].text.strip()))}
    by_style: dict[_Style, int] = {}
    for first, number in numbers.items():
        by_style.setdefault(_style(lines[first]), number.count(".") + 1)
    sizes = sorted({round(lines[first].size) for first, _ in spans}, reverse=True)
    found = []
    for first, last in spans:
        line = lines[first]
        level = min(sizes.index(round(line.size)) + 1, 4)
        level = numbers[first].count(".") + 1 if first in numbers else by_style.get(_style(line), level)
        level = 1 if _KNOWN.fullmatch(line.text.strip()) else level
        text = " ".join(" ".join(part.text.split()) for part in lines[first : last + 1])
        found.append(LineHeading(text[:300], level, first, last))
    return tuple(found)


def title_of(lines: Sequence[Line]) -> str:
    """The lines of the first page set largest, when they are clearly larger than the body and read like a title."""
    body = _body_style(lines)
    first_page = [
        line for line in lines[:60] if line.page == 0 and line.size > 1.5 and not line.text.startswith("arXiv:")
    ]
    if body is None or not first_page:
        return ""
    titles = [" ".join(" ".join(line.text.split()) for line in run) for run in _large_runs(first_page, 1.15 * body[0])]
    likely = [title for title in titles if len(_WORD.findall(title)) >= 2 and len(title) <= 300]
    long = [title for title in likely if len(_WORD.findall(title)) >= 4]  # a label in a figure is large too, but short
    return next(iter(long or likely), "")


def _large_runs(lines: Sequence[Line], least: float) -> list[list[Line]]:
    """Up to four neighbouring lines in one size, the largest size first, then as printed."""
    runs: list[list[Line]] = []
    for line in lines:
        if line.size < least:
            continue
        if runs and runs[-1][-1].size == line.size and len(runs[-1]) < 4:
            runs[-1].append(line)
        else:
            runs.append([line])
    return sorted(runs, key=lambda run: -run[0].size)


def paragraph_break(before: Line, after: Line, leading: float) -> bool:
    """Whether a new paragraph begins: the gap is wider than lines are usually apart and a sentence has ended."""
    gap = before.bottom - after.bottom
    return leading > 0 and gap > 1.35 * leading and before.text.rstrip()[-1:] in '.!?:”"。'
