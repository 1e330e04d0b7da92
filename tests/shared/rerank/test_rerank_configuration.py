"""Pipelines as a user writes them down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carrel.errors import BadRequest
from carrel.rerank import BUILT_IN, Stage, pipeline_named, read_pipelines
from carrel.settings import Settings

GOOD = """
[pipelines.careful]
retrieve = 200
fuse = "rrf"
strict = true
[[pipelines.careful.stages]]
rerank = "late"
model = "owner/colbert"
cut = 60
[[pipelines.careful.stages]]
rerank = "cross"
model = "owner/cross"
cut = 20
weight = 0.7
[[pipelines.careful.stages]]
rerank = "host"
block = 6

[pipelines.late]
stages = [{rerank = "late", model = "owner/other"}]
"""

WRONG = {
    "no TOML": ("[pipelines", "not well-formed TOML"),
    "no table of pipelines": ("other = 1", "pipelines: field required"),
    "an unknown key": ("[pipelines.a]\nretreive = 5", "pipelines.a.retreive"),
    "an unknown kind": ('[pipelines.a]\nstages = [{rerank = "magic"}]', "stages.0.rerank"),
    "a text for a number": ('[pipelines.a]\nretrieve = "5"', "pipelines.a.retrieve"),
    "no model": ('[pipelines.a]\nstages = [{rerank = "late"}]', "needs a model"),
    "a model for the host": ('[pipelines.a]\nstages = [{rerank = "host", model = "x"}]', "'model' means nothing"),
    "a block for a model": (
        '[pipelines.a]\nstages = [{rerank = "late", model = "x", block = 4}]',
        "'block' means nothing",
    ),
    "a host that is not last": (
        '[pipelines.a]\nstages = [{rerank = "host"}, {rerank = "late", model = "x", cut = 10}]',
        "its stage is the last",
    ),
    "a cut that widens": (
        '[pipelines.a]\nstages = [{rerank="late", model="x", cut=10}, {rerank="cross", model="y", cut=20}]',
        "cuts at 20, after one that cut at 10",
    ),
    "too many for a host": ('[pipelines.a]\nstages = [{rerank = "host", cut = 51}]', "at most 50"),
    "a name with blanks": ('[pipelines."a b"]\nretrieve = 5', "pipelines"),
    "a new none": ("[pipelines.none]\nretrieve = 5", "'none' means"),
    "a share above one": ("[pipelines.a]\ndense = 1.5", "pipelines.a.dense"),
    "not a number": ('[pipelines.a]\nstages = [{rerank = "late", model = "x", seconds = nan}]', "seconds"),
}


def test_pipelines_are_read_from_toml_beside_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(GOOD)
    found = read_pipelines(tmp_path / "p.toml")
    assert list(found) == ["none", "late", "cross", "host", "careful"]
    careful = found["careful"]
    assert (careful.retrieve, careful.fuse, careful.strict, careful.dense) == (200, "rrf", True, -1.0)
    assert careful.stages == (
        Stage("late", "owner/colbert", 60),
        Stage("cross", "owner/cross", 20, 0.7),
        Stage("host", cut=20, block=6),
    )
    assert careful.host == careful.stages[-1]
    assert found["late"].stages[0].model == "owner/other"
    assert found["cross"] == BUILT_IN["cross"]


def test_the_same_may_be_written_in_json(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"pipelines": {"wide": {"retrieve": 300, "dense": 0}}}))
    assert read_pipelines(tmp_path / "p.json")["wide"].dense == 0.0


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_a_wrong_file_is_told_by_its_name_and_the_place(tmp_path: Path, case: str) -> None:
    text, words = WRONG[case]
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(BadRequest) as caught:
        read_pipelines(tmp_path / "p.toml")
    assert str(caught.value).startswith("p.toml") and words in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_is_missing_binary_or_huge_is_told(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "deep.json").write_text("[" * 200_000)
    with (tmp_path / "huge.toml").open("wb") as file:
        file.truncate(1 << 21)
    for name, words in (("none", "cannot be read"), ("binary", "read"), ("huge", "too large"), ("deep", "well-formed")):
        with pytest.raises(BadRequest, match=words):
            read_pipelines(tmp_path / f"{name}.{'json' if name == 'deep' else 'toml'}")


def test_many_mistakes_are_told_in_one_short_sentence(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("\n".join(f"[pipelines.a{n}]\nwrong = 1" for n in range(40)))
    with pytest.raises(BadRequest, match="and 37 more") as caught:
        read_pipelines(tmp_path / "p.toml")
    assert len(str(caught.value)) < 500


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadRequest, match="none, late, cross, host"):
        pipeline_named("best", BUILT_IN)
    assert pipeline_named(" Late ", BUILT_IN) is BUILT_IN["late"]
    assert pipeline_named("", BUILT_IN) is BUILT_IN["none"]


def test_the_setting_names_the_file(tmp_path: Path) -> None:
    assert Settings.from_environment({}).pipelines is None
    named = Settings.from_environment({"CARREL_PIPELINES": str(tmp_path / "p.toml")})
    assert named.pipelines == tmp_path / "p.toml"
