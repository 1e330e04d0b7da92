"""A recording holds what the web said, in a file that other tools read, and says it again."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import httpx2
import pytest
from filelock import FileLock
from warcio.archiveiterator import ArchiveIterator

from carrel.errors import BadRequest, CarrelError, NotFound, NotRecorded, RateLimited, Refused, TimedOut, Unavailable
from carrel.records import Page
from carrel.web import WebClient
from carrel.web.recording import Asked, Recorder, Recording

URL = "https://example.com/page"
Answer = Callable[[httpx2.Request], httpx2.Response]


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=7.25)
        return self.at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.warc.gz"


def recording_client(path: Path, answer: Answer, secrets: tuple[str, ...] = (), **options: object) -> WebClient:
    return WebClient(
        transport=httpx2.MockTransport(answer),
        recorder=Recorder(path, secrets=secrets),
        now=Clock(),
        retries=0,
        **options,  # type: ignore[arg-type]
    )


def replaying_client(path: Path, secrets: tuple[str, ...] = (), retries: int = 0) -> WebClient:
    recording = Recording(path, secrets=secrets)
    return WebClient(recording=recording, now=recording.now, retries=retries)


async def outcome(client: WebClient, url: str = URL, **options: object) -> tuple[object, ...]:
    """All that a caller can see of a call."""
    try:
        page = await client.get(url, **{"robots": False, **options})  # type: ignore[arg-type]
    except CarrelError as error:
        return (type(error), str(error), getattr(error, "retry_after", None))
    return (*(getattr(page, name) for name in Page.__dataclass_fields__ if name != "origin"),)


class Body(httpx2.AsyncByteStream):
    def __init__(self, *parts: bytes, error: BaseException | None = None, hang: bool = False) -> None:
        self.parts, self.error, self.hang = parts, error, hang

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part
        if self.error is not None:
            raise self.error
        if self.hang:
            await anyio.sleep_forever()


def fails(error: Exception) -> Answer:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise error

    return answer


def gives(status: int = 200, stream: Body | None = None, content: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if stream is None:
        return lambda request: httpx2.Response(status, content=content, headers=named)
    return lambda request: httpx2.Response(status, stream=stream, headers=named)


PACKED = gzip.compress(b"packed " * 1000)
CASES: dict[str, Answer] = {
    "plain": gives(content=b"hello", content_type="text/html; charset=utf-8", x_odd="1"),
    "empty": gives(204),
    "missing": gives(404, content=b"no"),
    "broken server": gives(500, content=b"oops"),
    "too many": gives(429, retry_after="17"),
    "moved nowhere": gives(302),
    "packed": gives(stream=Body(PACKED[:50], PACKED[50:]), content_encoding="gzip"),
    "packed and cut": gives(stream=Body(PACKED[:50]), content_encoding="gzip"),
    "packed in an unknown way": gives(stream=Body(b"xx"), content_encoding="br"),
    "chunked": gives(stream=Body(b"one", b"two"), transfer_encoding="chunked"),
    "looks like chunks": gives(stream=Body(b"3\r\none\r\n0\r\n\r\n")),
    "looks like a record": gives(content=b"\r\n\r\nWARC/1.1\r\nWARC-Type: response\r\n\r\n"),
    "broken off": gives(stream=Body(b"half", error=httpx2.ReadError("gone"))),
    "broken at once": gives(stream=Body(error=httpx2.ReadError("gone"))),
    "odd letters": lambda request: httpx2.Response(200, content=b"\0\xff\r\n", headers=[(b"x-odd", b"caf\xe9")]),
    "no name": fails(httpx2.ConnectError("the name could not be resolved")),
    "no certificate": fails(httpx2.ConnectError("no secure connection")),
    "no way": fails(httpx2.ConnectError("no connection")),
    "silent": fails(httpx2.ReadTimeout("silence")),
    "broken protocol": fails(httpx2.RemoteProtocolError("what?")),
    "inside": fails(Refused("address not allowed: only pages on the public web can be read; hosts of your own go in "
                            "CARREL_ALLOW_HOSTS")),
}  # fmt: skip


@pytest.mark.parametrize("answer", CASES.values(), ids=CASES)
async def test_a_replayed_call_ends_as_the_recorded_one_did(path: Path, answer: Answer) -> None:
    client = recording_client(path, answer)
    told = await outcome(client)
    await client.aclose()
    assert await outcome(replaying_client(path)) == told


async def test_a_body_beyond_the_cap_is_cut_again_at_the_same_place(path: Path) -> None:
    client = recording_client(path, gives(stream=Body(*[b"x" * 1000] * 100)))
    told = await outcome(client, max_bytes=2_500)
    assert await outcome(replaying_client(path), max_bytes=2_500) == told
    assert len(Recording(path).find(Asked(URL, "*/*")).block) < 4_000


async def test_a_call_that_ran_out_of_time_does_so_at_once_when_replayed(path: Path) -> None:
    client = recording_client(path, gives(stream=Body(b"some", hang=True)))
    told = await outcome(client, deadline=0.05)
    assert told[0] is TimedOut
    with anyio.fail_after(0.04):
        assert await outcome(replaying_client(path), deadline=0.05) == told


async def test_answers_to_one_address_come_in_their_order_and_the_last_one_stays(path: Path) -> None:
    said = iter([b"one", b"two"])
    client = recording_client(path, lambda request: httpx2.Response(200, content=next(said)))
    for _ in range(2):
        await client.get(URL, robots=False)
    again = replaying_client(path)
    assert [(await again.get(URL, robots=False)).body for _ in range(3)] == [b"one", b"two", b"two"]


async def test_what_was_asked_in_another_way_is_another_answer(path: Path) -> None:
    client = recording_client(path, lambda request: httpx2.Response(200, text=request.headers["accept"]))
    for accept in ("application/json", "text/html"):
        await client.get(URL, accept=accept, robots=False)
    again = replaying_client(path)
    assert (await again.get(URL, accept="text/html", robots=False)).body == b"text/html"
    assert (await again.get(URL, accept="application/json", robots=False)).body == b"application/json"
    with pytest.raises(NotRecorded):
        await again.get(URL, accept="image/png", robots=False)


async def test_what_was_never_recorded_is_said_to_be_so_and_is_no_missing_page(path: Path) -> None:
    await recording_client(path, gives(content=b"x")).get(URL, robots=False)
    with pytest.raises(NotRecorded, match="not in the recording") as caught:
        await replaying_client(path, retries=2).get("https://example.com/other", robots=False)
    assert (caught.value.kind, caught.value.retryable) == ("unavailable", False)
    assert not isinstance(caught.value, NotFound | RateLimited)


async def test_robots_rules_hold_as_they_did_and_where_none_were_recorded_nobody_is_asked(path: Path) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/robots.txt" and request.url.host == "closed.example":
            return httpx2.Response(200, text="User-agent: *\nDisallow: /")
        return httpx2.Response(200, text="x")

    client = recording_client(path, answer)
    told = await outcome(client, "https://closed.example/a", robots=True)
    assert told[0] is Refused
    await client.get(URL, robots=False)
    again = replaying_client(path)
    assert await outcome(again, "https://closed.example/a", robots=True) == told
    assert (await again.get(URL)).body == b"x"


async def test_an_address_inside_is_refused_even_if_a_recording_holds_it(path: Path) -> None:
    client = recording_client(path, gives(content=b"x"), allow_hosts=("127.0.0.1",))
    await client.get("http://127.0.0.1/", robots=False)
    with pytest.raises(Refused):
        await replaying_client(path).get("http://127.0.0.1/", robots=False)


async def test_secrets_stay_out_of_the_file(path: Path) -> None:
    secrets = ("k3y-of-mine", "me@example.org")
    client = recording_client(path, gives(content=b"x"), secrets, contact="me@example.org")
    asked = {"q": "foxes", "api_key": "k3y-of-mine", "mailto": "me@example.org"}
    headers = {"Authorization": "Bearer k3y-of-mine"}
    told = await client.get("https://api.example.com/", params=asked, headers=headers, robots=False)
    await client.aclose()
    text = gzip.decompress(await anyio.Path(path).read_bytes()).decode()
    assert "foxes" in text
    for secret in ("k3y-of-mine", "me@example.org", "me%40example.org", "Bearer"):
        assert secret not in text
    for params, known in ((asked, secrets), ({"q": "foxes"}, ())):
        page = await replaying_client(path, known).get("https://api.example.com/", params=params, robots=False)
        assert page.body == told.body


# -- the file --------------------------------------------------------------------------------------------------------


async def record(path: Path, *urls: str) -> None:
    client = recording_client(path, lambda request: httpx2.Response(200, text=f"page {request.url.path}"))
    for url in urls:
        await client.get(url, robots=False)
    client._recorder.close()  # type: ignore[union-attr]


async def test_other_tools_read_the_file(path: Path) -> None:
    client = recording_client(path, CASES["packed"])
    await client.get(URL, robots=False)
    with path.open("rb") as file:
        records = [(r.rec_type, r.rec_headers, r.content_stream().read()) for r in ArchiveIterator(file)]
    assert [kind for kind, _, _ in records] == ["warcinfo", "request", "response"]
    _, headers, body = records[2]
    assert body == b"packed " * 1000
    assert headers.get_header("WARC-Target-URI") == URL
    assert headers.get_header("WARC-Date").startswith("2030-01-01T00:00:")
    await anyio.run_process([sys.executable, "-m", "warcio.cli", "check", str(path)])


async def test_the_index_is_sorted_and_points_at_the_records(path: Path) -> None:
    await record(path, "https://b.example.com/x?q=1", "https://a.example.com/", "https://a.example.com:443/Y")
    lines = path.with_name("run.warc.gz.cdxj").read_text().splitlines()
    assert lines == sorted(lines)
    assert [line.split(" ")[0] for line in lines] == ["com,example,a)/", "com,example,a)/y", "com,example,b)/x?q=1"]
    for line in lines:
        facts = json.loads(line.split(" ", 2)[2])
        with path.open("rb") as file:
            file.seek(int(facts["offset"]))
            member = io.BytesIO(file.read(int(facts["length"])))
        (only,) = ArchiveIterator(member)
        assert only.rec_headers.get_header("WARC-Target-URI") == facts["url"]
        assert facts["filename"] == "run.warc.gz"


@pytest.mark.parametrize("spoil", ["gone", "garbage", "stale", "another's"])
async def test_a_recording_is_found_in_whatever_its_index_says(path: Path, spoil: str) -> None:
    await record(path, URL)
    index = path.with_name("run.warc.gz.cdxj")
    old = index.read_text()
    await record(path, "https://example.com/later")
    if spoil == "gone":
        index.unlink()
    else:
        index.write_text({"garbage": "nonsense\n", "stale": old, "another's": "com,example)/ 2020 {}\n"}[spoil])
    client = replaying_client(path)
    assert (await client.get(URL, robots=False)).body == b"page /page"
    assert (await client.get("https://example.com/later", robots=False)).body == b"page /later"


def _cut(path: Path, count: int) -> bytes:
    """Take the end off a recording and its index away; what the file was."""
    whole = path.read_bytes()
    path.write_bytes(whole[:-count])
    path.with_name("run.warc.gz.cdxj").unlink()
    return whole


async def test_a_recording_goes_on_where_a_killed_process_left_it(path: Path) -> None:
    await record(path, URL, "https://example.com/half")
    whole = _cut(path, 40)
    with pytest.raises(NotRecorded):
        await replaying_client(path).get("https://example.com/half", robots=False)
    await record(path, "https://example.com/after")
    client = replaying_client(path)
    assert (await client.get(URL, robots=False)).body == b"page /page"
    assert (await client.get("https://example.com/after", robots=False)).body == b"page /after"
    assert path.with_name("run.warc.gz.broken").read_bytes() in whole


@pytest.mark.parametrize(
    "content", [b"my thesis, chapter one", b"\x1f\x8b not really", gzip.compress(b"my thesis", mtime=0)]
)
def test_a_file_of_another_kind_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(BadRequest):
        Recorder(path)
    with pytest.raises(BadRequest):
        Recording(path)
    assert path.read_bytes() == content


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"none\.warc"):
        Recording(tmp_path / "none.warc")


def test_an_empty_recording_holds_nothing(path: Path) -> None:
    path.write_bytes(b"")
    with pytest.raises(NotRecorded):
        Recording(path).find(Asked(URL, "*/*"))


THEIRS = """
import io, sys
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter
with open(sys.argv[1], "wb") as file:
    writer = WARCWriter(file, gzip=sys.argv[2] == "packed")
    for path, body in (("page", b"5\\r\\nhello\\r\\n6\\r\\n world\\r\\n0\\r\\n\\r\\n"), ("2", b"0\\r\\n\\r\\n")):
        headers = [("Transfer-Encoding", "chunked"), ("Content-Type", "text/html")]
        head = StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1")
        url = "https://example.com/" + path
        answer = writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=head)
        asked = StatusAndHeaders("GET / HTTP/1.1", [("Host", "example.com")], is_http_request=True)
        writer.write_request_response_pair(writer.create_warc_record(url, "request", http_headers=asked), answer)
