"""Which URLs are fetched at all, and what exactly is asked of whom."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from carrel.errors import BadRequest, CarrelError, Refused, Unavailable
from carrel.web import WebClient, check_url, is_public

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "url-tests" / "urltestdata.json"

FORBIDDEN = [
    # IPv4 in every spelling
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0X7F.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0/",
    "http://127。0。0。1/",
    "http://１２７.0.0.1/",
    "http://①②⑦.0.0.1/",
    "http://10.1.2.3/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://169.254.169.254/latest/meta-data/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://192.168.1.1/",
    "http://198.18.0.1/",
    "http://203.0.113.9/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://168.63.129.16/metadata",
    "http://1.2.3.4.5/",
    "http://999.1.1.1/",
    # IPv6
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fec0::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    # names of this machine and this network
    "http://localhost/",
    "http://LOCALHOST/",
    "http://a.localhost/",
    "http://printer.local/",
    "http://metadata.google.internal/",
    "http://intranet/",
    "http://router.home.arpa/",
    "http://x.onion/",
    # two readings of one URL
    "http://evil.com@127.0.0.1/",
    "http://127.0.0.1@evil.com/",
    "http://user:pw@example.com/",
    "http://127.0.0.1\\@evil.com/",
    "http://evil.com\\@127.0.0.1/",
    "http://evil.com%2f@127.0.0.1/",
    "http://@example.com/",
    "http://127.0.0.1%00.example.com/",
    "http://%31%32%37.0.0.1/",
    "http://[::1].example.com/",
    "http://example.com:80:80/",
    # ports
    "http://example.com:0/",
    "http://example.com:22/",
    "http://example.com:25/",
    "http://example.com:6379/",
    "http://example.com:8080/",
    "http://example.com:-1/",
    "http://example.com:99999/",
    "http://example.com:６３７９/",
    "http://example.com:+80/",
    "http://example.com:8 0/",
    # schemes
    "file:///etc/passwd",
    "gopher://example.com/",
    "ftp://example.com/",
    "data:text/html,x",
    "blob:https://example.com/x",
    "javascript:alert(1)",
    "ws://example.com/",
    "//example.com/",
    "example.com",
    "http:/example.com",
    "http:example.com",
    "http://",
    "http:///etc/passwd",
    "",
    # what no request line may hold
    "http://example.com/a b",
    "http://example.com/a\tb",
    "http://example.com/\r\nX-Evil: 1",
    "http://example.com/\x00",
    " http://example.com/",
    "http://exa\u00admple\u2028.com/",
    "http://example.com/" + "a" * 9000,
    "http://" + "a." * 200 + "com/",
    "http://-a-.com/",
    "http://exa mple.com/",
    "http://exam<ple.com/",
    "http://a..b.com/",
]


@pytest.mark.parametrize("url", FORBIDDEN, ids=lambda url: ascii(url)[:60])
def test_a_url_that_could_lead_inside_is_not_fetched(url: str) -> None:
    with pytest.raises((Refused, BadRequest)):
        check_url(url)


@pytest.mark.parametrize("url", FORBIDDEN, ids=lambda url: ascii(url)[:60])
async def test_no_redirect_and_no_robots_txt_leads_inside(url: str) -> None:
    """Whatever a site answers with, only that site is asked: as a page's redirect and as the one of its robots.txt."""
    if not 0 < len(url.encode()) < 8_000 or re.search(r"[\x00\r\n]", url):
        pytest.skip("no header can hold it")
    for moved in ("/page", "/robots.txt"):
        asked: list[str] = []

        def answer(request: httpx2.Request, moved: str = moved, asked: list[str] = asked) -> httpx2.Response:
            asked.append(request.url.host)
            if request.url.path == moved:
                return httpx2.Response(302, headers=[(b"location", url.encode())])
            return httpx2.Response(404)

        with suppress(Refused, BadRequest, Unavailable):
            await WebClient(transport=httpx2.MockTransport(answer), retries=0, burst=99).get("https://example.com/page")
        assert set(asked) <= {"example.com"}


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("HTTPS://Example.COM", "https://example.com/"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:443/a", "http://example.com:443/a"),
        ("https://example.com?x=1", "https://example.com/?x=1"),
        ("https://example.com/a?b=1&c=%20#frag", "https://example.com/a?b=1&c=%20"),
        ("https://bücher.example.com/ä", "https://xn--bcher-kva.example.com/%C3%A4"),
        ("https://example.com/a/../b/./%2e%2E/c", "https://example.com/c"),
        ("https://example.com/../../etc", "https://example.com/etc"),
        ("https://example.com//a//b/", "https://example.com//a//b/"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700::1111]/x", "http://[2606:4700::1111]/x"),
        ("https://under_score.example.com/", "https://under_score.example.com/"),
    ],
)
def test_a_url_is_written_in_one_way(url: str, text: str) -> None:
    assert check_url(url).text == text
    assert check_url(text).text == text


def test_a_listed_host_and_port_is_exact() -> None:
    allowed = ("127.0.0.1:8080", "wiki.corp", "[::1]:9000")
    assert check_url("http://127.0.0.1:8080/x", allow_hosts=allowed).listed
    assert check_url("http://wiki.corp/x", allow_hosts=allowed).listed
    assert check_url("https://wiki.corp/x", allow_hosts=allowed).listed
    assert check_url("http://[::1]:9000/x", allow_hosts=allowed).listed
    for url in ("http://127.0.0.1/", "http://127.0.0.1:8081/", "http://wiki.corp:8080/", "http://x.wiki.corp.local/"):
        with pytest.raises(Refused):
            check_url(url, allow_hosts=allowed)


@pytest.mark.parametrize("url", ["http://user:pw@example.com/", "http://@example.com/", "http://a@8.8.8.8/"])
def test_a_user_name_is_refused_by_policy_and_not_as_a_spelling(url: str) -> None:
    with pytest.raises(Refused, match="user name"):
        check_url(url)


def test_an_error_never_repeats_what_was_asked() -> None:
    for url in FORBIDDEN:
        with pytest.raises(CarrelError) as caught:
            check_url(url)
        assert "evil" not in str(caught.value)
        assert "169.254" not in str(caught.value)


def test_a_listed_public_address_is_public_and_junk_is_not() -> None:
    assert is_public("1.1.1.1")
    assert is_public("2606:4700::1111")
    assert is_public("::ffff:1.1.1.1")
    for junk in ("", "localhost", "1.1.1", "1.1.1.1/8", "fe80::1%eth0", "2606:4700::1%1"):
        assert not is_public(junk)


@pytest.mark.skipif(not DATA.exists(), reason="the web-platform URL tests are not on this machine")
def test_no_url_of_the_web_platform_tests_gets_through_with_another_host_than_the_standard_reads() -> None:
    cases = [case for case in json.loads(DATA.read_text("utf-8")) if isinstance(case, dict)]
    passed = 0
    for case in cases:
        if case.get("base") not in (None, "about:blank"):
            continue
        try:
            mine = check_url(case["input"])
        except (Refused, BadRequest):
            continue
        passed += 1
        assert not case.get("failure"), case["input"]
        host = f"[{mine.host}]" if ":" in mine.host else mine.host
        assert host == case["hostname"].rstrip("."), case["input"]
        assert str(mine.port) == (case["port"] or {"http:": "80", "https:": "443"}[case["protocol"]])
    assert passed > 20
