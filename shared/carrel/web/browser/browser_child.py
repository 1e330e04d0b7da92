"""The process in which a browser shows one page: a job as a line of JSON on stdin, the answer as JSON on stdout.

Run by path, not imported: it knows nothing of Carrel. It ends, and the browser with it, when its stdin does.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

QUIET = 0.5  # seconds without a change of the text or a request under way: the page has come to rest
PATIENCE = 3.0  # seconds that a page with next to no text is given all the same
LEAST_TEXT = 200  # characters
STEP_MS = 100
LONG_REQUEST = 3.0  # seconds after which a request is taken for one that never ends (a long poll, a stream)
CONTENT_MS = 10_000
STYLED_ELEMENTS = 100_000  # of a page with more, styles are not computed: the layout alone takes seconds
UNSEEN = frozenset({"image", "media", "font", "texttrack", "manifest", "ping"})
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "SYSTEMROOT")
FLAGS = (
    # Names are resolved by the proxy alone; whatever would go round it finds no address.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    # WebRTC may not send UDP past the proxy (RFC 8828, mode 4).
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-gpu",
    "--disable-3d-apis",
    "--disable-notifications",
    "--disable-speech-api",
    "--disable-remote-fonts",
    "--js-flags=--max-old-space-size=512",
)
WATCH = """
(() => {
  globalThis.changes = 0;
  new MutationObserver((records) => { changes += records.length; })
    .observe(document, { subtree: true, childList: true, characterData: true });
})()
"""
LOOK = "[changes, document.readyState]"
TEXT = "document.body ? document.body.innerText.trim().length : 0"


class Visit:
    """One page in one tab. Its first document comes from the job; another address for the window ends the visit."""

    def __init__(self, page: Any, job: dict[str, Any]) -> None:
        self.page = page
        self.job = job
        self.moved = ""
        self.served = False
        self.under_way: dict[Any, float] = {}

    def run(self) -> dict[str, Any]:
        """Load, wait, copy."""
        from playwright.sync_api import Error

        page = self.page
        page.on("crash", lambda _: end({"problem": "crash"}))
        page.on("request", self.begin)
        page.on("requestfinished", self.finish)
        page.on("requestfailed", self.finish)
        page.context.on("page", lambda opened: opened.close())
        page.context.route("**/*", self.route)
        try:
            page.goto(self.job["url"], wait_until="commit")
            world = World(page)
            settled = self.rest(world)
            if not self.moved:
                return self.seen(world, settled)
        except Error:
            if not self.moved:
                raise
        return {"moved": self.moved}

    def begin(self, request: Any) -> None:
        self.under_way[request] = time.monotonic()

    def finish(self, request: Any) -> None:
        self.under_way.pop(request, None)

    def route(self, route: Any, request: Any) -> None:
        """Documents are the caller's business, pictures nobody's; the rest goes to the proxy."""
        if not request.is_navigation_request():
            if request.resource_type in UNSEEN:
                route.abort()
            else:
                route.continue_()
        elif request.frame != self.page.main_frame or request.method != "GET":
            route.abort()
        elif not self.served:
            self.served = True
            route.fulfill(status=200, headers=self.job["headers"], body=base64.b64decode(self.job["body"]))
        else:
            if request.url.partition("#")[0] != self.job["url"]:
                self.moved = self.moved or request.url
            route.abort()

    def rest(self, world: World) -> bool:
        """Wait until nothing changes any more; False when the page was still at it when its time was up."""
        start = quiet_since = time.monotonic()
        before = 0
        while (now := time.monotonic()) < start + self.job["settle"] and not self.moved:
            changes, state = world.evaluate(LOOK)
            if changes != before or state == "loading" or self.busy(now):
                before, quiet_since = changes, now
            elif now - quiet_since >= QUIET and (now - start >= PATIENCE or world.evaluate(TEXT) >= LEAST_TEXT):
                return True
            self.page.wait_for_timeout(STEP_MS)
        return False

    def busy(self, now: float) -> bool:
        return any(now - since < LONG_REQUEST for since in self.under_way.values())

    def seen(self, world: World, settled: bool) -> dict[str, Any]:
        script = Path(__file__).with_name("seen.js").read_text("utf-8")
        limit = self.job["limit"]
        copy = json.loads(world.evaluate(f"({script})({limit}, {STYLED_ELEMENTS})", timeout=CONTENT_MS))
        return {"html": copy["html"][:limit], "cut": copy["cut"], "settled": settled, "url": self.page.url}


class World:
    """Scripts of ours beside the page's: the same document, but no name or prototype that the page can change."""

    def __init__(self, page: Any) -> None:
        self.session = page.context.new_cdp_session(page)
        frame = self.session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        made = self.session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "reader"})
        self.context = made["executionContextId"]
        self.evaluate(WATCH)

    def evaluate(self, expression: str, **options: Any) -> Any:
        asked = {"expression": expression, "contextId": self.context, "returnByValue": True, **options}
        return self.session.send("Runtime.evaluate", asked)["result"].get("value")


def show(job: dict[str, Any]) -> dict[str, Any]:
    """What the page is after its scripts ran, or what kept it from being shown."""
    from playwright.sync_api import Error, sync_playwright

    home = job["home"]
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=job["executable"] or None,
                chromium_sandbox=job["sandbox"],
                args=list(FLAGS),
                # "<-loopback>" takes back the exemption that Chromium makes for loopback addresses
                proxy={"server": f"http://127.0.0.1:{job['port']}", "bypass": "<-loopback>"},
                env={
                    **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
                    "HOME": home,
                    "TMPDIR": home,
                },
            )
        except Error as error:
            return {"problem": start_problem(str(error))}
        context = browser.new_context(
            user_agent=user_agent(browser.version, job["agent"]),
            accept_downloads=False,
            service_workers="block",
            viewport={"width": 1280, "height": 2000},
        )
        try:
            return {"browser": f"Chromium {browser.version}", **Visit(context.new_page(), job).run()}
        except Error:
            return {"problem": "failed"}


def start_problem(message: str) -> str:
    if "Executable doesn't exist" in message or "spawn" in message:
        return "missing"
    return "sandbox" if "sandbox" in message.partition("<launching>")[2].partition("[pid")[2] else "start"


def user_agent(version: str, agent: str) -> str:
    """What sites look for in a browser, then who it is that asks."""
    engine = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    return f"{engine} HeadlessChrome/{version.partition('.')[0]}.0.0.0 Safari/537.36 {agent}"


def end(answer: dict[str, Any]) -> None:
    """Answer and be gone, whatever else is going on."""
    with open(1, "wb", closefd=False) as out:
        out.write(json.dumps(answer).encode("utf-8", "surrogatepass"))
    os._exit(0)


def end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def main() -> None:
    """Do the job, and nothing after it."""
    line = sys.stdin.buffer.readline()
    threading.Thread(target=end_with_parent, daemon=True).start()
    job = json.loads(line)
    os.environ["TMPDIR"] = job["home"]
    end(show(job))


if __name__ == "__main__":
    main()
