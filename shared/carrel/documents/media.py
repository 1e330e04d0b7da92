"""I have bytes: what kind of document is this?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from carrel.documents.charset import decode
from carrel.errors import BadRequest, Unsupported

__all__ = ["SUFFIXES", "decode", "media_type_of", "suffix_of"]

HTML = "text/html"
PDF = "application/pdf"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"
RST = "text/x-rst"
METADATA = "text/x-python-metadata"
CODE = "text/x-code"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
NOTEBOOK = "application/x-ipynb+json"
CSV = "text/csv"
TSV = "text/tab-separated-values"
BIBTEX = "application/x-bibtex"
RIS = "application/x-research-info-systems"
MAIL = "message/rfc822"
MAILBOX = "application/mbox"
SVG = "image/svg+xml"
JATS = "application/jats+xml"
EPUB = "application/epub+zip"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
XLS = "application/vnd.ms-excel"
ODT = "application/vnd.oasis.opendocument.text"
ODP = "application/vnd.oasis.opendocument.presentation"
ODS = "application/vnd.oasis.opendocument.spreadsheet"


def _words(text: str) -> list[str]:
    return text.split()


_CODE = _words(
    "py pyi js mjs cjs ts tsx jsx java c h cc cpp cxx hpp hh cs go rs rb php swift kt kts scala sh bash zsh fish "
    "ps1 pl pm r jl lua sql m mm f90 f95 hs ml ex exs erl clj lisp el vim tcl dart zig nim proto cmake gradle css "
    "scss"
)
_DATA = _words("yaml yml toml ini cfg conf xml log tex srt vtt diff patch")

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
        ".docx": DOCX,
        ".docm": DOCX,
        ".dotx": DOCX,
        ".pptx": PPTX,
        ".pptm": PPTX,
        ".ppsx": PPTX,
        ".potx": PPTX,
        ".xlsx": XLSX,
        ".xlsm": XLSX,
        ".xltx": XLSX,
        ".xlsb": XLSB,
        ".xls": XLS,
        ".odt": ODT,
        ".ott": ODT,
        ".odp": ODP,
        ".ods": ODS,
        ".epub": EPUB,
        **{f".{suffix}": CODE for suffix in _CODE},
        **{f".{suffix}": "text/x-data" for suffix in _DATA},
        ".json": JSON,
        ".geojson": JSON,
        ".jsonl": JSON_LINES,
        ".ndjson": JSON_LINES,
        ".ipynb": NOTEBOOK,
        ".csv": CSV,
        ".tsv": TSV,
        ".tab": TSV,
        ".bib": BIBTEX,
        ".ris": RIS,
        ".nbib": RIS,
        ".eml": MAIL,
        ".mbox": MAILBOX,
        ".svg": SVG,
        ".nxml": JATS,
    }
)
"""File suffix (lower case, with its dot) to media type: what `parse` reads."""

_NAMES = {"metadata": METADATA, "pkg-info": METADATA, "license": PLAIN, "readme": PLAIN, "makefile": CODE}

_TEXT_APPLICATIONS = re.compile(
    r"application/(?:.+\+(?:json|xml|yaml)|json|xml|yaml|x-yaml|toml|javascript|ecmascript|x-javascript|sql|x-sh|x-tex|"
    r"x-latex|x-python|graphql)"
)
_KNOWN = {
    "text/x-markdown": MARKDOWN,
    "application/xhtml+xml": HTML,
    "application/x-pdf": PDF,
    "text/prs.fallenstein.rst": RST,
    "text/restructuredtext": RST,
    "text/json": JSON,
    "application/jsonl": JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/jsonlines": JSON_LINES,
    "application/ndjson": JSON_LINES,
    "application/geo+json": JSON,
    "application/csv": CSV,
    "text/x-csv": CSV,
    "text/tsv": TSV,
    "text/x-bibtex": BIBTEX,
    "application/bibtex": BIBTEX,
    "application/ris": RIS,
    "application/x-mbox": MAILBOX,
    "application/vnd.ms-word.document.macroenabled.12": DOCX,
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": PPTX,
    "application/vnd.ms-excel.sheet.macroenabled.12": XLSX,
}
_STRUCTURED = (JSON, JSON_LINES, NOTEBOOK, BIBTEX, RIS, MAIL, MAILBOX, SVG, JATS)
_XML = ("application/xml", "text/xml")
_ZIPPED = (DOCX, PPTX, XLSX, XLSB, ODT, ODP, ODS, EPUB)
_UNTOLD = ("", "application/octet-stream", "binary/octet-stream", "application/x-download", "application/unknown")

# The first entries of a zip's directory that say what it is (ECMA-376; OpenDocument and EPUB say it in ``mimetype``).
_PARTS = re.compile(
    rb"PK\x01\x02.{42}(?:(word/)document\d{0,2}\.xml|(ppt/)presentation\d{0,2}\.xml|(xl/)workbook\d{0,2}\.xml|(xl/)workbook\.bin|(META-INF/container\.xml))",
    re.S,
)
_PART_TYPES = (DOCX, PPTX, XLSX, XLSB, EPUB)
_MIMETYPE = re.compile(rb"PK\x03\x04.{26}mimetype(?:.{0,40}?)(application/[a-z.+-]{1,60})", re.S)
_DIRECTORY = 4 * 1024 * 1024  # most bytes of a zip's directory that are looked at
_END = 66_000  # bytes at the end of a zip in which its last record lies (a comment may follow: at most 65,535)
_OLE = b"\xd0\xcf\x11\xe0"
_WORKBOOK_NAMES = ("Workbook".encode("utf-16-le"), "Book\0".encode("utf-16-le"))
_PROTECTED_NAME = "EncryptedPackage".encode("utf-16-le")

# First bytes of formats that are not text, with the words a person knows them by.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (_OLE, "an Office file of before 2007 or a mail of Outlook"),
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
# An article, or the set PMC sends, that begins with what JATS calls its front; HTML has ``article`` too, without one.
_JATS_START = re.compile(
    rb"(?>\s|<\?[^>]{0,500}>|<!--.{0,500}?-->|<!DOCTYPE\s+(?:article|pmc-articleset)[^>\[]{0,500}>"
    rb"|<pmc-articleset[^>]{0,200}>)*+<article\b[^>]{0,2000}>(?>\s|<!--.{0,500}?-->|<\?[^>]{0,500}>)*+<front\b",
    re.S,
)
_HTML_START = re.compile(rb"(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)


def media_type_of(data: bytes, *, source: str = "", media_type: str = "") -> str:
    """Decide the media type: from what was declared, else the suffix of ``source``, else the bytes.

    Bytes that are plainly a PDF or another binary format win over either. Raises Unsupported, naming the kind of
    file in general words, for what cannot be read.
    """
    if b"%PDF-" in data[:1024]:
        return PDF
    if contained := _contained(data, source, media_type):
        return contained
    _refuse_known_binary(data)
    declared = _normalised(media_type)
    if declared in _UNTOLD:
        declared = _by_name(source)
    if (declared in (*_XML, "") or suffix_of(source) == ".xml") and _JATS_START.match(
        data[:8192].lstrip(_SPACE_OR_BOM)
    ):
        return JATS
    looks_html = bool(_HTML_START.match(data[:2048].lstrip(_SPACE_OR_BOM)))
    if declared == PDF:
        if looks_html:
            return HTML
        raise BadRequest("this is called a PDF but does not begin like one; download it again or check the address")
    if declared in (*_ZIPPED, XLS):
        if looks_html:
            return HTML
        raise BadRequest("this is called an Office file or book but is none; download it again or check the address")
    if not declared:
        return HTML if looks_html else PLAIN
    if declared in _STRUCTURED or declared.startswith("text/") or _TEXT_APPLICATIONS.fullmatch(declared):
        return declared
    raise Unsupported("this type of file cannot be read as text; convert it to PDF, HTML, Markdown or plain text first")


def _contained(data: bytes, source: str, media_type: str) -> str:
    """What a zip or an old Office container holds, told by its parts; empty for another file or an unknown content.

    Raises BadRequest for an Office file with a password. A zip too damaged to tell is what it is called.
    """
    if data.startswith(_OLE):
        if _PROTECTED_NAME in data:
            raise BadRequest("the file is protected with a password; save a copy without one and give that")
        return XLS if any(name in data for name in _WORKBOOK_NAMES) else ""
    if not data.startswith(b"PK\x03\x04"):
        return ""
    if match := _MIMETYPE.match(data[:256]):
        told = match[1].decode("ascii").removesuffix("-template")
        if told in _ZIPPED:
            return told
    end = data.rfind(b"PK\x05\x06", max(len(data) - _END, 0))
    if end >= 0 and (match := _PARTS.search(data, *_directory(data, end))):
        return next(kind for kind, part in zip(_PART_TYPES, match.groups(), strict=True) if part)
    declared = _normalised(media_type)
    declared = _by_name(source) if declared in _UNTOLD else declared
    return declared if declared in _ZIPPED and end < 0 else ""


def _directory(data: bytes, end: int) -> tuple[int, int]:
    """Where the directory of a zip lies that ends at ``end``: archives within it have directories of their own."""
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    return max(end - min(size, _DIRECTORY), 0), end


def _normalised(media_type: str) -> str:
    plain = media_type.partition(";")[0].strip().lower()
    return _KNOWN.get(plain, plain)


def suffix_of(source: str) -> str:
    """The suffix of a path or URL in lower case, with its dot; empty when it has none."""
    return _path_of(source).suffix.lower()


def _path_of(source: str) -> PurePosixPath:
    return PurePosixPath(re.split(r"[?#]", source, maxsplit=1)[0].replace("\\", "/")[-1024:])


def _by_name(source: str) -> str:
    return SUFFIXES.get(suffix_of(source), "") or _NAMES.get(_path_of(source).name.lower(), "")


def _refuse_known_binary(data: bytes) -> None:
    for magic, words in _MAGIC:
        if data.startswith(magic):
            raise Unsupported(f"this is {words}, not text; convert it to PDF, HTML, Markdown or plain text first")
    if data[4:8] == b"ftyp":
        raise Unsupported("this is a video or picture, not text; give a transcript or a text version instead")
