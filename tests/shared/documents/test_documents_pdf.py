"""PDFs: read in a child process that no file can make run away."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from carrel.documents import find_section, page_of, parse, window
from carrel.documents.pdf import PdfLimits, read_pdf
from carrel.errors import BadRequest, Refused, Unsupported
from carrel.records import Document


def pdf(objects: Mapping[int, bytes], trailer: bytes = b"") -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    size = max(objects) + 1
    table = b"".join(b"%010d 00000 n \n" % places.get(number, 0) for number in range(1, size))
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R%s>>\n" % (size, table, size, trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def stream(data: bytes, extra: bytes = b"") -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data), extra, data)


def line(text: str, y: int, size: int = 12, font: str = "F1") -> bytes:
    return b"BT /%s %d Tf 72 %d Td (%s) Tj ET\n" % (font.encode(), size, y, text.encode())


def pages(*contents: bytes, extra: bytes = b"", info: bytes = b"", more: Mapping[int, bytes] | None = None) -> bytes:
    kids = b" ".join(b"%d 0 R" % (10 + 2 * n) for n in range(len(contents)))
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(contents)),
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        4: b"<</Title(Ocean Tides Explained)/Author(Ada Byron; Li Wei)/CreationDate(D:20240131120000Z)%s>>" % info,
    }
    for n, content in enumerate(contents):
        objects[10 + 2 * n] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>/XObject<</X 100 0 R>>>>"
            b"/Contents %d 0 R>>" % (11 + 2 * n)
        )
        objects[11 + 2 * n] = stream(content, extra)
    return pdf({**objects, **(more or {})}, b"/Info 4 0 R")


def body(top: int) -> bytes:
    text = [
        "The tide rises twice a day because the Moon",
        "pulls on the ocean, and it falls in between.",
        "It repeats.",
    ]
    return b"".join(line(part, top - 14 * n) for n, part in enumerate(text))


PAPER = pages(
    line("1 Introduction", 700, 18) + body(670) + line("2 Methods", 500, 18) + body(470),
    line("3 Results", 700, 18) + body(670),
)


def read(data: bytes, source: str = "paper.pdf") -> Document:
    return parse(data, source=source)


def test_a_pdf_gives_text_pages_title_date_and_authors() -> None:
    document = read(PAPER)
    assert document.media_type == "application/pdf" and document.metadata["pages"] == "2"
    assert "because the Moon\npulls on the ocean" in document.text
    assert (document.title, document.date) == ("Ocean Tides Explained", "2024-01-31")
    assert document.authors == ("Ada Byron", "Li Wei")
    assert document.text[document.page_starts[1] :].startswith("3 Results")
    assert page_of(document, 0) == 1 and page_of(document, len(document.text) - 1) == 2


def test_what_a_browser_wrote_as_the_title_is_none() -> None:
    assert read(PAPER.replace(b"(Ocean Tides Explained)", b"(about:blank)         ")).title != "about:blank"


def test_larger_lines_are_headings_and_a_page_can_be_asked_for() -> None:
    document = read(PAPER)
    assert [s.heading for s in document.sections] == ["1 Introduction", "2 Methods", "3 Results"]
    assert window(document, section="results").pages == (2, 2)
    assert find_section(document, "page 2").ref.start == document.page_starts[1]


def test_a_pdf_is_known_by_its_bytes_whatever_it_is_called() -> None:
    assert read(PAPER, "paper.md").media_type == "application/pdf"
    assert parse(PAPER, source="http://h.example/x", media_type="text/html").media_type == "application/pdf"


def test_a_scan_is_unsupported_with_the_way_out() -> None:
    with pytest.raises(Unsupported, match="OCR"):
        read(pages(b"0 0 100 100 re f"))


@pytest.mark.parametrize("data", [b"%PDF-1.4\n" + b"junk" * 100, PAPER[:200], b"%PDF-"])
def test_a_broken_pdf_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest, match="broken"):
        read(data)


def hostile() -> dict[str, bytes]:
    squeeze = zlib.compressobj(9)
    gigabyte = b"".join(squeeze.compress(b" " * 1_000_000) for _ in range(1000)) + squeeze.flush()
    inside = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>>>"
    forms = {100 + n: stream(b"/X Do " * 10, inside % (101 + n)) for n in range(25)}
    tree = {n: b"<</Type/Pages/Kids[%d 0 R %d 0 R]/Count %d>>" % (n + 1, n + 1, 2 ** (26 - n)) for n in range(2, 26)}
    return {
        "a gigabyte in 2 KB": pages(zlib.compress(gigabyte, 9), extra=b"/Filter[/FlateDecode/FlateDecode]"),
        "two million operators": pages(
            zlib.compress(b"BT /F1 1 Tf " + b"(a)Tj " * 2_000_000, 9), extra=b"/Filter/FlateDecode"
        ),
        "forms within forms": pages(b"/X Do", more=forms),
        "a page tree in a loop": pdf(
            {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"}
        ),
        "a page tree of sixteen million": pdf({1: b"<</Type/Catalog/Pages 2 0 R>>", **tree, 26: b"<</Type/Page>>"}),
        "deep arrays": pages(b"[" * 200_000 + b"]" * 200_000 + b" TJ"),
    }


HOSTILE = hostile()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pdf_is_refused_within_its_limits(name: str) -> None:
    begin = time.monotonic()
    with pytest.raises((BadRequest, Refused)):
        read_pdf(HOSTILE[name], limits=PdfLimits(seconds=6, cpu_seconds=4, memory=300 << 20))
    assert time.monotonic() - begin < 30


def test_a_pdf_over_its_wall_clock_is_killed_and_the_next_one_is_read() -> None:
    begin = time.monotonic()
    with pytest.raises(Refused):
        read_pdf(HOSTILE["forms within forms"], limits=PdfLimits(seconds=1, cpu_seconds=60, memory=8 << 30))
    assert time.monotonic() - begin < 30
    assert read(PAPER).title


def test_more_text_than_allowed_is_refused_and_more_pages_are_counted() -> None:
    with pytest.raises(Refused):
        read_pdf(PAPER, limits=PdfLimits(chars=50))
    found = read_pdf(PAPER, limits=PdfLimits(pages=1))
    assert found.facts["pages"] == "2" and found.facts["pages_read"] == "1" and len(found.page_starts) == 1


def test_pdfs_are_read_at_the_same_time_from_many_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        texts = set(pool.map(lambda _: read(PAPER).text, range(8)))
    assert len(texts) == 1


# -- real files ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> Path:
    folder = Path(request.config.rootpath).parent / "shared" / "data" / "pdfs"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside this checkout")
    return folder


@pytest.mark.parametrize("name", ["encrypted-file", "r6-user-password"])
def test_an_encrypted_pdf_is_refused_with_the_way_out(real: Path, name: str) -> None:
    with pytest.raises(BadRequest, match="encrypted"):
        read((real / "pypdf" / f"{name}.pdf").read_bytes())


def test_a_real_paper_has_its_title_sections_and_whole_words(real: Path) -> None:
    document = read((real / "paper-qa" / "paper.pdf").read_bytes())
    assert document.title == "A Perspective on Explanations of Molecular Prediction Models"
    names = [section.heading for section in document.sections]
    assert names[1:5] == ["Abstract", "Introduction", "Theory", "Self-explaining models"] and names[-1] == "References"
    assert "solubil-\nity" in document.text and len(document.page_starts) == 41
    assert "مرحبا" in read((real / "pypdf" / "multilang.pdf").read_bytes()).text


def test_an_empty_password_opens_a_pdf(real: Path) -> None:
    assert "encryption test" in read((real / "pypdf" / "r2-empty-password.pdf").read_bytes()).text
