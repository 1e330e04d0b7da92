"""What every test may use: settings on a temporary folder, a small encoder, and a library over both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carrel.index import Library
from carrel.records import Document
from carrel.settings import Settings
from kit import FOX, OWL, WordEncoder, text_document


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose only readable root is ``tmp_path / "documents"``, without an encoder."""
    root = tmp_path / "documents"
    root.mkdir()
    return Settings(data=tmp_path / "data", models=tmp_path / "models", roots=(root,), encoder="none")


@pytest.fixture
def make_library(tmp_path: Path) -> Iterator[Callable[..., Library]]:
    """Open libraries on one data folder (``name`` for another); all are closed at the end."""
    opened: list[Library] = []

    def make(name: str = "data", encoder: object | None = None, **options: object) -> Library:
        library = Library(
            tmp_path / name,
            encoder=None if encoder is None else lambda: encoder,  # type: ignore[arg-type, return-value]
            **options,  # type: ignore[arg-type]
        )
        opened.append(library)
        return library

    yield make
    for library in opened:
        library.close()


@pytest.fixture
def library(make_library: Callable[..., Library]) -> Library:
    """A lexical-only library."""
    return make_library()


@pytest.fixture
def fox() -> Document:
    return text_document(FOX, "Foxes")


@pytest.fixture
def owl() -> Document:
    return text_document(OWL, "Owls")