"""


@pytest.mark.parametrize("packing", ["packed", "plain"])
async def test_a_file_of_another_tool_is_replayed(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "theirs.warc"
    await anyio.run_process([sys.executable, "-c", THEIRS, str(path), packing])
    client = replaying_client(path)
    page = await client.read(URL)
    assert (page.body, page.media_type, page.status) == (b"hello world", "text/html", 200)
    assert (await client.read("https://example.com/2")).body == b""


HOSTILE = {
    "a record bomb": gzip.compress(
        b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.com/page\r\n"
        b"Content-Length: 100000000\r\n\r\n"
        b"HTTP/1.1 200 OK\r\n\r\n" + b"\0" * 100_000_000,
        1,
    ),
    "a head without end": gzip.compress(b"WARC/1.1\r\n" + b"X: y\r\n" * 1_000_000, 1),
    "an odd length": gzip.compress(b"WARC/1.1\r\nContent-Length: -1\r\n\r\n"),
    "no HTTP": gzip.compress(
        b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.com/page\r\nContent-Length: 12\r\n\r\n"
        b"HTTP/nothing\r\n\r\n"
    ),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_file_is_refused_or_found_damaged(path: Path, content: bytes) -> None:
    await anyio.Path(path).write_bytes(content)
    with pytest.raises((BadRequest, Unavailable)):
        await replaying_client(path).get(URL, robots=False)


RECORDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from carrel.web.recording import Asked, Recorder
recorder = Recorder(Path(sys.argv[1]))
for number in range(60):
    url = f"https://example.com/{sys.argv[2]}/{number}"
    recorder.answer(Asked(url, "*/*"), datetime.now(UTC), 200, [], sys.argv[2].encode() * 5000)
recorder.close()
"""


