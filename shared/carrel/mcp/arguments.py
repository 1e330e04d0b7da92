"""What a caller sent, checked; and pydantic's complaints said in one sentence each."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from carrel.errors import BadRequest
from carrel.mcp.schemas import check_names, property_names

__all__ = ["validated"]

_SHOWN = 3  # complaints per reply: enough to mend a call, short enough to read

# pydantic error type → what to tell the caller; ``ctx`` fills the braces. Types are pydantic's published list.
_SENTENCES = {
    "missing": "is required",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "string_unicode": "must be text without broken characters",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "none_required": "must be left out",
}


def validated(tool: Tool, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments for ``tool``'s function.

    Raises BadRequest, one sentence, for an unknown name, a missing or a wrong value. A list or object that came as
    JSON text is read as what it says (some hosts send them so).
    """
    parsed = tool.fn_metadata.pre_parse_json(arguments)
    check_names(parsed, tool.parameters)
    try:
        return tool.fn_metadata.arg_model.model_validate(parsed).model_dump_one_level()
    except ValidationError as complaints:
        raise BadRequest(_sentence(complaints, set(property_names(tool.parameters)))) from None


def _sentence(complaints: ValidationError, names: set[str]) -> str:
    told: dict[str, dict[str, None]] = {}  # place → what is wrong there, each once; a union complains per branch
    for detail in complaints.errors(include_url=False, include_input=False):
        told.setdefault(_place(detail["loc"], names), {})[_complaint(detail)] = None
    sentences = [f"{place}: {' or '.join(wrong)}" for place, wrong in told.items()]
    more = len(sentences) - _SHOWN
    return "; ".join(sentences[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _place(location: tuple[int | str, ...], names: set[str]) -> str:
    """Write ``('items', 0, 'claim')`` as ``items[0].claim``, leaving out pydantic's names of union branches."""
    out = ""
    for part in location:
        if isinstance(part, int):
            out += f"[{part}]"
        elif part in names:
            out += f".{part}" if out else part
    return out or "arguments"


def _complaint(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    kind = detail["type"]
    if kind in _SENTENCES:
        return _SENTENCES[kind].format_map(context)
    if kind in ("string_too_short", "too_short"):
        return _at_least(context["min_length"], "characters" if kind == "string_too_short" else "items")
    if kind in ("string_too_long", "too_long"):
        return f"must have at most {context['max_length']} {'characters' if kind == 'string_too_long' else 'items'}"
    if kind == "value_error":
        return str(context.get("error", "is not valid"))[:200]  # a validator's own words, ours
    return detail["msg"][:1].lower() + detail["msg"][1:200]


def _at_least(count: int, unit: str) -> str:
    return "must not be empty" if count == 1 else f"must have at least {count} {unit}"
