"""Open the library a server's settings name, once, when it is first needed."""

from __future__ import annotations

import threading
from functools import partial

from carrel.errors import Unavailable
from carrel.index.library import Library
from carrel.models import load_encoder, load_sparse_encoder
from carrel.settings import Settings

__all__ = ["LazyLibrary", "open_library"]


def open_library(settings: Settings) -> Library:
    """The library in ``settings.data`` with the encoder ``settings.encoder`` (``none``: lexical only).

    Raises Refused when the folder cannot be written (or, read-only, holds no library) and IncompatibleIndex when
    another program version made it.
    """
    encoder = None if settings.encoder == "none" else partial(load_encoder, settings.encoder, settings.models)
    return Library(
        settings.data,
        encoder=encoder,
        models=lambda name: load_encoder(name, settings.models),
        sparse=lambda name: load_sparse_encoder(name, settings.models),
        snapshots=settings.snapshots,
        token_room=settings.token_room,
        read_only=settings.read_only,
    )


class LazyLibrary:
    """Call it for the library: opened at the first call, so that a server starts fast and even when it cannot be.

    A library handed in is used as it is and left open by `close`.
    """

    def __init__(self, settings: Settings, library: Library | None = None) -> None:
        self._settings = settings
        self._given = library
        self._opened: Library | None = None
        self._lock = threading.Lock()
        self._closed = False

    def __call__(self) -> Library:
        with self._lock:
            if self._given is not None:
                return self._given
            if self._closed:
                raise Unavailable("the server is stopping; start it again")
            if self._opened is None:
                self._opened = open_library(self._settings)
            return self._opened

    def close(self) -> None:
        """Close what was opened here."""
        with self._lock:
            self._closed = True
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()
