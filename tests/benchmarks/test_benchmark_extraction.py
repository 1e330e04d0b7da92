"""The extraction benchmark: scores are what they say, a difference is told with its doubt, missing peers are named."""

from __future__ import annotations

import gzip
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
STORY = "Foxes are quick, and jump over lazy dogs on every day of the week. " * 6


@pytest.fixture(scope="module", autouse=True)
def _repository_is_importable() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield


def _module(name: str) -> Any:
    return importlib.import_module(f"benchmarks.extraction.{name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pages of twelve sites, two kinds, in the layout of the set."""
    rows = []
    for number in range(12):
        html = f"<html><body><nav>Home About</nav><article><h1>Story</h1><p>{STORY}</p></article></body></html>"
        (tmp_path / f"{number}.html.gz").write_bytes(gzip.compress(html.encode()))
        rows.append({
            "id": str(number), "page_type": "article" if number % 2 else "forum", "domain": f"site{number}.example",
            "html": f"{number}.html.gz", "main_content": f"Story {STORY}",
        })  # fmt: skip
    (tmp_path / "truth.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return tmp_path


def test_words_are_scored_as_a_bag_whatever_their_case_and_order() -> None:
    f1 = _module("scores").f1
    assert f1("The Cat sat", "sat the cat") == (1.0, 1.0, 1.0)
    assert f1("cat cat", "cat") == (0.5, 1.0, pytest.approx(2 / 3))
    assert f1("", "") == (1.0, 1.0, 1.0)
    assert f1("", "cat") == f1("cat", "") == (0.0, 0.0, 0.0)


def test_targets_of_links_and_pictures_are_no_words_of_the_page() -> None:
    plain = _module("scores").plain
    assert plain("see [it](https://a.example/x_(y)) ![a cat](/i.png)!") == "see [it] !"


def test_a_difference_that_few_sites_make_is_in_doubt_and_one_that_all_make_is_not() -> None:
    difference = _module("scores").difference
    sites = [f"site{number}" for number in range(50)]
    mean, low, high = difference([0.9] * 50, [0.8] * 50, sites)
    assert (mean, low, high) == (pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.1))
    mean, low, high = difference([1.0, *[0.5] * 49], [0.5] * 50, sites)
    assert low == 0.0 < mean < high
    one_site = [1.0] * 25 + [0.5] * 25, [0.5] * 50, ["same"] * 25 + sites[25:]
    assert difference(*one_site)[1] < difference(one_site[0], one_site[1], sites)[1]


def test_the_two_parts_share_no_site_and_are_the_whole(folder: Path) -> None:
    load = _module("pages").load
    parts = [{page.domain for page in load(folder, part)} for part in ("held", "fitted", "all")]
    assert parts[0] and parts[1] and not parts[0] & parts[1]
    assert parts[0] | parts[1] == parts[2]


def test_a_run_says_who_was_measured_and_who_is_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    monkeypatch.setattr(
        sys, "argv", ["run", str(folder), "--part", "all", "--passes", "1", "--only", "carrel,trafilatura,whole"]
    )
    _module("run").main()
    told = capsys.readouterr().out
    assert "12 pages of 12 domains" in told
    assert "trafilatura: not run, trafilatura is not installed" in told
    assert "written" not in told


def test_a_system_that_raises_has_no_text_and_is_said_to_have(folder: Path) -> None:
    def broken(html: str) -> str:
        raise ValueError(html)

    measure, load = _module("measure"), _module("pages").load
    pages = load(folder, "all")
    runs = {"trafilatura": lambda html: STORY, "carrel": broken}
    found = measure.figures(pages, measure.measure(pages, runs, 2))["systems"]
    assert found["carrel"]["raised"] == 12 and found["carrel"]["f1"] == 0.0
    assert found["carrel"]["above_trafilatura"]["high"] < -0.9
    assert found["trafilatura"]["by_kind"]["forum"] > 0.95
    assert set(found["carrel"]["above_trafilatura_by_kind"]) == {"article", "forum"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what the peers use
@pytest.mark.parametrize("name", ["carrel", "trafilatura", "readability", "resiliparse", "reference", "whole"])
def test_every_system_that_is_installed_finds_the_story(name: str) -> None:
    try:
        run = _module("systems").SYSTEMS[name].load()
    except ImportError as error:
        pytest.skip(str(error))
    html = f"<html><body><div><article><h1>Story</h1><p>{STORY}</p><p>{STORY}</p></article></div></body></html>"
    assert "lazy dogs" in run(html)
