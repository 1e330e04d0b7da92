"""I have a document that is neither prose, HTML nor PDF: give me its text, section by section.

A reader is a function ``(data, hint, max_chars) -> Draft``; readers of text get UTF-8. Each is imported when it is
asked for, in the process that `carrel.documents.document_child` is, or here for small files of text.
"""

from __future__ import annotations

from carrel.documents.formats.registry import FORMATS, Format, Reader, reader_of

__all__ = ["FORMATS", "Format", "Reader", "reader_of"]
