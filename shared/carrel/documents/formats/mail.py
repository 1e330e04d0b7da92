"""I have a mail message (RFC 5322, MIME) or a mailbox of them (RFC 4155): give me each message as a section.

The text is read where there is one, else the HTML; attachments are named, never opened; what a message quotes stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from carrel.documents.draft import BROKEN, NO_TEXT, Composer, Draft, Unreadable
from carrel.documents.html import whole
from carrel.documents.media import decode
from carrel.errors import BadRequest

__all__ = ["read"]

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_MAX_DEPTH = 8
_MAX_PARTS = 1_000
_MAX_HEADER = 4_000
_FROM_LINE = re.compile(rb"^From [^\r\n]{0,500}\d{4}[^\r\n]{0,20}\r?$", re.M)
_HEADER_LINE = re.compile(rb"^[!-9;-~]{1,100}:", re.M)


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read a message, or a mailbox that opens with a ``From `` line; raises Unreadable. The hint is not used."""
    out = Composer(max_chars)
    if not data.startswith(b"From "):
        return _one(out, data)
    messages = [message_from_bytes(part, policy=policy.compat32) for part in _messages(data)]
    for message in messages:
        out.heading(_header(message, "Subject") or "Without subject", 1)
        _write(out, message, 0, subject=False)
    if not messages:
        raise Unreadable(NO_TEXT)
    return out.draft(facts={"extractor": "mail", "messages": str(len(messages))})


def _one(out: Composer, data: bytes) -> Draft:
    if not _HEADER_LINE.match(data.lstrip(b"\r\n\xef\xbb\xbf")):
        raise Unreadable(BROKEN)
    message = message_from_bytes(data.lstrip(b"\r\n\xef\xbb\xbf"), policy=policy.compat32)
    attached = _write(out, message, 0, subject=True)
    return out.draft(
        title=_header(message, "Subject"),
        authors=tuple(name or address for name, address in getaddresses([_header(message, "From")]))[:10],
        date=_day(_header(message, "Date")),
        facts={"extractor": "mail", "attachments": str(attached or "")},
    )


def _messages(data: bytes) -> Iterator[bytes]:
    """The messages of a mailbox: a ``From `` line opens one at the start and after each blank line."""
    starts = [
        m
        for m in _FROM_LINE.finditer(data)
        if m.start() == 0 or data[max(m.start() - 4, 0) : m.start()].endswith((b"\n\n", b"\r\n\r\n"))
    ]
    for place, start in enumerate(starts):
        end = starts[place + 1].start() if place + 1 < len(starts) else len(data)
        yield re.sub(rb"^>(>*From )", rb"\1", data[start.end() : end].lstrip(b"\r\n"), flags=re.M)


def _write(out: Composer, message: Message, depth: int, *, subject: bool) -> int:
    """Write headers, body and the names of what is attached; returns how many attachments there are."""
    gap = "\n\n"
    for name in _SHOWN:
        value = _header(message, name)
        if value and (subject or name != "Subject") and out.block(f"{name}: {value}", gap=gap) is not None:
            gap = "\n"
    attached: list[str] = []
    inner: list[Message] = []
    for kind, text in _bodies(message, attached, inner):
        out.block(whole(text) if kind == "html" else text)
    if attached:
        out.block("Attachments: " + "; ".join(attached[:200]))
    for each in inner if depth < _MAX_DEPTH else ():
        out.block("Forwarded message:")
        _write(out, each, depth + 1, subject=True)
    return len(attached)


def _bodies(message: Message, attached: list[str], inner: list[Message]) -> Iterator[tuple[str, str]]:
    """The parts of a message that are its text, of alternatives the plain one; the rest is noted."""
    stack: list[Message] = [message]
    seen = 0
    while stack and seen < _MAX_PARTS:
        part = stack.pop()
        seen += 1
        kind = part.get_content_type()
        children = part.get_payload() if part.is_multipart() else []
        parts = [child for child in children if isinstance(child, Message)] if isinstance(children, list) else []
        if kind == "message/rfc822" or (parts and kind.startswith("message/")):
            inner.extend(parts[:20])
        elif kind == "multipart/alternative":
            stack.append(_chosen(parts)) if parts else None
        elif parts:
            stack.extend(reversed(parts))
        elif part.is_multipart():
            continue
        elif (name := _file_name(part)) or part.get_content_disposition() == "attachment":
            attached.append(name or kind)
        elif kind in ("text/plain", "text/html") and (text := _text(part)):
            yield ("html" if kind == "text/html" else "plain"), text


def _chosen(parts: list[Message]) -> Message:
    """Of alternatives the plain text, unless it is empty or says no more than that there is HTML."""
    plain = next((part for part in parts if part.get_content_type() == "text/plain"), None)
    other = next((part for part in parts if part is not plain and part.get_content_type() != "text/plain"), None)
    if plain is None or (other is not None and len(_text(plain).split()) < 5):
        return other if other is not None else parts[0]
    return plain


def _text(part: Message) -> str:
    try:
        data = part.get_payload(decode=True)
        charset = str(part.get_content_charset("") or "")
    except (MessageError, ValueError, LookupError, AttributeError):
        return ""
    if not isinstance(data, bytes) or not data.strip():
        return ""
    try:
        return decode(data, charset=charset, html=part.get_content_type() == "text/html")[0]
    except BadRequest:  # bytes that are no text, whatever the part says
        return ""


def _file_name(part: Message) -> str:
    try:
        return _decoded(str(part.get_filename("") or ""))[:200]
    except (MessageError, ValueError, LookupError, TypeError):
        return ""


def _header(message: Message, name: str) -> str:
    try:
        found = (value for key, value in message.raw_items() if key.lower() == name.lower())
        return _decoded(str(next(found, "")))
    except (MessageError, ValueError, LookupError):
        return ""


def _decoded(value: str) -> str:
    """A header with its encoded words (RFC 2047) decoded, on one line, at most 4,000 characters."""
    raw = value[:_MAX_HEADER].encode("utf-8", "surrogateescape")
    try:
        value = " ".join(raw.decode("utf-8").split())
    except UnicodeDecodeError:
        value = " ".join(raw.decode("cp1252", "replace").split())
    if "=?" not in value:
        return value
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    shown = []
    for part, charset in parts:
        shown.append(_word(part, charset or "") if isinstance(part, bytes) else part)
    return " ".join("".join(shown).split())


def _word(part: bytes, charset: str) -> str:
    try:
        return decode(part, charset=charset)[0] if charset else part.decode("latin-1")
    except BadRequest:
        return part.decode("ascii", "replace")


def _day(told: str) -> str:
    try:
        return parsedate_to_datetime(told).strftime("%Y-%m-%d") if told else ""
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
