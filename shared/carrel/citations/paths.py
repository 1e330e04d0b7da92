"""Where a reference, or a caller, names a document of the library by the path or the title it was added under."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

__all__ = ["find_paths", "path_of", "sources_of"]

_ROOTED = re.compile(r"(?:(?<=^)|(?<=[\s(\[<`\"'“]))(?:file:/{1,3}|~/|\.{1,2}/|/(?!/)|[A-Za-z]:\\)[^\n`\"<>|“”]{1,400}")
_RELATIVE = re.compile(r"(?:(?<=^)|(?<=[\s(\[<`\"'“]))(?:[\w.@+-]{1,80}/){1,12}[\w.@+-]{1,120}")
_NOTE = re.compile(r"(?:(?<=^)|(?<=[\s(`]))(text:[^\n`]{1,300})")
_MOST = 12  # candidates that one reference gives


def find_paths(text: str) -> tuple[str, ...]:
    """What in a reference may be the source of a stored document, likeliest first; () when nothing looks like one."""
    found: list[str] = []
    for match in _ROOTED.finditer(text):
        found += _ends_at_suffix(match.group()) or [_trim(match.group().split()[0])]
    for match in _RELATIVE.finditer(text):
        bare = _trim(match.group())
        if _has_suffix(bare) and not any(bare in path for path in found):
            found.append(bare)
    for match in _NOTE.finditer(text):
        found += _shorter_and_shorter(match[1])
    return tuple(dict.fromkeys(path for path in found if len(path.strip("/.~")) > 1))[:_MOST]


def path_of(source: str) -> tuple[str, ...]:
    """``source`` itself when it is a path, ``file://`` address or ``text:`` name rather than a text; else ()."""
    if len(source) > 400 or "\n" in source or re.match(r"https?://", source, re.I):
        return ()
    rooted = re.match(r"file:/|~/|\.{1,2}/|/(?!/)|[A-Za-z]:\\", source) is not None
    if source.startswith("text:") or (rooted and (_has_suffix(source) or not re.search(r"\s", source))):
        return (source,)
    single = not re.search(r"\s", source) and re.fullmatch(r"[\w./\\@+~-]+", source) is not None
    return (source,) if single and (_has_suffix(source) or ("/" in source and source.isascii())) else ()


def sources_of(path: str, roots: Sequence[Path]) -> Iterator[str]:
    """The sources under which the library may have kept what ``path`` names."""
    yield path
    if path.startswith("text:") or "\0" in path:
        return
    bare = unquote(re.sub(r"^file:/{2}(?:localhost)?(?=/)|^file:", "", path)) if path.startswith("file:") else path
    plain = str(_at_home(bare))
    yield from dict.fromkeys((bare, plain, os.path.normpath(plain)))
    for folder in (Path(),) if Path(plain).is_absolute() else roots:
        yield os.path.normpath(folder / plain)
        yield os.path.realpath(folder / plain)  # files are kept under their real path


def _at_home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # nobody of that name, or no home
        return Path(path)


def _has_suffix(text: str) -> bool:
    from carrel.documents import SUFFIXES

    return Path(text).suffix.lower() in SUFFIXES and len(Path(text).stem) > 0


def _ends_at_suffix(text: str) -> list[str]:
    """``text`` up to each place where a known file suffix ends: a path may have spaces in it."""
    ends = [match.end() for match in re.finditer(r"\.\w{1,8}(?![\w/])", text)]
    return [text[:end] for end in ends if _has_suffix(text[:end])][:3]


def _shorter_and_shorter(name: str) -> list[str]:
    """A title ends where the entry does, or at some full stop before."""
    cuts = [match.start() for match in re.finditer(r"\.(?=\s|$)", name)]
    return [name.strip(), *(name[:cut].strip() for cut in reversed(cuts))][:_MOST]


def _trim(path: str) -> str:
    return path.rstrip(".,;:!?)]}>'")
