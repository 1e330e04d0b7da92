"""What each system makes of a page. A peer that is not installed raises ImportError when it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.extraction.scores import plain

__all__ = ["RIVAL", "SYSTEMS", "Extractor", "System"]

Extractor = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class System:
    """A way from HTML to the words of its content, and the packages whose versions tell which."""

    name: str
    packages: tuple[str, ...]
    load: Callable[[], Extractor]


def _carrel() -> Extractor:
    from carrel.documents.html import extract

    return lambda html: plain(extract(html).markdown)


def _trafilatura() -> Extractor:
    from trafilatura import extract

    return lambda html: extract(html) or ""


def _readability() -> Extractor:
    import html_text
    from readability import Document

    return lambda html: html_text.extract_text(Document(html).summary())


def _resiliparse() -> Extractor:
    from resiliparse.extract.html2text import extract_plain_text

    return lambda html: extract_plain_text(html, main_content=True)


def _reference_server() -> Extractor:
    """What the MCP reference fetch server does where there is no Node: the same two calls, with the same options."""
    import markdownify
    from readabilipy.simple_json import simple_json_from_html_string

    def run(html: str) -> str:
        content = simple_json_from_html_string(html, use_readability=False)["content"]
        return plain(markdownify.markdownify(content, heading_style=markdownify.ATX)) if content else ""

    return run


def _whole_text() -> Extractor:
    from selectolax.lexbor import LexborHTMLParser

    def run(html: str) -> str:
        tree = LexborHTMLParser(html)
        tree.strip_tags(["script", "style", "noscript", "template"])
        return tree.body.text(separator=" ") if tree.body else ""

    return run


RIVAL = "trafilatura"
SYSTEMS = {
    "carrel": System("Carrel", ("carrel", "selectolax"), _carrel),
    "trafilatura": System("trafilatura", ("trafilatura", "lxml"), _trafilatura),
    "readability": System("readability-lxml + html-text", ("readability-lxml", "html-text", "lxml"), _readability),
    "resiliparse": System("resiliparse, main content", ("Resiliparse",), _resiliparse),
    "reference": System("MCP reference fetch server, no Node", ("readabilipy", "markdownify"), _reference_server),
    "whole": System("all text", ("selectolax",), _whole_text),
}
