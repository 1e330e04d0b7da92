"""A pretend internet for tests of what reads the web."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import httpx2

Response = httpx2.Response | Awaitable[httpx2.Response]
Answer = Callable[[httpx2.Request], Response]


class Internet:
    """Answers from ``pages``, by address; any other address is a 404. ``asked`` are the requests, in order."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> Response:
        self.asked.append(request)
        answer = self.pages.get(str(request.url))
        return answer(request) if answer else httpx2.Response(404)

    def put(self, url: str, body: str | bytes, kind: str = "text/html; charset=utf-8", **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        sent = {"content-type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.pages[url] = lambda request: httpx2.Response(200, content=content, headers=sent)

    @property
    def addresses(self) -> list[str]:
        """What was asked for, robots.txt aside."""
        return [str(request.url) for request in self.asked if request.url.path != "/robots.txt"]


def envelopes(reply: str) -> tuple[str, list[str]]:
    """What we say, and what each page says."""
    bodies = re.findall(r"<<<UNTRUSTED [^\n]*>>>\n(.*?)\n<<<END UNTRUSTED \w+>>>", reply, re.S)
    return re.sub(r"<<<UNTRUSTED .*?<<<END UNTRUSTED \w+>>>", "", reply, flags=re.S), bodies
