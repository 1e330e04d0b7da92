"""What the tests of the index share beside the kit: a sound data folder to damage, and libraries that are closed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carrel.index import Library
from fault_kit import build, open_whole


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound data folder, to be copied."""
    data = tmp_path_factory.mktemp("whole") / "data"
    build(data)
    return data


@pytest.fixture
def data(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    shutil.copytree(whole, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def opened() -> Iterator[Callable[..., Library]]:
    """Open libraries that may write; all are closed at the end."""
    libraries: list[Library] = []

    def make(data: Path, **options: object) -> Library:
        libraries.append(open_whole(data, **options))
        return libraries[-1]

    yield make
    for library in libraries:
        library.close()
