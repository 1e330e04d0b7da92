"""Files made to do harm: each ends in a clear error, in bounded time and memory, and the next one is read."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from carrel.documents import MAX_BYTES, parse
from carrel.documents.draft import BROKEN, Draft, Unreadable
from carrel.documents.formats import FORMATS
from carrel.documents.formats.reading import IN_PROCESS, read_format
from carrel.documents.media import SUFFIXES
from carrel.documents.sandbox import Limits, ask_child
from carrel.errors import BadRequest, CarrelError, Refused, Unsupported

TIGHT = Limits(seconds=20, cpu_seconds=1, memory=200 << 20, chars=2_000_000)
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def zipped(parts: dict[str, bytes | str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in parts.items():
            target.writestr(name, text)
    return held.getvalue()


def word(body: str, head: str = "") -> bytes:
    return zipped({"word/document.xml": f'{head}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'})


def text(words: str) -> str:
    return f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"


def sheets(content: str, count: int = 1, strings: str = "") -> bytes:
    names = "".join(f'<sheet name="S{n}" r:id="r{n}"/>' for n in range(count))
    targets = "".join(f'<Relationship Id="r{n}" Type="x/worksheet" Target="s.xml"/>' for n in range(count))
    targets += '<Relationship Id="t" Type="x/sharedStrings" Target="t.xml"/>'
    return zipped(
        {
            "xl/workbook.xml": f'<workbook xmlns:r="r"><sheets>{names}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f"<Relationships>{targets}</Relationships>",
            "xl/s.xml": f"<worksheet><sheetData>{content}</sheetData></worksheet>",
            "xl/t.xml": f"<sst>{strings}</sst>",
        }
    )


def laughs() -> str:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY l0 "ha">{lines}]>'


def bomb() -> bytes:
    """A gigabyte of spaces in a part of one megabyte, squeezed once."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as target, target.open("word/document.xml", "w") as part:
        part.write(f'<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>'.encode())
        for _ in range(600):
            part.write(b" " * 1_000_000)
    return held.getvalue()


def lying_size() -> bytes:
    """A directory that says a part is small while it is not."""
    data = word(text("a" * 5_000_000))
    place = data.rindex(b"PK\x01\x02")
    return data[: place + 24] + struct.pack("<I", 10) + data[place + 28 :]


def encrypted_part() -> bytes:
    data = bytearray(word(text("hello")))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    return bytes(data)


HARM: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a gigabyte of spaces": (".docx", bomb),
    "a part larger than it says": (".docx", lying_size),
    "entities within entities": (".docx", lambda: word(text("&l9;"), laughs())),
    "entities in UTF-16": (".docx", lambda: zipped({"word/document.xml": (laughs() + "<a>&l9;</a>").encode("utf-16")})),
    "a file of the machine": (
        ".docx",
        lambda: word(text("&x;"), '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/hostname">]>'),
    ),
    "an undeclared entity": (".docx", lambda: word(text("&x;"), '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">')),
    "elements within elements": (".docx", lambda: word("<w:sdt><w:sdtContent>" * 100_000)),
    "one endless paragraph": (".docx", lambda: word(f"<w:p>{'<w:r><w:t>ab</w:t></w:r>' * 2_000_000}</w:p>")),
    "a million entries": (
        ".docx",
        lambda: zipped({f"{n}": b"" for n in range(25_000)} | {"word/document.xml": b"<a/>"}),
    ),
    "an encrypted part": (".docx", encrypted_part),
    "half a file": (".docx", lambda: word(text("hello" * 100))[:200]),
    "not the part it names": (".docx", lambda: zipped({"word/document.xml": b"\x00\xff" * 100})),
    "a million rows": (".xlsx", lambda: sheets('<row><c><v>1</v></c><c t="str"><v>abcdefgh</v></c></row>' * 500_000)),
    "a hundred thousand sheets": (".xlsx", lambda: sheets("<row><c><v>1</v></c></row>" * 20_000, 100_000)),
    "one long string everywhere": (
        ".xlsx",
        lambda: sheets(
            f"<row>{'<c t=' + chr(34) + 's' + chr(34) + '><v>0</v></c>' * 100}</row>" * 999,
            1,
            f"<si><t>{'x' * 99_999}</t></si>",
        ),
    ),
    "an old workbook that is none": (".xls", lambda: b"\xd0\xcf\x11\xe0" + "Workbook".encode("utf-16-le") * 99),
    "brackets": (".json", lambda: b"[" + b"[]," * 6_000_000 + b"[]]"),
    "parts within parts": (
        ".eml",
        lambda: b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2_500)),
    ),
    "a mailbox of empty mails": (".mbox", lambda: b"From a 2024\n\n" * 300_000),
    "a book that repeats itself": (
        ".epub",
        lambda: zipped(
            {
                "META-INF/container.xml": '<c><rootfile full-path="b.opf"/></c>',
                "b.opf": "<package><manifest>"
                + "".join(f'<item id="{n}" href="a.xhtml" media-type="text/html"/>' for n in range(5_000))
                + "</manifest><spine>"
                + "".join(f'<itemref idref="{n}"/>' for n in range(5_000))
                + "</spine></package>",
                "a.xhtml": "<p>words</p>" * 5_000,
            }
        ),
    ),
}


