"""Tool schemas as hosts like them: small, closed, without the shapes that some hosts choke on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from carrel.errors import BadRequest

__all__ = ["check_names", "clean_schema", "did_you_mean", "property_names"]

Schema = dict[str, Any]

_MAPS = ("properties", "patternProperties", "$defs")  # keyword → a map of name → schema
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_ONES = ("items", "additionalProperties", "not", "contains")


def clean_schema(schema: Mapping[str, Any]) -> Schema:
    """Return ``schema`` without pydantic's noise and closed to unknown names at every level.

    ``title`` goes; ``$defs`` are inlined (recursive ones stay); "T or null" becomes T, for an absent argument says
    the same; ``const`` becomes ``enum``; whole-number ``exclusive…`` bounds become inclusive ones.

    Raises TypeError for an exclusive bound on a fraction: the tool's author writes ``ge``/``le`` instead.
    """
    defs = {name: dict(body) for name, body in schema.get("$defs", {}).items()}
    cleaned = _clean({key: value for key, value in schema.items() if key != "$defs"}, defs, ())
    kept = _kept_defs(cleaned, defs)
    return {**cleaned, "$defs": kept} if kept else cleaned


def _clean(schema: Schema, defs: Mapping[str, Schema], inside: tuple[str, ...]) -> Schema:
    schema = _inlined(schema, defs, inside)
    if (name := _local_ref(schema)) and name not in inside:
        inside = (*inside, name)
        schema = {**defs[name], **{key: value for key, value in schema.items() if key != "$ref"}}
    out = {key: _clean_value(key, value, defs, inside) for key, value in schema.items() if key != "title"}
    return _closed(_without_const(_inclusive(_without_null(out))))


def _inlined(schema: Schema, defs: Mapping[str, Schema], inside: tuple[str, ...]) -> Schema:
    """Unwrap pydantic's one-element ``allOf`` around a reference, where an older pydantic still writes it."""
    parts = schema.get("allOf")
    if isinstance(parts, list) and len(parts) == 1:
        return {**parts[0], **{key: value for key, value in schema.items() if key != "allOf"}}
    return schema


def _local_ref(schema: Schema) -> str:
    return str(schema.get("$ref", "")).removeprefix("#/$defs/")


def _clean_value(key: str, value: Any, defs: Mapping[str, Schema], inside: tuple[str, ...]) -> Any:
    if key in _MAPS:
        return {name: _clean(body, defs, inside) for name, body in value.items()}
    if key in _LISTS:
        return [_clean(body, defs, inside) for body in value]
    if key in _ONES and isinstance(value, dict):
        return _clean(value, defs, inside)
    return value


def _without_null(schema: Schema) -> Schema:
    """Turn ``anyOf [T, null]`` into T: Cursor and Gemini-backed hosts refuse the former."""
    branches = schema.get("anyOf")
    if not branches:
        return schema
    rest = [branch for branch in branches if branch.get("type") != "null"]
    out = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(rest) != len(branches) and out.get("default", 0) is None:
        del out["default"]
    return {**rest[0], **out} if len(rest) == 1 else {**out, "anyOf": rest}


def _inclusive(schema: Schema) -> Schema:
    for word, bound, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        if word not in schema:
            continue
        if schema.get("type") != "integer":
            raise TypeError(f"write ge= or le= instead of gt= or lt=: some hosts do not know {word}")
        schema = {key: value for key, value in schema.items() if key != word} | {bound: schema[word] + step}
    return schema


def _without_const(schema: Schema) -> Schema:
    if "const" not in schema:
        return schema
    return {key: value for key, value in schema.items() if key != "const"} | {"enum": [schema["const"]]}


def _closed(schema: Schema) -> Schema:
    if schema.get("type") == "object" and "properties" in schema and "additionalProperties" not in schema:
        return {**schema, "additionalProperties": False}
    return schema


def _kept_defs(cleaned: Schema, defs: Mapping[str, Schema]) -> Schema:
    """Return the definitions that recursion still refers to, cleaned."""
    kept: Schema = {}
    wanted = list(_references(cleaned))
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = _clean(dict(defs[name]), defs, (name,))
            wanted += _references(kept[name])
    return kept


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield _local_ref(schema)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def property_names(schema: Any) -> Iterator[str]:
    """Yield the name of every argument, at every level, that ``schema`` describes."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from property_names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from property_names(value)


def check_names(arguments: Any, schema: Schema, root: Schema | None = None, where: str = "") -> None:
    """Raise BadRequest for the first name in ``arguments`` that the closed ``schema`` does not know.

    Follows the schema, not the data, so its depth is the schema's own; wrong types are left to the validator.
    """
    root = schema if root is None else root
    schema = _branch(arguments, root.get("$defs", {}).get(_local_ref(schema), schema), root)
    if isinstance(arguments, dict) and schema.get("additionalProperties") is False:
        known = schema.get("properties", {})
        for name, value in arguments.items():
            if name not in known:
                raise BadRequest(_unknown(name, known, where))
            check_names(value, known[name], root, f"{where}.{name}" if where else name)
    elif isinstance(arguments, list) and isinstance(schema.get("items"), dict):
        for place, value in enumerate(arguments):
            check_names(value, schema["items"], root, f"{where}[{place}]")


def _branch(arguments: Any, schema: Schema, root: Schema) -> Schema:
    """Of the branches of a union, return the one that can hold ``arguments``; nothing is known if several can."""
    if "anyOf" not in schema:
        return schema
    kind = "object" if isinstance(arguments, dict) else "array" if isinstance(arguments, list) else ""
    branches = [root.get("$defs", {}).get(_local_ref(branch), branch) for branch in schema["anyOf"]]
    fitting = [branch for branch in branches if branch.get("type") == kind]
    return fitting[0] if len(fitting) == 1 else {}


def _unknown(name: str, known: Mapping[str, Any], where: str) -> str:
    shown = f"'{name}'" if name.isidentifier() and len(name) <= 40 else "(not a name)"
    place = f" in {where}" if where else ""
    return f"unknown argument {shown}{place}, {did_you_mean(name, list(known))}"


def did_you_mean(name: str, known: list[str]) -> str:
    """Return "did you mean 'x'?" when one of ``known`` is near ``name``, else a short list of them."""
    # The cut-off keeps the comparison cheap for a hostile, very long name.
    near = get_close_matches(name[:60], known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(known)}" if known else "this takes none"
