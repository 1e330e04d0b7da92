"""I have a document and little room: show me what is in it, and then the part I ask for.

Everything shown carries the reference of what is shown, so that a reader can cite exactly what was read.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from carrel.documents.blocks import blocks
from carrel.documents.sentence import sentences, trimmed
from carrel.errors import BadRequest, NotFound
from carrel.records import Document, EvidenceRef, Section

__all__ = ["OutlineItem", "Window", "find_section", "how_to_cite", "marked_text", "outline", "page_of", "window"]


@dataclass(frozen=True, slots=True)
class OutlineItem:
    """A heading in an outline. ``number`` counts all headings from 1 and names the section in `window`.

    ``ref`` spans the section with everything below it; ``chars`` is the length of that span.
    """

    number: int
    section: Section
    ref: EvidenceRef
    chars: int


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a document's text that fits a reply: ``text == document.text[start:end]``.

    ``heading`` is the path of the section it begins in; ``pages`` the first and last page it touches (from 1; None
    for media without pages); ``next_start`` where to go on, None at the end of what was asked for.
    """

    doc_id: str
    text: str
    start: int
    end: int
    heading: tuple[str, ...]
    next_start: int | None
    total_chars: int
    pages: tuple[int, int] | None = None

    @property
    def ref(self) -> EvidenceRef:
        return EvidenceRef(self.doc_id, self.start, self.end)


def outline(document: Document, max_items: int = 100) -> tuple[OutlineItem, ...]:
    """The headings of a document, in order; when there are too many, the deepest levels are left out first."""
    items = _all_items(document)
    levels = sorted({item.section.level for item in items}, reverse=True)
    while len(items) > max_items and len(levels) > 1:
        deepest = levels.pop(0)
        items = [item for item in items if item.section.level < deepest]
    return tuple(items[: max(max_items, 1)])


def _all_items(document: Document) -> list[OutlineItem]:
    sections = document.sections
    ends = _subtree_ends(sections)
    return [
        OutlineItem(number, section, EvidenceRef(document.doc_id, section.start, end), end - section.start)
        for number, (section, end) in enumerate(
            ((section, end) for section, end in zip(sections, ends, strict=True) if section.level), start=1
        )
    ]


def _subtree_ends(sections: Sequence[Section]) -> list[int]:
    """For each section the end of its last descendant."""
    ends = [section.end if not section.level else sections[-1].end for section in sections]
    open_sections: list[int] = []
    for index, section in enumerate(sections):
        while open_sections and sections[open_sections[-1]].level >= section.level:
            ends[open_sections.pop()] = section.start
        if section.level:
            open_sections.append(index)
    return ends


def page_of(document: Document, offset: int) -> int | None:
    """The page (from 1) on which an offset lies; None for media without pages."""
    if not document.page_starts:
        return None
    return max(bisect_right(document.page_starts, offset), 1)


# -- finding a section -----------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"#?(\d{1,6})\.?")
_PAGE = re.compile(r"(?:page|p\.?)\s*(\d{1,6})", re.I)
_PATH = re.compile(r"\s*(?:>|›|»|::)\s*")
_MANY = 5


def find_section(document: Document, name: str) -> OutlineItem:
    """The section a reader means: its outline number, its heading (exact, in any case, in part, or nearly), a path
    ``Methods > Participants``, or ``page 7`` of paged media.

    Raises BadRequest when several sections fit and NotFound when none does; either names at most five outline numbers.
    """
    wanted = name.strip()
    items = _all_items(document)
    if match := _NUMBER.fullmatch(wanted):
        return _numbered(items, int(match[1]), wanted)
    if not wanted:
        raise BadRequest("name a section by its heading or its number in the outline")
    for found in _candidates(items, " ".join(wanted.split())):
        if len(found) == 1:
            return found[0]
        if found:
            raise BadRequest(
                f"that name fits {len(found)} sections; use one of these outline numbers: {_numbers(found)}"
            )
    if (match := _PAGE.fullmatch(wanted)) and document.page_starts:
        return _page_item(document, int(match[1]))
    return _nearly(items, wanted)


def _numbered(items: Sequence[OutlineItem], number: int, wanted: str) -> OutlineItem:
    if 1 <= number <= len(items):
        return items[number - 1]
    for item in items:
        if item.section.heading.strip() == wanted:  # a heading may be a year
            return item
    if not items:
        raise NotFound("the document has no sections; read it by start offset instead")
    raise NotFound(f"the outline has no section of that number; its numbers go from 1 to {len(items)}")