def test_several_processes_record_into_one_file(path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", RECORDER, str(path), name]) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    recording = Recording(path)
    for name in "abc":
        for number in range(60):
            assert recording.find(Asked(f"https://example.com/{name}/{number}", "*/*")).block.endswith(
                name.encode() * 5000
            )


async def test_a_redirect_that_repeats_a_secret_leaves_it_out_too(path: Path) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/new":
            return httpx2.Response(200, content=b"here")
        to = f"https://api.example.com/new?q=1&key=k3y%2Fof+mine&{request.url.query.decode()}"
        link = f'<{to}>; rel="canonical"'
        return httpx2.Response(
            301, headers={"location": to, "link": link}, content=f"<a href='{to}'>moved</a>".encode()
        )

    secrets = ("k3y/of mine",)
    asked = {"key": "k3y/of mine"}
    client = recording_client(path, answer, secrets)
    told = await client.get("https://api.example.com/old", params=asked, robots=False)
    await client.aclose()
    text = gzip.decompress(await anyio.Path(path).read_bytes()).decode()
    assert "301" in text
    assert "k3y" not in text
    replayed = await replaying_client(path, secrets).get("https://api.example.com/old", params=asked, robots=False)
    assert replayed.body == told.body == b"here"


FILL = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from carrel.errors import Unavailable
from carrel.web.recording import Asked, Recorder

path, body = Path(sys.argv[1]), bytes.fromhex(sys.argv[2])
recorder = Recorder(path)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 300, resource.RLIM_INFINITY))
try:
    recorder.answer(Asked("https://example.com/full", "*/*"), datetime.now(UTC), 200, [], body)
