"""I have bytes: what kind of document is this, and in which charset?"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from carrel.errors import BadRequest, Unsupported

__all__ = ["SUFFIXES", "decode", "media_type_of"]

HTML = "text/html"
PDF = "application/pdf"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"
RST = "text/x-rst"
METADATA = "text/x-python-metadata"


def _words(text: str) -> list[str]:
    return text.split()


_CODE = _words(
    "py pyi js mjs cjs ts tsx jsx java c h cc cpp cxx hpp hh cs go rs rb php swift kt kts scala sh bash zsh fish "
    "ps1 pl pm r jl lua sql m mm f90 f95 hs ml ex exs erl clj lisp el vim tcl dart zig nim proto cmake gradle css "
    "scss"
)
_DATA = _words("json jsonl ndjson csv tsv yaml yml toml ini cfg conf xml svg log tex bib ris srt vtt diff patch")

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        ".md": MARKDOWN,
        ".markdown": MARKDOWN,
        ".mdown": MARKDOWN,
        ".mkd": MARKDOWN,
        ".mdx": MARKDOWN,
        ".txt": PLAIN,
        ".text": PLAIN,
        ".rst": RST,
        ".rest": RST,
        ".html": HTML,
        ".htm": HTML,
        ".xhtml": HTML,
        ".pdf": PDF,
        **{f".{suffix}": "text/x-code" for suffix in _CODE},
        **{f".{suffix}": "text/x-data" for suffix in _DATA},
        ".json": "application/json",
        ".csv": "text/csv",
    }
)
"""File suffix (lower case, with its dot) to media type: what `parse` reads."""

_NAMES = {"metadata": METADATA, "pkg-info": METADATA, "license": PLAIN, "readme": PLAIN, "makefile": "text/x-code"}

_TEXT_APPLICATIONS = re.compile(
    r"application/(?:.+\+(?:json|xml|yaml)|json|xml|yaml|x-yaml|toml|javascript|ecmascript|x-javascript|sql|x-sh|x-tex|"
    r"x-latex|x-bibtex|x-ndjson|jsonl|x-python|x-research-info-systems|graphql)"
)
_KNOWN = {
    "text/x-markdown": MARKDOWN,
    "application/xhtml+xml": HTML,
    "application/x-pdf": PDF,
    "text/prs.fallenstein.rst": RST,
    "text/restructuredtext": RST,
}
_UNTOLD = ("", "application/octet-stream", "binary/octet-stream", "application/x-download", "application/unknown")

# First bytes of formats that are not text, with the words a person knows them by.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Office, OpenDocument or EPUB file"),
    (b"PK\x05\x06", "a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"{\\rtf", "a Rich Text file"),
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!\x1a", "a RAR archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\x00", "a picture"),
    (b"MM\x00*", "a picture"),
    (b"\x00\x00\x01\x00", "a picture"),
    (b"RIFF", "a sound, picture or video file"),
    (b"OggS", "a sound or video file"),
    (b"ID3", "a sound file"),
    (b"\x1aE\xdf\xa3", "a video file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\x00asm", "a program"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"wOF", "a font"),
)
_SPACE_OR_BOM = b" \t\r\n\x0c\xef\xbb\xbf"
_HTML_START = re.compile(rb"(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


def media_type_of(data: bytes, *, source: str = "", media_type: str = "") -> str:
    """Decide the media type: from what was declared, else the suffix of ``source``, else the bytes.

    Bytes that are plainly a PDF or another binary format win over either. Raises Unsupported, naming the kind of
    file in general words, for what cannot be read.
    """
    if b"%PDF-" in data[:1024]:
        return PDF
    _refuse_known_binary(data)
    declared = _normalised(media_type)
    if declared in _UNTOLD:
        declared = _by_name(source)
    looks_html = bool(_HTML_START.match(data[:2048].lstrip(_SPACE_OR_BOM)))
    if declared == PDF:
        if looks_html:
            return HTML
        raise BadRequest("this is called a PDF but does not begin like one; download it again or check the address")
    if not declared:
        return HTML if looks_html else PLAIN
    if declared.startswith("text/") or _TEXT_APPLICATIONS.fullmatch(declared):
        return declared
    raise Unsupported("this type of file cannot be read as text; convert it to PDF, HTML, Markdown or plain text first")


def _normalised(media_type: str) -> str:
    plain = media_type.partition(";")[0].strip().lower()
    return _KNOWN.get(plain, plain)


def _by_name(source: str) -> str:
    path = PurePosixPath(re.split(r"[?#]", source, maxsplit=1)[0].replace("\\", "/")[-1024:])
    return SUFFIXES.get(path.suffix.lower(), "") or _NAMES.get(path.name.lower(), "")


def _refuse_known_binary(data: bytes) -> None:
    for magic, words in _MAGIC:
        if data.startswith(magic):
            raise Unsupported(f"this is {words}, not text; convert it to PDF, HTML, Markdown or plain text first")
    if data[4:8] == b"ftyp":
        raise Unsupported("this is a video or picture, not text; give a transcript or a text version instead")


# -- charset ---------------------------------------------------------------------------------------------------------

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Labels read as their superset, as browsers do (WHATWG Encoding Standard, section 4.2).
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
# Python also knows codecs that are no charset, and some (idna, punycode) that take quadratic time.
_CHARSETS = re.compile(
    r"(?:utf-(?:8|16|32)(?:-(?:le|be|sig))?|ascii|cp\d+|iso8859-\d+|koi8-[rut]|mac-\w+|gb2312|gbk|gb18030|big5(?:hkscs)?|"
    r"shift_jis\w*|euc_\w+|iso2022_\w+|hz|johab|tis-620|ptcp154|kz1048)"
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
_GUESS_SAMPLE = 64_000


def decode(data: bytes, *, charset: str = "", html: bool = False) -> tuple[str, str]:
    """Turn bytes into text; returns it with the name of the charset it was read in.

    In order: byte order mark, declared charset (for HTML the ``<meta>`` too), strict UTF-8, UTF-16 told by its zero
    bytes, UTF-8 with a few broken bytes, a guess. Raises BadRequest for what is no text in any of them.
    """
    text, name = _decode(data, charset, html)
    _refuse_binary(text)
    return text, name


def _decode(data: bytes, charset: str, html: bool) -> tuple[str, str]:
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data.decode(name, "replace"), name.removesuffix("-sig")
    for label in (charset, _meta_charset(data) if html else ""):
        known = _lookup(label)
        if known and (text := _strictly(data, known)) is not None:
            return text, known
    if (text := _strictly(data, "utf-8")) is not None:
        return text, "utf-8"
    return _decode_damaged(data, _lookup(charset))


def _meta_charset(data: bytes) -> str:
    match = _META_CHARSET.search(data, 0, 2048)
    label = match[1].decode("ascii", "replace") if match else ""
    return "" if label.lower().startswith("utf-16") else label  # the meta was readable as ASCII, so it is not UTF-16


def _lookup(label: str) -> str:
    try:
        name = codecs.lookup(label.strip().strip("\"'")[:40]).name if label.strip() else ""
    except (LookupError, ValueError):
        return ""
    return _SUPERSETS.get(name, name) if _CHARSETS.fullmatch(name) else ""


def _strictly(data: bytes, name: str) -> str | None:
    """The text, or None when the bytes are not in that charset (nothing went wrong: it was the wrong guess)."""
    try:
        text = data.decode(name)
    except (UnicodeDecodeError, UnicodeError):
        return None
    # UTF-16 without a mark often decodes as UTF-8 or a code page with a zero after every letter
    return None if text.count("\0") * 4 > len(text) else text


def _decode_damaged(data: bytes, declared: str) -> tuple[str, str]:
    head = data[:4096]
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if zeros.count(0) * 2 > len(zeros) > 1:
            return data.decode(name, "replace"), name
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken * 10 <= len(data) - len(text):  # far more good multi-byte characters than bad bytes
        return text, "utf-8"
    if declared and declared != "utf-8":
        return data.decode(declared, "replace"), declared
    return _decode_guessed(data)


def _decode_guessed(data: bytes) -> tuple[str, str]:
    from charset_normalizer import from_bytes

    sample = (
        data if len(data) <= _GUESS_SAMPLE else data[: data.rfind(b"\n", 1, _GUESS_SAMPLE) + 1] or data[:_GUESS_SAMPLE]
    )
    matches = list(from_bytes(sample, steps=5, chunk_size=512))
    # Rare code pages read short Western text nearly as well: the common one is preferred where it does about as well.
    likely = [m for m in matches if m.encoding == "cp1252" and m.chaos <= matches[0].chaos + 0.02] + matches
    name = _lookup(likely[0].encoding) if likely else ""
    return data.decode(name or "cp1252", "replace"), name or "cp1252"


def _refuse_binary(text: str) -> None:
    """Raise BadRequest when too much of the text is characters that no text has.

    More than 1 in 200 control characters or 1 in 20 undecodable ones in the first 100,000, or a zero in the
    first 1,000.
    """
    sample = text[:100_000]
    controls = len(_CONTROLS.findall(sample)) + sample.count("\ufffd") // 10
    if "\0" in text[:1000] or controls * 200 > len(sample) or text.count("\0") * 200 > len(text):
        raise BadRequest("this is binary data, not text; give a text, Markdown, HTML or PDF file")
