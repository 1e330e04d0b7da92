"""Pipelines from a TOML or JSON file, checked."""

from __future__ import annotations

import itertools
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from carrel.errors import BadRequest
from carrel.rerank.pipelines import BUILT_IN, MOST_FOR_HOST, Kind, Pipeline, Stage

__all__ = ["read_pipelines"]

_LARGEST = 1 << 20  # bytes; a configuration is a page of text
_SHOWN = 3  # complaints in one message

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class _Stage(_Strict):
    rerank: Kind
    model: str = Field(default="", max_length=300)
    cut: int = Field(default=0, ge=0, le=1_000)
    weight: float = Field(default=1.0, ge=0.0, le=1.0)
    seconds: float = Field(default=30.0, gt=0.0, le=600.0)
    block: int = Field(default=8, ge=3, le=MOST_FOR_HOST)
    rounds: int = Field(default=2, ge=1, le=3)

    @model_validator(mode="after")
    def _makes_sense(self) -> _Stage:
        own = {"host": {"cut", "block", "rounds"}}.get(self.rerank, {"model", "cut", "weight", "seconds"})
        if foreign := sorted(self.model_fields_set - own - {"rerank"}):
            raise ValueError(f"'{foreign[0]}' means nothing to a stage of kind {self.rerank}")
        if self.rerank == "host" and self.cut > MOST_FOR_HOST:
            raise ValueError(f"the host can order at most {MOST_FOR_HOST} candidates; lower its cut")
        if self.rerank != "host" and not self.model.strip():
            raise ValueError("it needs a model: a hub name or a folder")
        return self

    def frozen(self) -> Stage:
        default = {"late": 50, "cross": 30, "sparse": 100, "host": 20}[self.rerank]
        return Stage(
            self.rerank,
            self.model.strip(),
            self.cut or default,
            self.weight,
            self.seconds,
            self.block,
            self.rounds,
        )


class _Pipeline(_Strict):
    retrieve: int = Field(default=0, ge=0, le=2_000)
    fuse: Literal["", "convex", "rrf"] = ""
    dense: float = Field(default=-1.0, ge=0.0, le=1.0)
    strict: bool = False
    stages: list[_Stage] = Field(default_factory=list, max_length=6)

    @model_validator(mode="after")
    def _narrows(self) -> _Pipeline:
        stages = [stage.frozen() for stage in self.stages]
        if any(stage.kind == "host" for stage in stages[:-1]):
            raise ValueError("the host orders what all other stages leave, so its stage is the last")
        for before, after in itertools.pairwise(stages):
            if after.cut > before.cut:
                raise ValueError(f"the {after.kind} stage cuts at {after.cut}, after one that cut at {before.cut}")
        return self

    def frozen(self, name: str) -> Pipeline:
        stages = tuple(stage.frozen() for stage in self.stages)
        return Pipeline(name, stages, self.retrieve, self.fuse, self.dense, self.strict)


class _File(_Strict):
    pipelines: dict[Name, _Pipeline] = Field(max_length=50)

    @model_validator(mode="after")
    def _keeps_none(self) -> _File:
        if "none" in self.pipelines:
            raise ValueError("'none' means that nothing is reranked; give that pipeline another name")
        return self


def read_pipelines(path: Path | None) -> Mapping[str, Pipeline]:
    """The built-in pipelines and those of a file, which may define a built-in one anew; no file: the former alone.

    A file with the suffix ``.json`` is JSON, any other TOML. Raises BadRequest, which names the place in the file.
    """
    if path is None:
        return BUILT_IN
    try:
        checked = _File.model_validate(_content(path))
    except ValidationError as complaints:
        raise BadRequest(f"{path.name}: {_sentence(complaints)}") from None
    return {**BUILT_IN, **{name: each.frozen(name) for name, each in checked.pipelines.items()}}


def _content(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST:
            raise BadRequest(f"{path.name} is too large to be a configuration of pipelines")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise BadRequest(f"{path.name} cannot be read; CARREL_PIPELINES names a TOML or JSON file") from None
    try:
        return json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError):
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise BadRequest(f"{path.name} is not well-formed {kind}") from None


def _sentence(complaints: ValidationError) -> str:
    told = []
    for detail in complaints.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in detail["loc"]) or "the file"
        words = detail["msg"].removeprefix("Value error, ")
        told.append(f"{place[:120]}: {words[:1].lower()}{words[1:200]}")
    more = len(told) - _SHOWN
    return "; ".join(told[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
