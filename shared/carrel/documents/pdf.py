"""I have a PDF: give me its text, page by page, whatever the file tries.

The PDF library runs in a child process under limits of time, memory and output, and is killed when it overruns: a
2 KB file can otherwise take gigabytes or hours, and the library can neither be cancelled nor used from two threads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from carrel.documents.draft import BROKEN, ENCRYPTED, Unreadable
from carrel.documents.pdf_layout import Line, headings_of, paragraph_break, title_of
from carrel.documents.sandbox import Limits, ask_child
from carrel.documents.sections import Heading, plain_heading
from carrel.documents.text import clean
from carrel.errors import BadRequest, Refused, Unsupported

__all__ = ["PdfLimits", "PdfText", "read_pdf"]


PdfLimits = Limits


@dataclass(frozen=True, slots=True)
class PdfText:
    """A PDF as text: pages parted by a blank line, ``page_starts`` the offset at which each begins."""

    text: str
    page_starts: tuple[int, ...]
    title: str
    headings: tuple[Heading, ...]
    date: str
    authors: tuple[str, ...]
    facts: Mapping[str, str]


def read_pdf(data: bytes, *, limits: PdfLimits | None = None) -> PdfText:
    """Read a PDF in a child process.

    Raises BadRequest (encrypted, broken), Unsupported (no text layer), Refused (over the limits), Unavailable (the
    child process could not be started).
    """
    found = _pages_of(data, limits or PdfLimits())
    pages = [_lines(number, *page) for number, page in enumerate(zip(found["pages"], found["looks"], strict=True))]
    if not any(pages):
        raise Unsupported("the PDF has no text, perhaps only pictures of pages; run text recognition (OCR) on it first")
    text, page_starts, line_starts = _set(pages)
    lines = [line for page in pages for line in page]
    about = {str(key): clean(str(value))[0].strip() for key, value in found["facts"].items()}
    title = _title(about.get("Title", ""), lines)
    return PdfText(
        text=text,
        page_starts=page_starts,
        title=title,
        headings=_headings(text, page_starts, lines, line_starts, title, found["bookmarks"]),
        date=_date(about.get("CreationDate", "")),
        authors=_authors(about.get("Author", "")),
        facts=_facts(found, pages),
    )


def _pages_of(data: bytes, limits: Limits) -> dict[str, Any]:
    """What the child process found; raises the error that says why it found nothing."""
    try:
        found = ask_child("pdf", data, limits)
    except Unreadable as error:
        raise _problem(error.problem) from error
    if not found.get("pages"):
        raise _problem(BROKEN)
    if found["unreadable"] == len(found["pages"]):
        raise BadRequest("no page of the PDF can be read; download or export it again")
    return found


def _problem(problem: str) -> BadRequest | Refused:
    if problem == ENCRYPTED:
        return BadRequest("the PDF is encrypted; save a copy without a password and give that")
    if problem == BROKEN:
        return BadRequest("the PDF is broken and cannot be opened; download or export it again")
    return Refused("reading the PDF takes more time or memory than is allowed; give a smaller or cleaner copy of it")


# -- its text --------------------------------------------------------------------------------------------------------

# PDFium marks a hyphen at a line's end with U+FFFE (older versions with U+0002) and joins the two lines.
_HYPHEN = re.compile("[\ufffe\x02]")


def _lines(page: int, raw: str, looks: Sequence[tuple[float, int, float]]) -> list[Line]:
    """The lines of a page that have text, cleaned; a line that PDFium joined at a hyphen keeps its line end."""
    found = []
    for line, (size, weight, bottom) in zip(raw.split("\r\n"), looks, strict=True):
        text = clean(_HYPHEN.sub("-\n", line).removesuffix("\n"))[0].strip()
        if text:
            found.append(Line(text, page, size, weight, bottom))
    return found


def _set(pages: Sequence[Sequence[Line]]) -> tuple[str, tuple[int, ...], list[int]]:
    """The text of all pages, the offset of each page, the offset of each line."""
    parts: list[str] = []
    page_starts, line_starts = [], []
    offset = 0
    for page in pages:
        page_starts.append(offset)
        leading = _leading(page)
        for line, following in zip(page, [*page[1:], None], strict=True):
            line_starts.append(offset)
            gap = "\n\n" if following is None or paragraph_break(line, following, leading) else "\n"
            parts += (line.text, gap)
            offset += len(line.text) + len(gap)
    text = "".join(parts).rstrip("\n")
    return text, tuple(min(start, len(text)) for start in page_starts), line_starts


def _leading(page: Sequence[Line]) -> float:
    """The usual distance between lines of a page, in points; 0 when it has too few to tell."""
    gaps = [above.bottom - below.bottom for above, below in pairwise(page) if above.size and below.size]
    down = sorted(gap for gap in gaps if gap > 1)
    return down[len(down) // 2] if len(down) >= 3 else 0.0


_LETTERS = re.compile(r"[^\W\d_]{2,}")
_FILE_TITLE = re.compile(
    r"(?i)\.(?:docx?|tex|dvi|indd|qxd|pptx?|xlsx?|pdf|ps|rtf|odt)\b|^(?:microsoft word|untitled|slide \d|title)\b"
    r"|^(?:about|data|file|https?):"
)


def _title(told: str, lines: Sequence[Line]) -> str:
    """The title in the PDF's own data when it looks like one, else what is set largest, else the first likely line."""
    told = " ".join(told.split())
    if len(_LETTERS.findall(told)) >= 2 and not _FILE_TITLE.search(told):
        return told[:300]
    if title := title_of(lines):
        return title
    for line in lines[:15]:
        words = _LETTERS.findall(line.text)
        if line.page == 0 and 2 <= len(words) <= 25 and len(line.text) <= 200 and line.text[-1] not in ".,;-":
            return " ".join(line.text.split())
    return ""


