"""Published tables of URLs, host names and robots.txt files; every deviation is named here, with its reason."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
from pathlib import Path

import httpx2
import pytest

from carrel.errors import BadRequest, CarrelError, Refused
from carrel.web import WebClient, check_url

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
URLS = DATA / "url-tests" / "urltestdata.json"
NAMES = DATA / "url-tests" / "IdnaTestV2.txt"
ROBOTS = DATA / "robots" / "live_robots_txt.jsonl.gz"

# why a URL that the standard can read is not fetched here: the beginning of what is said
REASONS = (
    "a URL with a user name or password in it",
    "the URL holds a space, a control character or a backslash",  # two parsers would read it in two ways
    "address not allowed",  # single-label and local names, and numbers in octal or hex
    "only ports 80 and 443 are read",
    "the host of that URL is not a valid name",  # no //, empty labels, escaped or forbidden letters
)


@pytest.mark.skipif(not URLS.exists(), reason="the web-platform URL tests are not on this machine")
def test_a_url_is_fetched_as_the_standard_writes_it_or_not_at_all_for_a_reason() -> None:
    same, refused = 0, 0
    for case in json.loads(URLS.read_text("utf-8")):
        known = isinstance(case, dict) and not case.get("failure") and case.get("base") in (None, "about:blank")
        if not known or case["protocol"] not in ("http:", "https:"):
            continue
        try:
            mine = check_url(case["input"]).text
        except (Refused, BadRequest) as error:
            refused += 1
            assert str(error).startswith(REASONS), case["input"]
            continue
        same += 1
        # the fragment is never sent, and neither is the mark of a query that holds nothing
        assert mine == case["href"].split("#")[0].removesuffix("?"), case["input"]
    assert same > 20
    assert refused > 50


@pytest.mark.skipif(not NAMES.exists(), reason="the Unicode IDNA tests are not on this machine")
def test_no_host_name_of_the_unicode_tests_leads_anywhere_but_where_the_standard_says() -> None:
    """What the standard refuses and we take: a last dot (A4_2; the same name, dropped), a hyphen in third and fourth
    place (V2; WHATWG allows it), labels that are right each but not beside each other (B1, B6; the ASCII name is the
    standard's own, so nobody is misled). What it takes and we refuse: what IDNA2008 does (NV8, XV8), single labels."""
    right = 0
    for line in NAMES.read_text("utf-8").split("\n"):
        fields = [_plain(field.strip()) for field in line.split("#")[0].split(";")]
        if len(fields) < 5 or fields[0] in ("", '""') or re.search(r"[/?#@:\[\]\\ ]", fields[0]):
            continue
        source, unicode_form, unicode_status, ascii_form, ascii_status = fields[:5]
        try:
            host = check_url(f"http://{source}/").host
        except (Refused, BadRequest):
            right += 1
            continue
        assert host == (ascii_form or unicode_form or source).rstrip("."), source
        assert (ascii_status or unicode_status) in ("", "[]", "[A4_2]", "[V2]", "[B1]", "[B6]"), source
        right += 1
    assert right > 6_000


def _plain(text: str) -> str:
    text = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda match: chr(int(match[1], 16)), text)
    return re.sub(r"\\x\{([0-9A-Fa-f]+)\}", lambda match: chr(int(match[1], 16)), text)


@pytest.mark.skipif(not ROBOTS.exists(), reason="the served robots.txt files are not on this machine")
async def test_the_robots_files_of_popular_sites_are_read_without_harm() -> None:
    """A part of the 4,231 and the longest of them; nothing is said of what they allow."""
    with gzip.open(ROBOTS) as file:
        served = [_body(json.loads(line)) for line in file]
    chosen = [*served[::40], max(served, key=len)]
    begun = time.process_time()
    for body in chosen:

        def answer(request: httpx2.Request, body: bytes = body) -> httpx2.Response:
            return httpx2.Response(200, content=body if request.url.path == "/robots.txt" else b"x")

        client = WebClient(transport=httpx2.MockTransport(answer))
        try:
            assert (await client.get("https://example.com/some/page?with=query")).status == 200
        except CarrelError as error:
            assert "disallows" in str(error)
    assert len(chosen) > 100
    assert time.process_time() - begun < 0.2 * len(chosen)


def _body(row: dict[str, str]) -> bytes:
    return row["text"].encode() if "text" in row else base64.b64decode(next(v for k, v in row.items() if k != "host"))
