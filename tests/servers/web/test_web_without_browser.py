"""read_page where no browser is, or may be, run: what it says, and that plain pages do not suffer."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from carrel.settings import Settings
from carrel.web import WebClient
from carrel_web.server import create_server
from kit import Host

URL = "https://example.com/app"
SCRIPT = f"<script>{'x' * 3000}</script>"
PAGES = {
    "/app": f"<title>App</title><div id=root></div>{SCRIPT}",
    "/short": f"<title>App</title><div id=root>Loading the app</div>{SCRIPT}",
    "/elsewhere": "<title>App</title><noscript>Turn on JavaScript.</noscript><p>Hello</p><script src=/a.js></script>",
    "/brief": "<title>Brief</title><p>The whole of this page is one sentence, and that is all there is to it, "
    "which its writer thinks is quite enough.</p><script src=/count.js></script>",
}


def site(request: httpx2.Request) -> httpx2.Response:
    text = PAGES.get(request.url.path)
    return httpx2.Response(200, html=text) if text else httpx2.Response(404)


def serve(settings: Settings) -> Host:
    return Host(create_server(settings, client=WebClient(transport=httpx2.MockTransport(site), burst=100)))


@pytest.fixture
def bare(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A server beside which Playwright is not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "playwright" else find(name))
    return serve(settings)


async def test_a_page_without_text_says_how_to_get_a_browser(bare: Host) -> None:
    kind, message = await bare.refusal("read_page", url=URL)
    assert kind == "unsupported"
    assert "JavaScript" in message
    assert "pip install 'carrel[browser]'" in message


@pytest.mark.parametrize("path", ["/short", "/elsewhere"])
async def test_a_page_with_little_text_is_shown_with_the_reason(bare: Host, path: str) -> None:
    reply = await bare.text("read_page", url=f"https://example.com{path}")
    assert "note: not rendered: to render pages, pip install" in reply
    assert "note: almost no text" in reply
    plain = await bare.text("read_page", url=f"https://example.com{path}", render="never", fresh=True)
    assert "note: not rendered" not in plain


async def test_a_short_page_that_only_counts_its_readers_is_not_rendered(bare: Host) -> None:
    assert "note:" not in await bare.text("read_page", url="https://example.com/brief")


async def test_asking_for_a_rendered_page_is_an_error(bare: Host) -> None:
    kind, message = await bare.refusal("read_page", url="https://example.com/brief", render="always")
    assert (kind, "CARREL_BROWSER" in message) == ("unsupported", True)


@pytest.mark.parametrize(
    ("user", "options", "expected"),
    [
        (0, {}, "CARREL_BROWSER_SANDBOX=off"),
        (1000, {"browser": "/no/such/browser"}, "CARREL_BROWSER names no program"),
    ],
)
async def test_a_setting_that_keeps_the_browser_from_running_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, user: int, options: dict[str, Any], expected: str
) -> None:
    pytest.importorskip("playwright", reason="Playwright is not installed")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    host = serve(replace(settings, **options))
    assert expected in (await host.refusal("read_page", url=URL, render="always"))[1]


def test_the_settings_come_from_the_environment() -> None:
    given = Settings.from_environment({"CARREL_BROWSER": "/usr/bin/browser", "CARREL_BROWSER_SANDBOX": "off"})
    assert (given.browser, given.browser_sandbox) == ("/usr/bin/browser", False)
    assert Settings.from_environment({}).browser_sandbox
