"""The house checks itself: light imports, true public faces, licences."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from kit import REPOSITORY

ROOTS = ("shared", "servers", "clients")
HEAVY = (
    "torch",
    "sentence_transformers",
    "lancedb",
    "pyarrow",
    "onnxruntime",
    "onnx",
    "tokenizers",
    "pypdfium2",
    "selectolax",
    "python_calamine",
)
DOORS = ("carrel_search", "carrel_web", "carrel_citations", "carrel_scholar")
MODULES = sorted(
    ".".join(path.relative_to(REPOSITORY / root).with_suffix("").parts).removesuffix(".__init__")
    for root in ROOTS
    for path in (REPOSITORY / root).rglob("*.py")
    if "examples" not in path.parts
)


def imported_by(statement: str) -> set[str]:
    code = f"import sys, json; {statement}; print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    return set(json.loads(finished.stdout))


@pytest.mark.parametrize("door", DOORS)
def test_a_server_starts_without_importing_what_only_some_calls_need(door: str) -> None:
    assert imported_by(f"import {door}.server") & set(HEAVY) == set()


def test_importing_the_engine_costs_next_to_nothing() -> None:
    assert imported_by("import carrel") & {*HEAVY, "mcp", "pydantic", "numpy"} == set()


def test_importing_prints_nothing() -> None:
    statement = "; ".join(f"import {module}" for module in MODULES if not module.endswith(("__main__", "_child")))
    finished = subprocess.run(
        [sys.executable, "-c", statement], check=True, capture_output=True, text=True, timeout=120
    )
    assert (finished.stdout, finished.stderr) == ("", "")


@pytest.mark.parametrize("module", MODULES)
def test_a_public_face_is_what_it_says(module: str) -> None:
    """Every module but an entry point lists what it offers, and offers what it lists."""
    if module.endswith(("__main__", "_child")):
        pytest.skip("an entry point offers nothing to import")
    loaded = importlib.import_module(module)
    source = Path(loaded.__file__ or "").read_text(encoding="utf-8")
    assert loaded.__doc__, f"{module} does not say what it is for"
    defined = [
        n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    if any(not name.startswith("_") for name in defined):
        assert hasattr(loaded, "__all__"), f"{module} lacks __all__"
    for name in getattr(loaded, "__all__", ()):
        assert hasattr(loaded, name), f"{module} lists {name} and does not have it"


def _requirements(name: str, seen: set[str]) -> set[str]:
    for requirement in metadata.requires(name) or []:
        if "extra ==" in requirement:
            continue
        found = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert found is not None
        wanted = found[0].lower().replace("_", "-")
        if wanted in seen:
            continue
        try:
            metadata.distribution(wanted)
        except metadata.PackageNotFoundError:
            continue  # for another platform or Python
        seen.add(wanted)
        _requirements(wanted, seen)
    return seen


@pytest.mark.parametrize("name", sorted(_requirements("carrel", set())))
def test_no_dependency_is_under_a_copyleft_licence(name: str) -> None:
    facts = metadata.metadata(name)
    said = [facts.get("License-Expression") or "", (facts.get("License") or "")[:80]]
    said += [each for each in facts.get_all("Classifier") or [] if each.startswith("License")]
    assert any(said), f"{name} does not say its licence"
    assert not any(re.search(r"\b[AL]?GPL|GNU (Affero|Lesser|General)", each) for each in said), said
