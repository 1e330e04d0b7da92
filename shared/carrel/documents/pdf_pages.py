"""I am in a process of my own and have a PDF: give me its pages as the PDF library sees them.

Run by `carrel.documents.document_child`. It imports nothing of Carrel, so that the process starts quickly.
"""

from __future__ import annotations

from typing import Any

__all__ = ["read"]

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY in fpdfview.h
_SECURITY_ERROR = 5


def read(data: bytes, max_pages: int, max_chars: int) -> dict[str, Any]:
    """Text and line looks per page, bookmarks and document facts of a PDF."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data)
        total = len(pdf)
    except pypdfium2.PdfiumError as error:
        code = getattr(error, "err_code", None)
        return {"problem": "encrypted" if code in (_PASSWORD_ERROR, _SECURITY_ERROR) else "broken"}
    pages: list[str] = []
    looks: list[list[Look]] = []
    unreadable = chars = 0
    for number in range(min(total, max_pages)):
        try:
            text, look = read_page(pdf, number)
        except pypdfium2.PdfiumError:  # one broken page spares the rest
            unreadable += 1
            text, look = "", []
        pages.append(text)
        looks.append(look)
        chars += len(text)
        if chars > max_chars:
            return {"problem": "too_big"}
    return {
        "pages": pages,
        "looks": looks,
        "total": total,
        "unreadable": unreadable,
        "facts": facts_of(pdf),
        "bookmarks": bookmarks_of(pdf),
    }


Look = tuple[float, int, float]


def read_page(pdf: Any, number: int) -> tuple[str, list[Look]]:
    """The text of a page and, for each line of it, (size, weight, bottom) of its type; (0, 0, 0) where unknown."""
    page = pdf[number]
    textpage = page.get_textpage()
    text: str = textpage.get_text_range()
    looks = []
    offset = 0
    for line in text.split("\r\n"):
        looks.append(look_of(textpage, line, offset))
        offset += len(line) + 2
    textpage.close()
    page.close()
    return text, looks


def look_of(textpage: Any, line: str, offset: int) -> Look:
    """How a line is set, told by three of its letters; size 0 when they differ, weight the least of them."""
    from pypdfium2 import raw

    letters = [place for place, character in enumerate(line[:400]) if character.isalnum()]
    if not letters:
        return 0, 0, 0
    sizes, weights = set(), []
    for place in (letters[0], letters[len(letters) // 2], letters[-1]):
        # PDFium's own index can drift from the text where it leaves characters out: then nothing is known
        if raw.FPDFText_GetUnicode(textpage.raw, offset + place) != ord(line[place]):
            return 0, 0, 0
        sizes.add(round(raw.FPDFText_GetFontSize(textpage.raw, offset + place), 1))
        weights.append(raw.FPDFText_GetFontWeight(textpage.raw, offset + place))
    bottom = textpage.get_charbox(offset + letters[0], loose=True)[1]
    return (sizes.pop() if len(sizes) == 1 else 0), max(min(weights), 0), round(bottom, 1)


def facts_of(pdf: Any) -> dict[str, str]:
    """Title, Author, CreationDate … as the document says them, each at most 1,000 characters."""
    return {key: str(value)[:1000] for key, value in pdf.get_metadata_dict(skip_empty=True).items()}


def bookmarks_of(pdf: Any) -> list[tuple[str, int, int]]:
    """Title, level from 0 and page number from 0 of at most 2,000 bookmarks."""
    found: list[tuple[str, int, int]] = []
    for item in pdf.get_toc(max_depth=6):
        if len(found) >= 2000:
            break
        dest = item.get_dest()
        page = dest.get_index() if dest is not None else None
        if page is not None:
            found.append((item.get_title()[:300], item.level, page))
    return found