def _candidates(items: Sequence[OutlineItem], wanted: str) -> Iterator[list[OutlineItem]]:
    """Sections that fit a name, from the strictest reading of it to the loosest."""
    lower = wanted.casefold()
    yield [item for item in items if item.section.heading == wanted]
    yield [item for item in items if item.section.heading.casefold() == lower]
    bare = _unnumbered(lower)
    yield [item for item in items if _unnumbered(item.section.heading.casefold()) == bare]
    parts = [part for part in _PATH.split(lower) if part]
    if len(parts) > 1:
        yield [item for item in items if _path_fits(item.section.path, parts)]
    yield [item for item in items if lower in item.section.heading.casefold()]


def _unnumbered(heading: str) -> str:
    return re.sub(r"^[\divx]{1,6}(?:\.\d{1,3}){0,5}[.)]?\s+", "", heading).rstrip(" :.")


def _path_fits(path: Sequence[str], parts: Sequence[str]) -> bool:
    names = [name.casefold() for name in path]
    if not names or names[-1] != parts[-1]:
        return False
    above = iter(names[:-1])
    return all(part in above for part in parts[:-1])


def _nearly(items: Sequence[OutlineItem], wanted: str) -> OutlineItem:
    if not items:
        raise NotFound("the document has no sections; read it by start offset instead")
    from rapidfuzz import fuzz, process, utils

    names = [_unnumbered(item.section.heading.casefold()) for item in items]
    close = process.extract(
        _unnumbered(wanted[:300].casefold()),
        names,
        scorer=fuzz.ratio,
        processor=utils.default_process,
        limit=_MANY,
        score_cutoff=50,
    )
    if close and close[0][1] >= 80 and (len(close) == 1 or close[1][1] < close[0][1] - 5):
        return items[close[0][2]]
    if close:
        near = _numbers([items[index] for _, _, index in close])
        raise NotFound(f"no section has that name; the nearest have these outline numbers: {near}")
    raise NotFound("no section has that name; ask for the outline and use a number from it")


def _numbers(items: Sequence[OutlineItem]) -> str:
    return ", ".join(str(item.number) for item in items[:_MANY])


def _page_item(document: Document, page: int) -> OutlineItem:
    count = len(document.page_starts)
    if not 1 <= page <= count:
        raise NotFound(f"there is no page of that number; the pages go from 1 to {count}")
    start = document.page_starts[page - 1]
    end = document.page_starts[page] if page < count else len(document.text)
    return OutlineItem(
        page, Section(f"page {page}", 1, start, end), EvidenceRef(document.doc_id, start, end), end - start
    )


# -- windows ---------------------------------------------------------------------------------------------------------


def window(
    document: Document,
    *,
    start: int = 0,
    max_chars: int = 8000,
    section: str = "",
    around: EvidenceRef | None = None,
    within: EvidenceRef | None = None,
) -> Window:
    """A stretch of at most ``max_chars`` code points that ends at a paragraph, sentence or word.

    From ``start``; or inside ``section`` (see `find_section`) or ``within`` a span, where ``start`` goes on; or
    ``around`` a reference, with about as much text before it as after. Raises BadRequest for a start or reference
    outside the document, and what `find_section` raises.
    """
    text = document.text
    max_chars = max(max_chars, 1)
    if not 0 <= start <= max(len(text) - 1, 0):
        raise BadRequest(f"start is outside the document; it has {len(text)} characters")
    scope_end = len(text)
    for ref in (around, within):
        _check_inside(document, ref)
    if around is not None:
        start = _start_around(document, around, max_chars)
    elif section or within is not None:
        found = find_section(document, section).ref if section else within or EvidenceRef(document.doc_id)
        scope_start, scope_end = found.start or 0, found.end or len(text)
        start = start if scope_start <= start < scope_end else scope_start
    start = _skip_blank(text, start, scope_end)
    end = _soft_limit(text, start, scope_end, max_chars)
    following = _skip_blank(text, end, scope_end)
    return Window(
        doc_id=document.doc_id,
        text=text[start:end],
        start=start,
        end=end,
        heading=_heading_at(document, start),
        next_start=following if following < scope_end else None,
        total_chars=len(text),
        pages=_pages(document, start, end),
    )


def _pages(document: Document, start: int, end: int) -> tuple[int, int] | None:
    first, last = page_of(document, start), page_of(document, max(end - 1, start))
    return (first, last) if first is not None and last is not None else None


def _heading_at(document: Document, offset: int) -> tuple[str, ...]:
    index = bisect_right(document.sections, offset, key=lambda section: section.start) - 1
    return document.sections[index].path if index >= 0 else ()