def _date(told: str) -> str:
    """``D:20240131120000Z`` as ``2024-01-31``."""
    match = re.match(r"(?:D:)?(\d{4})(\d\d)(\d\d)", told)
    if not match or not ("1980" <= match[1] <= "2100" and "01" <= match[2] <= "12" and "01" <= match[3] <= "31"):
        return ""
    return "-".join(match.groups())


def _authors(told: str) -> tuple[str, ...]:
    names = (" ".join(name.split()) for name in re.split(r";|,(?! *(?:Jr|Sr)\b)|\band\b|&", told))
    return tuple(name[:200] for name in names if _LETTERS.search(name))[:100]


def _facts(found: Mapping[str, Any], pages: Sequence[Sequence[Line]]) -> dict[str, str]:
    facts = {"extractor": "pdfium", "pages": str(found["total"])}
    if found["total"] > len(pages):
        facts["pages_read"] = str(len(pages))
    empty = sum(not page for page in pages)
    if empty:
        facts["pages_without_text"] = str(empty)
    return facts


def _headings(
    text: str,
    page_starts: Sequence[int],
    lines: Sequence[Line],
    line_starts: Sequence[int],
    title: str,
    bookmarks: Sequence[Sequence[Any]],
) -> tuple[Heading, ...]:
    """Headings from the bookmarks where there are some, and the usual ones beside them; else from how lines are set."""
    marked = _bookmarked(text, page_starts, bookmarks)
    enough = len(marked) >= 3
    found = [
        Heading(heading.text, heading.level, line_starts[heading.first])
        for heading in headings_of(lines, known_only=enough)
        if not (lines[heading.first].page == 0 and _same(heading.text, title))
    ]
    if not enough:
        return tuple(found)
    taken = {text.rfind("\n", 0, heading.start) for heading in marked}
    beside = (heading for heading in found if text.rfind("\n", 0, heading.start) not in taken)
    return tuple(sorted((*marked, *beside), key=lambda heading: heading.start))


def _same(heading: str, title: str) -> bool:
    return heading.casefold() in title.casefold() or title.casefold() in heading.casefold()


# How far below the top of its page a bookmark's heading is looked for: two dense pages, and a bound on hostile ones.
_BOOKMARK_REACH = 20_000


def _bookmarked(text: str, starts: Sequence[int], bookmarks: Sequence[Sequence[Any]]) -> tuple[Heading, ...]:
    """Headings from the PDF's bookmarks that can be found in the text of the page they point to (or the next)."""
    headings: list[Heading] = []
    least = 0
    for title, level, page in bookmarks:
        name = plain_heading(clean(str(title))[0])
        if not name or not 0 <= page < len(starts):
            continue
        end = starts[page + 2] if page + 2 < len(starts) else len(text)
        start = max(least, starts[page])
        place = _place(text, name, start, min(end, start + _BOOKMARK_REACH))
        if place is not None:
            headings.append(Heading(name, int(level) + 1, place))
            least = place + 1
    return tuple(headings)


def _place(text: str, name: str, start: int, end: int) -> int | None:
    """Where a line of the text begins with this heading; None when no line does."""
    words = [re.escape(word) for word in name.split()]
    pattern = re.compile(r"^[\dIVX.]{0,8}[ \t]*" + r"\s+".join(words), re.I | re.M)
    match = pattern.search(text, start, end)
    return match.start() if match else None
