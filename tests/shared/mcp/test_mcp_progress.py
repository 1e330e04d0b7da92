"""Progress on its way from a tool to the client."""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import anyio
import pytest

from carrel.mcp import Context, progress
from carrel.mcp.progress import reporting

Seen = list[tuple[float, float | None, str | None]]


class Listener:
    """Stands where the client would: keeps what it is told, as slowly as it is asked to."""

    def __init__(self, failing: type[Exception] | None = None) -> None:
        self.seen: Seen = []
        self._failing = failing

    async def report_progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        await anyio.lowlevel.checkpoint()
        if self._failing is not None:
            raise self._failing
        self.seen.append((done, total, message))


@pytest.mark.parametrize("tool", ["work_long", "work_async"])
async def test_reports_increase_and_the_last_one_always_arrives(connect: Any, tool: str) -> None:
    seen: Seen = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, total, message))

    async with connect() as caller:
        reply = await caller.client.call_tool(tool, {"steps": 100}, progress_callback=note)
    assert reply.content[0].text == "100 done"
    assert [done for done, _, _ in seen] == sorted({done for done, _, _ in seen})
    assert seen[-1] == ((100, 100, "step 100") if tool == "work_long" else (100, None, None))
    assert len(seen) <= 20, "a flood of reports becomes a trickle of notifications"


async def test_without_a_progress_token_nothing_is_sent_and_nothing_breaks(connect: Any) -> None:
    async with connect() as caller:
        assert await caller.text("work_long", steps=1000) == "1000 done"


async def test_reports_from_many_threads_never_go_back() -> None:
    listener = Listener()
    async with reporting(listener, interval=0):  # type: ignore[arg-type]
        report = progress(Context())

        def work() -> None:
            for step in range(200):
                report(step, 200, "")

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await anyio.to_thread.run_sync(thread.join)
    done = [each[0] for each in listener.seen]
    assert done == sorted(done)
    assert done[-1] == 199


async def test_within_an_interval_only_the_newest_report_is_kept() -> None:
    listener = Listener()
    async with reporting(listener, interval=3600):  # type: ignore[arg-type]
        report = progress(Context())
        report(1)
        await anyio.wait_all_tasks_blocked()
        for step in range(2, 10):
            report(step, 10, f"step {step}")
        await anyio.wait_all_tasks_blocked()
        assert listener.seen == [(1, None, None)]
    assert listener.seen == [(1, None, None), (9, 10, "step 9")]


async def test_a_report_that_goes_back_is_not_sent() -> None:
    listener = Listener()
    async with reporting(listener, interval=0):  # type: ignore[arg-type]
        report = progress(Context())
        for done in (5, 3, 6, 6, 2):
            report(done)
            await anyio.wait_all_tasks_blocked()
    assert [each[0] for each in listener.seen] == [5, 6, 6]


async def test_a_report_just_before_the_end_is_sent() -> None:
    listener = Listener()
    async with reporting(listener):  # type: ignore[arg-type]
        progress(Context())(1, 1, "all")
    assert listener.seen == [(1, 1, "all")]


async def test_a_client_that_has_gone_does_not_fail_the_tool() -> None:
    async with reporting(Listener(anyio.BrokenResourceError)):  # type: ignore[arg-type]
        progress(Context())(1)


async def test_a_failed_call_reports_no_more() -> None:
    listener = Listener()
    with pytest.raises(ValueError, match="no"):
        async with reporting(listener):  # type: ignore[arg-type]
            report = progress(Context())
            report(1)
            raise ValueError("no")
    report(2)
    await anyio.wait_all_tasks_blocked()
    assert listener.seen == []


def test_outside_a_call_reporting_does_nothing(fixture_server: ModuleType) -> None:
    progress(Context())(1, 2, "words")
