"""The verb of this folder: a page whose text its scripts make, shown by a browser, read as a reader would see it.

A fresh browser per page, without a profile, behind `carrel.web.browser.proxy`, driven by a child process (Playwright is
imported there alone), and ended with all its children when the page is read or its time is up.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import Process

from carrel.errors import CarrelError, Refused, TimedOut, Unavailable, Unsupported
from carrel.records import Page
from carrel.web.browser.processes import end_family, resident_bytes
from carrel.web.urls import ADDRESS_REFUSED, WebUrl, check_url

if TYPE_CHECKING:
    from carrel.web.browser.proxy import Traffic
    from carrel.web.transport import Resolver

__all__ = ["Browser"]

HTML = ("text/html", "application/xhtml+xml")
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
INSTALL = (
    "to render pages, pip install 'carrel[browser]' and install a Chromium (Debian: apt-get install "
    "chromium-headless-shell; elsewhere: playwright install --only-shell chromium), or name one in CARREL_BROWSER"
)
SANDBOX = (
    "the browser's sandbox does not work {}, and pages' scripts are not run without it unless "
    "CARREL_BROWSER_SANDBOX=off says so"
)
MAX_MOVES = 3
MAX_AT_ONCE = 2  # browsers; each has some 0.6 GB resident before its page does anything
MAX_CHARS = 5_000_000
MAX_ANSWER = 64_000_000
MAX_MEMORY = 2 * 1024**3  # resident bytes of all processes of one browser, shared pages counted for each
WATCH_SECONDS = 0.25

Read = Callable[[str], Awaitable[Page]]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a visit came to: ``answer`` of the child, or ``problem`` when it gave none."""

    answer: dict[str, Any]
    problem: str
    traffic: Traffic


class Browser:
    """Runs the scripts of pages; safe for concurrent calls of one event loop.

    ``executable``: the Chromium; empty for one on PATH, else Playwright's own. ``sandbox``: False runs it without its
    sandbox. ``agent`` names us to the sites. ``allow_hosts`` and ``resolver`` as in `WebClient`. ``deadline``: seconds
    for one page, start and waiting for a turn included.
    """

    def __init__(
        self,
        *,
        executable: str = "",
        sandbox: bool = True,
        agent: str = "",
        allow_hosts: Collection[str] = (),
        resolver: Resolver | None = None,
        deadline: float = 25.0,
    ) -> None:
        self._executable = executable
        self._sandbox = sandbox
        self._agent = agent
        self._allow_hosts = tuple(allow_hosts)
        self._resolver = resolver
        self._deadline = deadline
        self._lanes = anyio.CapacityLimiter(MAX_AT_ONCE)

    async def render(self, page: Page, read: Read) -> Page:
        """The page after its scripts ran, as HTML of what a reader would see; ``rendered`` says by what.

        Where the scripts send the window elsewhere, that address is read with ``read`` (robots.txt, redirects, pace)
        and rendered in turn, three times at most. What is not HTML comes back as it is.

        Raises Unsupported (no browser here), TimedOut, Refused (memory, an address), Unavailable, and what ``read``
        does.
        """
        ends = anyio.current_time() + self._deadline
        start = check_url(page.url, allow_hosts=self._allow_hosts)
        executable = self._found()
        try:
            with anyio.fail_after(self._deadline):
                async with self._lanes:
                    for _ in range(MAX_MOVES + 1):
                        if page.media_type not in HTML:
                            return page
                        shown = await self._show(page, executable, ends)
                        if "moved" not in shown.answer:
                            return self._page(page, shown)
                        page = await self._follow(start, page, shown.answer["moved"], read)
        except TimeoutError:
            raise _failure("time", start.host) from None
        raise Unavailable(f"the scripts of {start.host} lead from page to page without end, so none was read")

    def _found(self) -> str:
        """Path of the browser, empty for Playwright's own."""
        if importlib.util.find_spec("playwright") is None:
            raise Unsupported(INSTALL)
        if self._sandbox and hasattr(os, "geteuid") and os.geteuid() == 0:
            raise Unsupported(SANDBOX.format("for the root user"))
        if self._executable:
            found = shutil.which(self._executable)
            if found is None:
                raise Unsupported("CARREL_BROWSER names no program that can be run; correct or remove it")
            return found
        return next((path for name in NAMES if (path := shutil.which(name))), "")

    async def _follow(self, start: WebUrl, page: Page, location: str, read: Read) -> Page:
        target = check_url(location, allow_hosts=self._allow_hosts)
        if target.listed and target.host != start.host:
            raise Refused(ADDRESS_REFUSED)
        found = await read(target.text)
        return replace(found, url=page.url, redirects=(*page.redirects, page.final_url, *found.redirects))

    async def _show(self, page: Page, executable: str, ends: float) -> _Shown:
        """Let a child process show the page; every process that this starts has ended when it returns."""
        from carrel.web.browser.proxy import guarding_proxy

        here = check_url(page.final_url, allow_hosts=self._allow_hosts)
        with tempfile.TemporaryDirectory(prefix="carrel-browser-", ignore_cleanup_errors=True) as home:
            async with guarding_proxy(here, self._allow_hosts, resolver=self._resolver) as (port, traffic):
                seconds = ends - anyio.current_time()
                job = {
                    "url": page.final_url,
                    "headers": _headers(page),
                    "body": base64.b64encode(page.body).decode("ascii"),
                    "executable": executable,
                    "sandbox": self._sandbox,
                    "port": port,
                    "home": home,
                    "agent": self._agent,
                    "seconds": seconds,
                    "limit": MAX_CHARS,
                }
                answer, problem = await _ask_child(job, seconds)
        return _Shown(answer, problem or str(answer.get("problem", "")), traffic)

    def _page(self, page: Page, shown: _Shown) -> Page:
        if shown.problem:
            raise _failure(shown.problem, check_url(page.final_url, allow_hosts=self._allow_hosts).host)
        answer = shown.answer
        body = str(answer["html"]).encode("utf-8", "replace")
        return replace(
            page,
            final_url=self._address(page, str(answer["url"])),
            media_type="text/html",
            charset="utf-8",
            body=body,
            truncated=page.truncated or bool(answer["cut"]),
            rendered="; ".join(_facts(answer, shown.traffic, sandbox=self._sandbox)),
        )

    def _address(self, page: Page, shown: str) -> str:
        """The address in the window, which scripts may have changed within their own site."""
        before = check_url(page.final_url, allow_hosts=self._allow_hosts)
        try:
            after = check_url(shown, allow_hosts=self._allow_hosts)
        except CarrelError:
            return page.final_url
        return after.text if after.origin == before.origin else page.final_url


