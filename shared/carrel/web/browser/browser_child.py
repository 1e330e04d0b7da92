"""The process in which a browser shows one page: a job as a line of JSON on stdin, the answer as JSON on stdout.

Run by path, not imported: it knows nothing of Carrel. It ends, and the browser with it, when its stdin does, and not
before: a browser whose parent is gone could no longer be found and ended.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

QUIET = 0.5  # seconds without a change of the text or a request under way: the page has come to rest
PATIENCE = 3.0  # seconds of that which a page with next to no text is given
RESTLESS = 8.0  # seconds after which a page that has text and never rests is read as it is
LEAST_TEXT = 200  # characters
STEP_MS = 100
LONG_REQUEST = 3.0  # seconds after which a request is taken for one that never ends (a long poll, a stream)
COPYING = 3.0  # seconds of the time given that are kept for copying the page
CONTENT_MS = 10_000
STYLED_ELEMENTS = 100_000  # of a page with more, or with more text than is copied, styles are not computed
UNSEEN = frozenset({"image", "media", "font", "texttrack", "manifest", "ping"})
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "SYSTEMROOT")
FLAGS = (
    # Names are resolved by the proxy alone; whatever would go round it finds no address.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    # WebRTC may not send UDP past the proxy (RFC 8828, mode 4).
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--block-new-web-contents",
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-gpu",
    "--disable-3d-apis",
    "--disable-notifications",
    "--disable-speech-api",
    "--disable-remote-fonts",
    "--js-flags=--max-old-space-size=512",
)
# Laying out a hundred megabytes takes a browser minutes; what grows past what is copied is therefore not displayed.
WATCH = """
((limit) => {
  globalThis.changes = 0;
  globalThis.over = false;
  let size = 0;
  const look = (records) => {
    changes += records.length;
    for (const record of records) for (const node of over ? [] : record.addedNodes) size += node.textContent.length;
    if (over || size <= 2 * limit) return;
    over = true;
    document.documentElement?.style.setProperty("display", "none", "important");
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
})
"""
LOOK = "[changes, document.readyState]"
TEXT = """
((enough) => {
  const nodes = document.createNodeIterator(document.body ?? document, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node, seen = 0, left = 20000; left-- && (node = nodes.nextNode()); ) {
    if (node.shadowRoot) return true;
    if (node.nodeType !== Node.TEXT_NODE || /^(SCRIPT|STYLE|NOSCRIPT)$/.test(node.parentNode.nodeName)) continue;
    if ((seen += node.data.trim().length) >= enough) return true;
  }
  return false;
})"""


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
        world = World(page, self.job["limit"])
        page.on("crash", lambda _: end({"problem": "crash"}))
        page.on("request", self.begin)
        page.on("requestfinished", self.finish)
        page.on("requestfailed", self.finish)
        page.context.on("page", lambda opened: opened.close())
        page.context.route("**/*", self.route)
        try:
            page.goto(self.job["url"], wait_until="commit")
            world.enter()
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
        from playwright.sync_api import Error

        with contextlib.suppress(Error):  # whoever asked, a popup or a frame, is gone already
            self.decide(route, request)

    def decide(self, route: Any, request: Any) -> None:
        """Documents are the caller's business, pictures nobody's; the rest goes to the proxy."""
        if not request.is_navigation_request():
            if request.resource_type in UNSEEN:
                route.abort()
            else:
                route.continue_()
        elif request.method != "GET" or not self.in_window(request):
            route.abort()
        elif not self.served:
            self.served = True
            route.fulfill(status=200, headers=self.job["headers"], body=base64.b64decode(self.job["body"]))
        else:
            if request.url.partition("#")[0] != self.job["url"]:
                self.moved = self.moved or request.url
            route.abort()

    def in_window(self, request: Any) -> bool:
        from playwright.sync_api import Error

        try:
            return bool(request.frame == self.page.main_frame)
        except Error:
            return False  # a window that is not there yet

    def rest(self, world: World) -> bool:
        """Wait until nothing changes any more; False when the page was still at it when its time was up."""
        start = quiet_since = time.monotonic()
        before = 0
        while (now := time.monotonic()) < self.job["until"] and not self.moved:
            changes, state = world.evaluate(LOOK)
            if changes != before or state == "loading" or self.busy(now):
                before, quiet_since = changes, now
                if now - start >= RESTLESS and self.has_text(world):
                    return False
            elif now - quiet_since >= PATIENCE or (now - quiet_since >= QUIET and self.has_text(world)):
                return True
            self.page.wait_for_timeout(STEP_MS)
        return False

    def has_text(self, world: World) -> bool:
        return bool(world.evaluate(f"{TEXT}({LEAST_TEXT})"))

    def busy(self, now: float) -> bool:
        return any(now - since < LONG_REQUEST for since in self.under_way.values())

    def seen(self, world: World, settled: bool) -> dict[str, Any]:
        script = Path(__file__).with_name("seen.js").read_text("utf-8")
        limit = self.job["limit"]
        copy = json.loads(world.evaluate(f"({script})({limit}, {STYLED_ELEMENTS})", timeout=CONTENT_MS))
        return {"html": copy["html"][:limit], "cut": copy["cut"], "settled": settled, "url": self.page.url}


class World:
    """Scripts of ours beside the page's: the same document, but no name or prototype that the page can change."""

    NAME = "reader"

    def __init__(self, page: Any, limit: int) -> None:
        self.session = page.context.new_cdp_session(page)
        self.context = 0
        self.session.send("Page.enable")
        watch = {"source": f"{WATCH}({limit})", "worldName": self.NAME}
        self.session.send("Page.addScriptToEvaluateOnNewDocument", watch)

    def enter(self) -> None:
        """Find the world of the document that has just been opened; it was there before the page's first script."""
        frame = self.session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        made = self.session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": self.NAME})
        self.context = made["executionContextId"]

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
            import traceback

            traceback.print_exc()
            return {"problem": "failed"}


def start_problem(message: str) -> str:
    """What Playwright's account of a failed start comes to."""
    if "Executable doesn't exist" in message:
        return "missing"
    return "sandbox" if "No usable sandbox" in message or "sandboxing failed" in message else "start"


def user_agent(version: str, agent: str) -> str:
    """What sites look for in a browser, then who it is that asks."""
    engine = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    return f"{engine} HeadlessChrome/{version.partition('.')[0]}.0.0.0 Safari/537.36 {agent}"


def end(answer: dict[str, Any]) -> None:
    """Answer and do nothing more, whatever else is going on."""
    with open(1, "wb", closefd=False) as out:
        out.write(json.dumps(answer).encode("ascii") + b"\n")
    threading.Event().wait()


def end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    """Do the job, and nothing after it."""
    start = time.monotonic()
    line = sys.stdin.buffer.readline()
    threading.Thread(target=end_with_parent, daemon=True).start()
    job = json.loads(line)
    job["until"] = start + job["seconds"] - COPYING
    os.environ["TMPDIR"] = job["home"]
    end(show(job))


if __name__ == "__main__":
    main()
