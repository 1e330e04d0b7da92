"""An evaluation on disk: a TREC run per pipeline, the table twice (Markdown, JSON), and a plot."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from carrel.errors import BadRequest, Unsupported
from carrel.evaluation.comparing import Table
from carrel.evaluation.nouns import Run
from carrel.evaluation.plot import draw
from carrel.evaluation.trec import written

__all__ = ["write"]

_UNFIT = re.compile(r"[^A-Za-z0-9._=-]+")


def write(
    folder: Path, table: Table, markdown: str, data: Mapping[str, Any], runs: Sequence[Run], *, seed: int
) -> tuple[str, ...]:
    """Write everything into ``folder``, which is made; earlier files of the same set are replaced. The remarks say what
    could not be written, which is the plot without matplotlib. Raises BadRequest when the folder cannot be written."""
    name = _fit(table.questions.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for run in runs:
            (folder / f"{name}-{_fit(run.name)}.run").write_text(written(run), encoding="utf-8")
        (folder / f"{name}.md").write_text(markdown, encoding="utf-8")
        (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        draw(table, folder / f"{name}.png", seed=seed)
    except Unsupported as missing:
        return (str(missing),)
    except OSError:
        raise BadRequest("the folder of --out cannot be written; choose another one") from None
    return ()


def _fit(name: str) -> str:
    """A name that every file system takes."""
    return _UNFIT.sub("-", name).strip("-.")[:100] or "run"
