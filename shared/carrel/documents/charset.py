"""I have bytes of text: in which charset?"""

from __future__ import annotations

import codecs
import re

from carrel.errors import BadRequest

__all__ = ["decode"]

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
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
_PRESCAN, _LATE = 2_048, 64_000  # bytes in which a page's own word is looked for
_GUESS_SAMPLE = 64_000


def decode(data: bytes, *, charset: str = "", html: bool = False) -> tuple[str, str]:
    """Turn bytes into text; returns it with the name of the charset it was read in.

    In order: byte order mark, declared charset (for HTML the ``<meta>`` too), strict UTF-8, a ``<meta>`` further down,
    UTF-16 told by its zero bytes, UTF-8 with a few broken bytes, a guess. Raises BadRequest for what is no text in any
    of them.
    """
    text, name = _decode(data, charset, html)
    _refuse_binary(text)
    return text, name


def _decode(data: bytes, charset: str, html: bool) -> tuple[str, str]:
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data.decode(name, "replace"), name.removesuffix("-sig")
    early = _meta_charset(data, 0, _PRESCAN) if html else ""
    late = _meta_charset(data, _PRESCAN, _LATE) if html and not early else ""  # believed where UTF-8 is out
    for label in (charset, early, "utf-8", late):
        known = _lookup(label)
        if known and (text := _strictly(data, known)) is not None:
            return text, known
    return _decode_damaged(data, _lookup(charset))


def _meta_charset(data: bytes, start: int, stop: int) -> str:
    match = _META_CHARSET.search(data, start, stop)
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
