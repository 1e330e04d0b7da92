"""Replies: compact, equal in both channels, never over budget, and errors a model can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, RootModel

from carrel.errors import BadRequest, CarrelError, Unavailable
from carrel.mcp.envelope import open_envelope_end

__all__ = ["HARD_LIMIT", "UNFORESEEN", "cost", "error_reply", "fit", "record_reply", "sendable", "size", "text_reply"]

HARD_LIMIT = 50_000
"""Characters; Claude Code moves longer results into a file, out of the model's sight."""

UNFORESEEN = "the server failed at this; its log says why, and other calls still work"

ModelT = TypeVar("ModelT", bound=BaseModel)

_SURROGATE = re.compile("[\ud800-\udfff]")
# Scripts whose characters cost about two tokens where a Latin one costs half: kana, CJK, Hangul, full-width forms.
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff]")


def cost(text: str) -> int:
    """Measure ``text`` as a budget counts it: in characters, one of a CJK script counting two."""
    return len(text) + sum(1 for _ in _WIDE.finditer(text))


def text_reply(text: object, max_chars: int) -> CallToolResult:
    """Wrap a text tool's reply: text only, cut at a line boundary when it is over ``max_chars``."""
    if not isinstance(text, str):
        raise TypeError(f"a text tool must return str, not {type(text).__name__}")
    return CallToolResult(content=[TextContent(text=cut(sendable(text), max_chars))])


def record_reply(record: object, max_chars: int, tail: str = "") -> CallToolResult:
    """Send ``record`` as structured content and, the same and compact, as text.

    ``tail`` names the list whose last items may be dropped to meet ``max_chars``. Raises BadRequest when the reply
    is over budget all the same.
    """
    if not isinstance(record, BaseModel):
        raise TypeError(f"a record tool must return a pydantic model, not {type(record).__name__}")
    if isinstance(record, RootModel):
        raise TypeError("structured content is an object: give the model fields")
    if tail:
        record = fit(record, tail, max_chars)
    text = sendable(_compact(record))
    if cost(text) > max_chars:
        raise BadRequest(
            f"the reply would have {cost(text):,} characters and {max_chars:,} is the most; "
            "ask for less: a smaller limit, a narrower question or less detail"
        )
    return CallToolResult(content=[TextContent(text=text)], structured_content=json.loads(text))


def error_reply(error: CarrelError | None) -> CallToolResult:
    """Say what went wrong and whether to try again; None stands for a failure nobody foresaw."""
    if error is None:
        body: dict[str, Any] = {"kind": "internal", "message": UNFORESEEN, "retryable": False}
    else:
        body = {"kind": error.kind, "message": sendable(str(error))[:1000], "retryable": error.retryable}
        if isinstance(error, Unavailable) and error.retry_after is not None:
            body["retry_after"] = error.retry_after
    text = _json(body)
    return CallToolResult(content=[TextContent(text=text)], structured_content=json.loads(text), is_error=True)


def size(record: BaseModel) -> int:
    """Measure ``record`` as the budget of its reply counts it."""
    return cost(sendable(_compact(record)))


def fit(record: ModelT, field: str, budget: int) -> ModelT:
    """Drop items from the end of the list ``field`` until ``record`` costs at most ``budget`` as compact JSON.

    At least one item is kept. Where the model has an ``omitted`` field, the number dropped is added to it.
    """
    items = list(getattr(record, field))
    spare = budget - size(_with_items(record, field, items[:1], len(items) - 1))
    keep = min(1, len(items))
    for item in items[1:]:
        spare -= cost(sendable(_json(_plain(item)))) + 1  # and its comma
        if spare < 0:
            break
        keep += 1
    return record if keep == len(items) else _with_items(record, field, items[:keep], len(items) - keep)


def _with_items(record: ModelT, field: str, items: list[Any], dropped: int) -> ModelT:
    update: dict[str, Any] = {field: items}
    if dropped > 0 and "omitted" in type(record).model_fields:
        update["omitted"] = getattr(record, "omitted") + dropped  # noqa: B009
    return record.model_copy(update=update)


def cut(text: str, budget: int) -> str:
    """Cut ``text`` to ``budget`` at a line boundary, close an envelope it cuts through, and say so in a last line."""
    if cost(text) <= budget:
        return text
    whole = len(text)
    room = budget - 400  # for the closing delimiter and the last line
    kept = text[: _prefix_within(text, max(room, 0))]
    if (line_end := kept.rfind("\n")) > len(kept) // 2:
        kept = kept[:line_end]
    closing = open_envelope_end(kept)
    notice = f"[cut here: {len(kept):,} of {whole:,} characters; ask for less, or for the part you need]"
    return "\n".join(part for part in (kept, closing, notice) if part)


def _prefix_within(text: str, budget: int) -> int:
    """Return the greatest n with ``cost(text[:n]) <= budget``, in linear time."""
    if cost(head := text[:budget]) <= budget:
        return len(head)
    spent = 0
    for place, character in enumerate(head):
        spent += 2 if _WIDE.match(character) else 1
        if spent > budget:
            return place
    return len(head)


def _plain(value: object) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True) if isinstance(value, BaseModel) else value


def _compact(record: BaseModel) -> str:
    return _json(_plain(record))


def _json(value: Mapping[str, Any] | Any) -> str:
    """Write JSON without spaces and with every script as itself; NaN and infinities, which JSON lacks, as null."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def sendable(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot carry: one of them would end the whole connection."""
    return _SURROGATE.sub("\ufffd", text)