def _skip_blank(text: str, start: int, end: int) -> int:
    """Past blank lines, but not past the indent of the first line with text; ``end`` when only white space is left."""
    first, _ = trimmed(text, start, end)
    if first == end:
        return end
    return max(start, text.rfind("\n", start, first) + 1)


_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]{0,3}\s|[。！？｡।॥؟۔]|\n")


def _soft_limit(text: str, start: int, scope_end: int, max_chars: int) -> int:
    limit = start + max_chars
    if limit >= scope_end:
        return start + len(text[start:scope_end].rstrip())
    least = start + max_chars // 2
    paragraph = text.rfind("\n\n", least, limit)
    if paragraph > least:
        return start + len(text[start:paragraph].rstrip())
    ends = [match.end() for match in _SENTENCE_END.finditer(text, least, limit)]
    if ends:
        return start + len(text[start : ends[-1]].rstrip())
    space = max(text.rfind(" ", least, limit), text.rfind("\n", least, limit))
    return space if space > start else limit


def _check_inside(document: Document, ref: EvidenceRef | None) -> None:
    if ref is None:
        return
    if ref.doc_id != document.doc_id:
        raise BadRequest("that reference is to another document; read it by its own doc_id")
    if ref.end is not None and ref.end > len(document.text):
        raise BadRequest(f"that reference ends outside the document; it has {len(document.text)} characters")


def _start_around(document: Document, around: EvidenceRef, max_chars: int) -> int:
    text = document.text
    if around.start is None or around.end is None:
        return 0
    spare = max_chars - (around.end - around.start)
    earliest = around.start - spare // 2
    if spare <= 0 or earliest >= around.start:
        return around.start
    # with little text after the span, the room goes to the text before it
    earliest = max(min(earliest, len(text) - max_chars), 0)
    if earliest == 0:
        return 0
    return _first_beginning(text, earliest, around.start)


def _first_beginning(text: str, earliest: int, latest: int) -> int:
    """Where a paragraph, else a sentence, else a word begins, at or after ``earliest`` but not after ``latest``."""
    paragraph = text.find("\n\n", earliest, (earliest + latest) // 2)
    if paragraph >= 0:
        return paragraph + 2
    match = _SENTENCE_END.search(text, earliest, latest)
    if match:
        return match.end()
    space = text.find(" ", earliest, latest)
    return space + 1 if space >= 0 else latest


# -- marks -----------------------------------------------------------------------------------------------------------

_MARK_CHARS = 400
"""About how much text stands under one mark: a mark costs some 8 tokens, this much text about 100."""


def how_to_cite(document: Document) -> str:
    """How to make a reference of the ``[start-end]`` above a stretch of text."""
    return f"(cite a part as {document.doc_id}:START-END with the numbers above it)"


def marked_text(document: Document, shown: Window, *, by_sentence: bool = False) -> str:
    """The text of a window with its references: ``[start-end]`` on a line before each stretch of about 400 characters
    (or each sentence), under a first line that says how to make a reference of the numbers.

    A stretch is a paragraph, some list items, a table or code block; long paragraphs are parted between sentences.
    """
    lines = [how_to_cite(document)]
    for start, end in _stretches(document, shown, by_sentence):
        lines += (f"[{start}-{end}]", document.text[start:end])
    return "\n".join(lines)


def _stretches(document: Document, shown: Window, by_sentence: bool) -> Iterator[tuple[int, int]]:
    if by_sentence:
        for start, end in sentences(shown.text):
            yield shown.start + start, shown.start + end
        return
    begin = end = -1
    for first, last, whole in _parts(document, shown):
        if (
            begin >= 0
            and (last - begin > _MARK_CHARS * 3 // 2 or end - begin >= _MARK_CHARS // 2)
            and not (end - begin < _MARK_CHARS // 4 and whole)
        ):
            yield begin, end
            begin = first
        begin = first if begin < 0 else begin
        end = last
    if begin >= 0:
        yield begin, end


def _parts(document: Document, shown: Window) -> Iterator[tuple[int, int, bool]]:
    """Blocks of a window, long prose as sentences; the third value says that the part must stay whole."""
    code = document.media_type == "text/x-code"
    for block in blocks(document.text, shown.start, shown.end, code=code):
        if block.end - block.start <= _MARK_CHARS * 3 // 2 or block.kind in ("code", "table"):
            yield block.start, block.end, True
            continue
        for start, end in sentences(document.text[block.start : block.end]):
            yield block.start + start, block.start + end, False
