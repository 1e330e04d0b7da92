"""I have a document: give me the passages that are indexed and returned.

Passages follow the document's own structure: they never cross a section, keep paragraphs, tables, lists and code whole
where they fit, keep what introduces a table or list with it, end at a sentence where they must cut, and are sized for
the window of a small encoder.
"""

from __future__ import annotations

from collections.abc import Iterator

from carrel.documents.blocks import Block, block_of, blocks, heading_end
from carrel.documents.packing import packed
from carrel.records import Document, Passage, Section

__all__ = ["MAX_CHARS", "SPLITTER_VERSION", "split"]

SPLITTER_VERSION = "2"
"""Changes whenever `split` would give other passages for the same document."""

MAX_CHARS = 1400
"""Size of a passage: letters of English prose that fill a 256-token window.

Chosen with `benchmarks.chunking` on every other question, and on the training topics of three test collections: 1,200
finds less of what answers, 1,600 finds no more and returns a seventh more text.
"""


def split(document: Document, *, max_chars: int = MAX_CHARS) -> tuple[Passage, ...]:
    """Cut a document into passages, in order, without overlap, covering every character that is not white space.

    ``passage.text == document.text[passage.start:passage.end]``. A passage costs at most ``max_chars`` (a table or
    code block kept whole, at most twice that), where a character outside the Latin alphabet counts as 5, a punctuation
    mark as 3 and a digit as 2. A heading without text of its own goes with the passage after it.
    """
    max_chars = max(max_chars, 40)
    passages: list[Passage] = []
    waiting: Block | None = None
    sections = document.sections or (Section("", 0, 0, len(document.text)),)
    for section in sections:
        found = packed(document.text, _blocks_of(document, section, waiting), max_chars)
        waiting = found.pop() if found and found[-1].kind == "heading" and found[-1].cost * 2 <= max_chars else None
        passages += (_passage(document, block, section.path) for block in found)
    if waiting is not None:
        passages.append(_passage(document, waiting, sections[-1].path))
    return tuple(passages)


def _passage(document: Document, block: Block, heading: tuple[str, ...]) -> Passage:
    return Passage(document.doc_id, block.start, block.end, document.text[block.start : block.end], heading)


def _blocks_of(document: Document, section: Section, waiting: Block | None) -> Iterator[Block]:
    if waiting is not None:
        yield waiting
    start = section.start
    if section.level:
        start = heading_end(document.text, section)
        heading = block_of(document.text, "heading", section.start, start)
        if heading is not None:
            yield heading
    yield from blocks(document.text, start, section.end, code=document.media_type == "text/x-code")
