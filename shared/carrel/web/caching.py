"""I am about to ask a site: does an answer it gave before still stand?

`Cache` decides by RFC 9111 and keeps in an `AnswerStore`. It sits above the network and below every check of the
address: `check_url` and robots.txt come first in any case, and what a listed host said is kept apart from the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import anyio

from carrel.records import PageOrigin
from carrel.web import freshness
from carrel.web.answers import Answer, body_cap
from carrel.web.store import AnswerStore, Kept
from carrel.web.urls import WebUrl

__all__ = ["Cache"]

_T = TypeVar("_T")
Ask = Callable[[Mapping[str, str]], Awaitable[Answer]]


class Cache:
    """Answers from ``store`` while they are fresh. ``now`` is the wall clock."""

    def __init__(self, store: AnswerStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._limiter = anyio.CapacityLimiter(4)

    async def answer(
        self, url: WebUrl, accept: str, ask: Ask, *, max_bytes: int | None, max_age: float | None = None
    ) -> Answer:
        """A kept answer at most ``max_age`` seconds old, or what ``ask`` gives.

        ``ask`` is called with the headers that make its request conditional; ``max_age`` 0 asks the site in any case.
        """
        key = _key(url)
        kept = await self._find(key, accept)
        now = self._now().timestamp()
        if kept is not None and _stands(kept, now, max_age):
            await self._run(lambda: self._store.touch(key, accept, now))
            return _as_answer(kept, max_bytes, "store")
        conditions = freshness.conditions(kept.headers) if kept is not None else {}
        answer = await ask(conditions)
        if kept is not None and answer.status == 304:
            kept = _confirmed(kept, answer, now, self._now().timestamp())
            if kept is None:
                answer = await ask({})  # it confirmed something that is not here
        if kept is not None and answer.status == 304:
            await self._keep(key, kept)
            return replace(_as_answer(kept, max_bytes, "confirmed"), at=answer.at)
        if answer.truncated or not freshness.may_keep(answer.status, answer.headers):
            if kept is not None and answer.status < 500:
                await self._run(lambda: self._store.drop(key))
            return answer
        await self._keep(key, _as_kept(answer, accept, now, self._now().timestamp()))
        return answer

    async def aclose(self) -> None:
        """Close the store's file; it is opened again when next needed."""
        await self._run(self._store.close)

    async def _find(self, key: str, accept: str) -> Kept | None:
        for kept in await self._run(lambda: self._store.find(key)):
            if freshness.selects(kept.headers, {"accept": kept.accept}, {"accept": accept}):
                return kept
        return None

    async def _keep(self, key: str, kept: Kept) -> None:
        await self._run(lambda: self._store.keep(key, kept))

    async def _run(self, call: Callable[[], _T]) -> _T:
        return await anyio.to_thread.run_sync(call, limiter=self._limiter)


def _key(url: WebUrl) -> str:
    return hashlib.sha256(f"{'listed' if url.listed else 'public'} {url.text}".encode()).hexdigest()


def _stands(kept: Kept, now: float, max_age: float | None) -> bool:
    old = freshness.age(kept.headers, kept.asked_at, kept.came_at, now)
    return freshness.is_usable(kept.status, kept.headers, old, max_age=max_age)


def _confirmed(kept: Kept, answer: Answer, asked_at: float, came_at: float) -> Kept | None:
    """The kept answer renewed by a 304; None where the 304 names another body (section 4.3.4)."""
    tag = answer.headers.get("etag")
    if tag is not None and tag.removeprefix("W/") != kept.headers.get("etag", "").removeprefix("W/"):
        return None
    return replace(kept, headers=freshness.refreshed(kept.headers, answer.headers), asked_at=asked_at, came_at=came_at)


def _as_kept(answer: Answer, accept: str, asked_at: float, came_at: float) -> Kept:
    headers = freshness.refreshed(answer.headers, {})
    return Kept(accept, answer.status, headers, answer.body, asked_at, came_at)


def _as_answer(kept: Kept, max_bytes: int | None, origin: PageOrigin) -> Answer:
    cap = body_cap(kept.status, kept.headers, max_bytes)
    return Answer(
        kept.status,
        kept.headers,
        datetime.fromtimestamp(kept.came_at, UTC),
        kept.body[:cap],
        len(kept.body) > cap,
        origin,
    )
