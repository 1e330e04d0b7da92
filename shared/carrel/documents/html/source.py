"""I have the text of an HTML page: give me it without what is no text, so that the parser has less to do.

Scripts, styles, drawings and comments are most of a page's bytes. They are cut out by plain search and kept apart where
they say something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Source", "lighten"]

_RAW = re.compile(r"<(?:!--|([sS](?:[cC][rR][iI][pP][tT]|[tT][yY][lL][eE]|[vV][gG])|xmp|XMP)(?=[\s/>]))")
_CLOSINGS = {name: re.compile(f"</{name}", re.I) for name in ("script", "style", "svg", "xmp")}


@dataclass(slots=True)
class Source:
    """``html`` without scripts, styles, drawings and comments; these, where they say something, beside it."""

    html: str = ""
    styles: list[str] = field(default_factory=list)
    linked_data: list[str] = field(default_factory=list)
    script_chars: int = 0
    loads_scripts: bool = False


def lighten(html: str) -> Source:
    """Cut a page; linear in its length, whatever it holds."""
    found = Source()
    parts: list[str] = []
    place = 0
    missing: set[str] = set()
    while (match := _RAW.search(html, place)) is not None:
        start = match.start()
        parts.append(html[place:start])
        if match[1] is None:
            inner = match.end()
            if html.startswith((">", "->"), inner):
                place = inner + (1 if html[inner] == ">" else 2)
                continue
            stop = html.find("-->", inner)
            if stop < 0:
                place = len(html)
                break
            place = stop + 3
            continue
        name = match[1].lower()
        inner = html.find(">", match.end())
        inner = len(html) if inner < 0 else inner + 1
        stop = html.find(f"</{name}", inner)
        if stop < 0:
            closing = _CLOSINGS[name].search(html, inner) if name not in missing else None
            if closing is None:
                missing.add(name)
                stop = len(html) if name != "svg" else inner
            else:
                stop = closing.start()
        attributes = html[match.end() : inner]
        if name == "script":
            found.script_chars += stop - inner
            found.loads_scripts = found.loads_scripts or "src=" in attributes.lower()
            if "ld+json" in attributes:
                found.linked_data.append(html[inner:stop])
            elif "math/tex" in attributes:
                parts.append(f"<math alttext='{_quoted(html[inner:stop])}'></math>")
        elif name == "style":
            found.styles.append(html[inner:stop])
        elif name == "xmp":
            parts.append(f"<pre>{_quoted(html[inner:stop])}</pre>")
        close = html.find(">", stop) if stop != inner or name != "svg" else stop - 1
        place = len(html) if close < 0 else close + 1
    parts.append(html[place:])
    found.html = "".join(parts)
    return found


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;")