@pytest.mark.parametrize("name", HARM)
def test_a_harmful_file_is_refused_within_its_limits(name: str) -> None:
    suffix, made = HARM[name]
    data = made()
    begin = time.monotonic()
    with pytest.raises((BadRequest, Refused)) as caught:
        read_format(FORMATS[SUFFIXES[suffix]], data, suffix, limits=TIGHT)
    assert time.monotonic() - begin < TIGHT.seconds + 20
    assert caught.value.kind in ("invalid", "unsupported", "refused") and "hostname" not in str(caught.value)


def test_the_error_says_what_the_matter_is() -> None:
    for data, said in ((encrypted_part(), "password"), (HARM["half a file"][1](), "cut off"), (word(""), "no text")):
        with pytest.raises(BadRequest, match=said):
            parse(data, source="a.docx")
    office = b"\xd0\xcf\x11\xe0" + bytes(600)
    with pytest.raises(BadRequest, match="protected with a password"):
        parse(office + "EncryptedPackage".encode("utf-16-le"), source="a.docx")
    with pytest.raises(Unsupported, match="convert it"):
        parse(office + "WordDocument".encode("utf-16-le"), source="a.doc")
    with pytest.raises(BadRequest, match="called an Office file"):
        parse(b"plain words", source="a.docx")
    assert parse(b"<html><body><p>Log in first.</p></body></html>", source="a.docx").media_type == "text/html"


def test_a_reader_over_its_wall_clock_is_killed_and_the_next_file_is_read() -> None:
    limits = Limits(seconds=1, cpu_seconds=60, memory=4 << 30, chars=1 << 40)
    data = sheets("<row><c><v>1</v></c></row>" * 3_000_000)
    begin = time.monotonic()
    with pytest.raises(Unreadable):
        ask_child("xlsx", data, limits)
    assert time.monotonic() - begin < 30
    assert parse(word(text("fine")), source="a.docx").text == "fine"


def test_more_text_than_allowed_is_refused() -> None:
    with pytest.raises(Refused):
        read_format(FORMATS["text/csv"], b"a,b\n" + b"word,2\n" * 1_000, ".csv", limits=Limits(chars=5_000))


def test_formats_are_read_at_the_same_time_from_many_threads() -> None:
    files = [(word(text("fine")), "a.docx"), (b"a,b\n1,2\n", "a.csv"), (b"def f(): '\\d'\n", "a.py")] * 6
    with ThreadPoolExecutor(6) as pool:
        texts = list(pool.map(lambda each: parse(each[0], source=each[1]).text, files))
    assert len(set(texts)) == 3


HOSTILE_TEXT = {
    "a.csv": [b"," * 400_000, b'"' * 400_000, b'a,"b\n' * 80_000, b"\n" * 400_000 + b"x"],
    "a.json": [b'{"a":' * 70_000, b"1" * 400_000, b'"' + b"\\u0000" * 60_000 + b'"'],
    "a.jsonl": [b"{}\n" * 50_000, b"[1]\n" * 50_000, b"x\n" * 90_000],
    "a.bib": [
        b"@a{" * 100_000,
        b"@a{k, t={" + b"{" * 300_000,
        b"@a{k, t=a" + b" # b" * 80_000,
        b"@a{k, t={" + b"\\'{" * 90_000,
    ],
    "a.ris": [b"TY  - A\n" * 50_000, b"AU  - " + b"a" * 300_000, b"TI  - a\n" + b" b\n" * 90_000],
    "a.eml": [b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\n\nx", b"X: a\n" * 50_000 + b"\nx", b"a:" * 90_000],
    "a.py": [b"(" * 90_000, b"-" * 90_000 + b"1", b"def f(): pass\n" * 20_000, b"class A:\n" * 20_000],
    "a.java": [b"a " * 90_000, (b"a<" * 140 + b"\n") * 900, b"class A {\n" * 20_000, (b"public " * 40 + b"\n") * 900],
    "a.ts": [(b"const a: " + b" " * 280 + b"\n") * 900, (b"a(" * 140 + b"{\n") * 900],
    "a.svg": [b"<svg>" + b"<text>" * 20_000 + b"x" + b"</text>" * 20_000 + b"</svg>", b"<svg>" + b"<g>" * 80_000],
    "a.ipynb": [b'{"cells":[{"cell_type":"markdown","source":"' + b"```\\n" * 50_000 + b'"}]}', b'{"cells":' * 20_000],
}


@pytest.mark.parametrize("name", HOSTILE_TEXT)
def test_hostile_text_takes_little_time(name: str) -> None:
    """As much as is read without a process of its own, and more than that."""
    for data in HOSTILE_TEXT[name]:
        for size in (IN_PROCESS, len(data)):
            begin = time.process_time()
            try:
                assert parse(data[:size], source=name).text
            except CarrelError as error:
                assert isinstance(error, BadRequest | Refused)
            assert time.process_time() - begin < 2


def test_a_file_larger_than_any_may_be_is_refused_before_it_is_read() -> None:
    with pytest.raises(Refused, match="MB"):
        parse(b"PK\x03\x04" + bytes(MAX_BYTES), source="a.docx")
    with pytest.raises(Refused, match="drawing"):
        parse(b"<svg>" + b" " * (17 << 20) + b"</svg>", source="a.svg")


def test_what_a_child_says_is_checked() -> None:
    good = Draft("some text").as_data()
    assert Draft.from_data(good).text == "some text"
    for wrong in ({"text": 1, "headings": 5}, {**good, "page_starts": [3, 1]}, {**good, "headings": [("a", 1, 99)]}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            Draft.from_data(wrong)
    with pytest.raises(Unreadable) as caught:
        ask_child("no such reader", b"x", Limits())
    assert caught.value.problem == BROKEN
