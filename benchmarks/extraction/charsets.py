"""In which charset is a page that does not say? Real pages, their labels taken out, written in the charsets of old.

    python -m benchmarks.extraction.charsets [DATA] [--pages 30]

DATA is the folder ``extraction`` of the test data. A page is written in each charset that can hold it (what it cannot
becomes a character reference, in at most one of a hundred letters), at most so many pages a charset, and is right when
the text comes back the same. charset-normalizer is measured too, and chardet and resiliparse where they are installed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean

from benchmarks.results import DATA, need

from carrel.documents.media import decode

# charset -> letters of which a page must have some, for it to be a page that was ever written so
CHARSETS = {
    "cp1252": "àâäçèéêëíñóôöùúûüßåæø",
    "iso8859-2": "ąćęłńśźżčřšůžőű",
    "cp1251": "абвгдежзийклмнопрстуфхцчшщыьэюя",
    "koi8-r": "абвгдежзийклмнопрстуфхцчшщыьэюя",
    "cp1253": "αβγδεζηθικλμνξοπρστυφχψω",
    "cp1254": "ğışİ",
    "cp1255": "אבגדהוזחטיכלמנסעפצקרשת",
    "cp1256": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "cp932": "のはをがにでと",
    "euc_jp": "のはをがにでと",
    "gb18030": "的是在不了这们说",
    "big5": "的是在不了這們說",
    "euc_kr": "는은이가을를의에",
}
LEAST = 200  # such letters in a page that is measured, so that it is one of such a language and does not only name one
_SPECIAL = re.compile(r"[^\x00-\x7f]")
_LABEL = re.compile(r"""<meta[^>]*charset[^>]*>|<\?xml[^>]*\?>|charset\s*=\s*["']?[\w-]+""", re.I)
Detector = Callable[[bytes], str]


def main() -> None:
    """Print the share that comes back right, by charset and system, and the milliseconds each takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=DATA / "extraction")
    parser.add_argument("--pages", type=int, default=30, help="at most so many of a charset")
    options = parser.parse_args()
    cases = list(_cases(need(options.data), options.pages))
    print(f"{len(cases)} pages", flush=True)
    for name, run in _systems().items():
        right: dict[str, list[bool]] = defaultdict(list)
        spent = []
        for charset, text, raw in cases:
            begun = time.thread_time()
            found = run(raw)
            spent.append((time.thread_time() - begun) * 1000)
            right[charset].append(found == text)
        every = [each for several in right.values() for each in several]
        print(f"{name:20} {mean(every):.3f}  {mean(spent):.1f} ms a page")
        by_charset = "  ".join(f"{charset} {sum(several)}/{len(several)}" for charset, several in right.items())
        print(f"    {by_charset}", flush=True)


def _cases(data: Path, most: int) -> Iterator[tuple[str, str, bytes]]:
    seen: dict[str, int] = defaultdict(int)
    for page in _pages(data):
        special = Counter(_SPECIAL.findall(page))
        for charset, letters in CHARSETS.items():
            if seen[charset] < most and sum(special[letter] for letter in letters) >= LEAST:
                raw = page.encode(charset, "xmlcharrefreplace")
                text = raw.decode(charset)
                if text.count("&#") - page.count("&#") <= special.total() / 100:
                    seen[charset] += 1
                    yield charset, text, raw


def _pages(data: Path) -> Iterator[str]:
    """All pages of all sets without what says their charset, in an order that no set decides."""
    files = [
        data / folder / json.loads(line)["html"]
        for folder in ("wcxb-dev", "readability", "defuddle")
        if (data / folder / "truth.jsonl").exists()
        for line in (data / folder / "truth.jsonl").read_text("utf-8").split("\n")
        if line
    ]
    for file in sorted(files, key=lambda file: hashlib.sha256(file.name.encode()).digest()):
        raw = file.read_bytes()
        yield _LABEL.sub("", decode(gzip.decompress(raw) if file.suffix == ".gz" else raw, html=True)[0])


def _systems() -> dict[str, Detector]:
    found: dict[str, Detector] = {"carrel": lambda raw: decode(raw, html=True)[0], "charset-normalizer": _normalizer}
    for name, detector in (("chardet", _chardet), ("resiliparse", _resiliparse)):
        try:
            detector(b"")
        except ImportError:
            print(f"{name} is not installed")
        else:
            found[name] = detector
    return found


def _normalizer(raw: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(raw).best()
    return str(best) if best else ""


def _chardet(raw: bytes) -> str:
    import chardet

    return raw.decode(chardet.detect(raw)["encoding"] or "ascii", "replace")


def _resiliparse(raw: bytes) -> str:
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    return bytes_to_str(raw, detect_encoding(raw))


if __name__ == "__main__":
    main()
