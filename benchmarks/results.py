"""Where figures are kept, with what they were measured on."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


_PACKAGES = ("carrel", "onnxruntime", "tantivy", "lancedb", "mcp")


def write(name: str, figures: dict[str, Any], packages: Iterable[str] = _PACKAGES) -> Path:
    """Write ``benchmarks/results/<name>.json``, with the versions of the ``packages`` that made the figures."""
    versions = {package: metadata.version(package) for package in packages}
    machine = {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"figures": figures, "machine": machine, "versions": versions}, indent=1) + "\n")
    return path


def need(path: Path) -> Path:
    """Return ``path`` or end with a sentence that says what is missing."""
    if not path.exists():
        sys.exit(f"{path} is missing; give the folder of the test data with --data")
    return path
