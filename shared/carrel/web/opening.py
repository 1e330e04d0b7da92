"""I have settings: give me the web as they describe it — live, cached or frozen."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.settings import Settings
from carrel.web.client import WebClient
from carrel.web.recording import Recorder, Recording

if TYPE_CHECKING:
    import httpx2

    from carrel.web.store import AnswerStore

__all__ = ["OpenWeb"]


class OpenWeb:
    """Makes the web clients of one server; they share the store, the recording and the place reached in it.

    ``clock`` gives Unix seconds; a recording has its own. Raises BadRequest when the recording to replay is missing or
    the one to write is something else.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._recorder = None if settings.record is None else Recorder(settings.record, secrets=self._secrets)
        self._recording = None if settings.replay is None else Recording(settings.replay, secrets=self._secrets)

    def client(
        self,
        *,
        retries: int = 2,
        transport: httpx2.AsyncBaseTransport | None = None,
        own_hosts: tuple[str, ...] = (),
        burst: int = 6,
    ) -> WebClient:
        """A client that the caller closes. ``own_hosts`` may be private for this client alone."""
        settings = self._settings
        allow_hosts = (*settings.allow_hosts, *own_hosts)
        if self._recording is not None:
            return WebClient(
                allow_hosts=allow_hosts,
                retries=retries,
                recording=self._recording,
                now=self._recording.now,
                per_second=1e6,  # no site is asked, so none is to be spared
                sleep=_at_once,
            )
        return WebClient(
            contact=settings.contact,
            allow_hosts=allow_hosts,
            burst=burst,
            transport=transport,
            retries=retries,
            recorder=self._recorder,
            store=self._store,
            keys=tuple(settings.keys.values()),
            now=lambda: datetime.fromtimestamp(self._clock(), UTC),
        )

    def close(self) -> None:
        """Write the recording's index."""
        if self._recorder is not None:
            self._recorder.close()

    @cached_property
    def _store(self) -> AnswerStore | None:
        """None while recording: a recording holds all that a run was told, so nothing may come from elsewhere."""
        from carrel.web.store import AnswerStore

        settings = self._settings
        if settings.reality != "cached" or settings.read_only or self._recorder is not None:
            return None
        return AnswerStore(Path(settings.data) / "web" / "answers.sqlite")

    @property
    def _secrets(self) -> tuple[str, ...]:
        return tuple(value for value in (self._settings.contact, *self._settings.keys.values()) if value)


async def _at_once(seconds: float) -> None:
    """Wait for nobody."""