except Unavailable as error:
    assert "full" in str(error)
else:
    raise AssertionError("it was written")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
recorder.answer(Asked("https://example.com/after", "*/*"), datetime.now(UTC), 200, [], b"after")
"""


@pytest.mark.parametrize("size", [10, 30_000])
async def test_an_answer_for_which_the_disk_has_no_room_spoils_no_later_one(path: Path, size: int) -> None:
    await record(path, URL)
    body = random.Random(1).randbytes(size).hex()
    await anyio.run_process([sys.executable, "-c", FILL, str(path), body], check=True)
    client = replaying_client(path)
    assert (await client.get(URL, robots=False)).body == b"page /page"
    assert (await client.get("https://example.com/after", robots=False)).body == b"after"
    with pytest.raises(NotRecorded):
        await client.get("https://example.com/full", robots=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [("url", []), ("time", "2030-01-01T00:00:00"), ("time", "0001-01-01T00:00:00+23:59"), ("offset", float("inf")),
     ("offset", -5), ("length", -1), ("way", {}), ("status", 200)],
)  # fmt: skip
async def test_an_index_that_says_odd_things_is_made_anew(path: Path, name: str, value: object) -> None:
    await record(path, URL)
    index = path.with_name("run.warc.gz.cdxj")
    key, stamp, facts = index.read_text().split(" ", 2)
    index.write_text(f"{key} {stamp} {json.dumps({**json.loads(facts), name: value})}\n")
    page = await replaying_client(path).get(URL, robots=False)
    assert (page.body, page.fetched_at[:4]) == (b"page /page", "2030")


async def test_a_recording_from_the_beginning_of_time_is_replayed(path: Path) -> None:
    await record(path, URL)
    plain = gzip.decompress(await anyio.Path(path).read_bytes())
    early = re.sub(rb"WARC-Date: [^\r]+", b"WARC-Date: 0001-01-01T00:00:00+23:59", plain)
    await anyio.Path(path).write_bytes(early)
    path.with_name("run.warc.gz.cdxj").unlink()
    assert (await replaying_client(path).get(URL, robots=False)).body == b"page /page"


def test_a_recording_that_was_deleted_meanwhile_does_not_keep_a_server_from_ending(path: Path) -> None:
    recorder = Recorder(path)
    recorder.answer(Asked(URL, "*/*"), datetime.now(UTC), 200, [], b"x")
    path.unlink()
    recorder.close()


def test_a_halted_process_that_holds_a_recording_halts_no_other(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carrel.web.recording._PATIENCE", 0.1)
    recorder = Recorder(path)
    with FileLock(f"{path}.lock"), pytest.raises(Unavailable, match="hold"):
        recorder.answer(Asked(URL, "*/*"), datetime.now(UTC), 200, [], b"x")
