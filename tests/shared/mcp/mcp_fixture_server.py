"""A tiny server with one tool for every property of the room; also run as a real process by the transport tests."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from typing import Annotated, Literal

import anyio
from pydantic import BaseModel, Field

from carrel.errors import NotFound, RateLimited, Refused
from carrel.mcp import CarrelServer, Context, progress, run, untrusted
from carrel.settings import Settings


class Item(BaseModel):
    """Something counted."""

    name: str
    note: str | None = None


class Counted(BaseModel):
    """A record reply."""

    total: int
    items: list[Item]
    ratio: float = 1.0
    omitted: int = 0


class Pair(BaseModel):
    """A nested argument."""

    claim: str = Field(min_length=1)
    weight: Annotated[int, Field(gt=0)] = 1


class Tree(BaseModel):
    """A recursive argument."""

    name: str
    children: list[Tree] = []


class _Arrivals:
    """Lets a test wait until all threads of the server have arrived."""

    def __init__(self, expected: int) -> None:
        self._barrier = threading.Semaphore(0)
        self._expected = expected

    def arrive(self) -> None:
        self._barrier.release()

    def wait(self) -> None:
        for _ in range(self._expected):
            assert self._barrier.acquire(timeout=20)


STUBBORN = _Arrivals(8)


def create_server(settings: Settings, *, gate: threading.Event | None = None) -> CarrelServer:
    """Build the server. ``gate`` is what `wait_here` waits for."""
    gate = gate or threading.Event()
    server = CarrelServer(
        "fixture", instructions="A server for tests.", settings=settings, warm_up=_warm_up, close=_close
    )

    @server.tool(title="Count items")
    def count_items(
        limit: Annotated[int, Field(ge=1, le=50, description="How many")] = 3,
        prefix: str = "né",
        after: str | None = None,
        mode: Literal["plain", "noted"] = "plain",
    ) -> Counted:
        """Count items.

        Second paragraph, kept whole.
        """
        note = "x" if mode == "noted" else None
        return Counted(total=limit, items=[Item(name=f"{prefix}{n}", note=note) for n in range(limit)])

    @server.tool(text=True, open_world=True)
    async def read_text(source: str, text: str) -> str:
        """Read text from outside."""
        return untrusted(text, source=source, ref="abcdefghijklmnop:0-5")

    @server.tool()
    def weigh_pairs(
        pairs: Annotated[list[Pair], Field(min_length=1, max_length=3)], only: Literal["all"] = "all"
    ) -> Counted:
        """Weigh pairs."""
        return Counted(total=sum(pair.weight for pair in pairs), items=[Item(name=pair.claim) for pair in pairs])

    @server.tool()
    def pick_one(what: str | Pair = "") -> Counted:
        """Pick text or a pair."""
        return Counted(total=1, items=[Item(name=what if isinstance(what, str) else what.claim)])

    @server.tool()
    def walk_tree(tree: Tree) -> Counted:
        """Walk a tree."""

        def size(node: Tree) -> int:
            return 1 + sum(size(child) for child in node.children)

        return Counted(total=size(tree), items=[])

    @server.tool()
    def fail_with(how: Literal["missing", "limited", "refused", "crash", "group", "mixed"]) -> Counted:
        """Fail."""
        if how == "missing":
            raise NotFound("there is no such thing; ask for another")
        if how == "limited":
            raise RateLimited("the service asks for patience; try again later", retry_after=7.5)
        if how == "refused":
            raise Refused("that folder is not among the roots; start the server with --root")
        if how == "mixed":
            raise ExceptionGroup("several", [NotFound("there is no such thing"), RuntimeError("secret /etc/passwd")])
        if how == "group":
            raise ExceptionGroup("several", [NotFound("there is no such thing"), NotFound("nor this")])
        raise RuntimeError("secret /etc/passwd")

    @server.tool(text=True, max_chars=2_000)
    def repeat_line(line: str, times: Annotated[int, Field(ge=0, le=100_000)], wrap: bool = False) -> str:
        """Repeat a line."""
        text = f"{line}\n" * times
        return untrusted(text, source="here") if wrap else text

    @server.tool(max_chars=1_000)
    def list_many(times: Annotated[int, Field(ge=0, le=100_000)]) -> Counted:
        """List too many."""
        return Counted(total=times, items=[Item(name=f"item {n}") for n in range(times)])

    @server.tool(max_chars=1_000, tail="items")
    def list_some(times: Annotated[int, Field(ge=0, le=100_000)], name: str = "item") -> Counted:
        """List as many as fit."""
        return Counted(total=times, items=[Item(name=f"{name} {n}") for n in range(times)])

    @server.tool(text=True)
    def work_long(steps: Annotated[int, Field(ge=1, le=100_000)], ctx: Context) -> str:
        """Work in a thread and report."""
        report = progress(ctx)
        for step in range(steps):
            report(step + 1, steps, f"step {step + 1}")
        return f"{steps} done"

    @server.tool(text=True)
    async def work_async(steps: Annotated[int, Field(ge=1, le=100)], ctx: Context) -> str:
        """Work on the loop and report."""
        report = progress(ctx)
        for step in range(steps):
            report(step + 1, None, "")
            await anyio.lowlevel.checkpoint()
        return f"{steps} done"

    @server.tool(text=True)
    def wait_here(ctx: Context) -> str:
        """Wait until let go or cancelled."""
        report = progress(ctx)
        report(0, None, "waiting")
        while not gate.wait(0.01):
            report(0, None, "waiting")
        return "let go"

    @server.tool(text=True)
    def wait_stubbornly() -> str:
        """Wait until let go, whatever happens to the call."""
        STUBBORN.arrive()
        gate.wait(20)
        return "let go"

    @server.tool(text=True)
    def print_noise() -> str:
        """Print to stdout as careless libraries do."""
        sys.stdout.write("noise from Python\n")
        sys.stdout.flush()
        ctypes.CDLL(None).puts(b"noise from C")
        ctypes.CDLL(None).fflush(None)
        return "quiet"

    @server.tool(writes=True, destructive=True, idempotent=False)
    def store_thing(name: str) -> Counted:
        """Store."""
        return Counted(total=1, items=[Item(name=name)])

    @server.tool(text=True)
    def broken_text() -> str:
        """Return a lone surrogate."""
        return "a\ud800b"

    @server.tool()
    def broken_record() -> Counted:
        """Return what JSON cannot say."""
        return Counted(total=1, items=[Item(name="a\udfffb")], ratio=float("nan"))

    @server.resource("carrel://things/{name}", mime_type="text/plain")
    def thing(name: str) -> str:
        """A thing."""
        if name == "missing":
            raise NotFound("there is no such thing; list them first")
        if name == "busy":
            raise RateLimited("too many readers; try again later")
        if name == "crash":
            raise RuntimeError("secret /etc/passwd")
        return "thing \ud800" if name == "broken" else f"thing {name}"

    @server.prompt()
    def ask_about(topic: str) -> str:
        """Ask about a topic."""
        if topic == "missing":
            raise NotFound("nothing is known of that topic")
        if topic == "crash":
            raise RuntimeError("secret /etc/passwd")
        return f"Tell me about {topic}."

    return server


def _warm_up() -> None:
    sys.stderr.write("warmed up\n")
    raise RuntimeError("no model here")


def _close() -> None:
    sys.stderr.write("closed\n")
    sys.stderr.flush()


def _stuck() -> None:
    time.sleep(3600)


if __name__ == "__main__":
    # A thread of a library that does not end by itself must not keep the process alive.
    threading.Thread(target=_stuck, daemon=False).start()
    run(create_server, prog="fixture")