_WITHOUT = "; render=never reads the page without them"


def _failure(problem: str, host: str) -> CarrelError:
    if problem == "missing":
        return Unsupported(INSTALL)
    if problem == "sandbox":
        return Unsupported(SANDBOX.format("here (it needs user namespaces)"))
    if problem == "start":
        return Unavailable("the browser did not start; run it by hand to see why, or name another in CARREL_BROWSER")
    if problem == "time":
        return TimedOut(f"the scripts of {host} were not done in time and were stopped{_WITHOUT}")
    if problem == "memory":
        return Refused(f"the scripts of {host} took more than {MAX_MEMORY >> 30} GB and were stopped{_WITHOUT}")
    return Unavailable(f"the browser broke down over the scripts of {host}{_WITHOUT}")


def _facts(answer: dict[str, Any], traffic: Traffic, *, sandbox: bool) -> list[str]:
    facts = [str(answer["browser"])]
    if not sandbox:
        facts.append("without its sandbox")
    if not answer["settled"]:
        facts.append("still changing when it was read")
    if traffic.over:
        facts.append(f"stopped loading after {traffic.bytes // 1_000_000} MB")
    if traffic.refused:
        facts.append(f"requests to addresses that are not allowed: {len(traffic.refused)}, refused")
    return facts


def _headers(page: Page) -> dict[str, str]:
    """The site's own headers, but for those that spoke of the body as it was sent."""
    kept = {
        name: value
        for name, value in page.headers.items()
        if name not in ("content-encoding", "content-length", "transfer-encoding", "connection", "content-type")
    }
    charset = f"; charset={page.charset}" if page.charset else ""
    return {**kept, "content-type": f"{page.media_type}{charset}"}


async def _ask_child(job: dict[str, Any], seconds: float) -> tuple[dict[str, Any], str]:
    """The child's answer, or why there is none: time, memory or crash."""
    try:
        async with _child() as process:
            return await _watched(process, job, seconds)
    except OSError:  # no process to be had
        return {}, "start"


async def _watched(process: Process, job: dict[str, Any], seconds: float) -> tuple[dict[str, Any], str]:
    problem = ""
    answer: dict[str, Any] = {}
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            nonlocal problem
            while True:
                await anyio.sleep(WATCH_SECONDS)
                if await anyio.to_thread.run_sync(resident_bytes, process.pid) > MAX_MEMORY:
                    problem = "memory"
                    group.cancel_scope.cancel()

        group.start_soon(watch)
        with anyio.move_on_after(seconds) as scope:
            answer = await _conversation(process, job)
            problem = "" if answer else "crash"
        if scope.cancelled_caught:
            problem = "time"
        group.cancel_scope.cancel()
    return answer, problem


async def _conversation(process: Process, job: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    said = bytearray()
    try:
        await process.stdin.send(json.dumps(job).encode() + b"\n")
        while not said.endswith(b"\n"):
            said += await process.stdout.receive()
            if len(said) > MAX_ANSWER:
                return {}
        answer = json.loads(said)
    except (anyio.BrokenResourceError, anyio.EndOfStream, ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


@asynccontextmanager
async def _child() -> AsyncIterator[Process]:
    # -P keeps this folder off the child's path
    command = [sys.executable, "-P", str(Path(__file__).with_name("browser_child.py"))]
    process = await anyio.open_process(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(end_family, process.pid)
            await process.aclose()
