"""What tests share: a small real encoder, documents, and where things lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, TextContent
from numpy.typing import NDArray

from carrel import ingest
from carrel.index import terms as analysed
from carrel.models import SparseVectors
from carrel.records import Document

REPOSITORY = Path(__file__).resolve().parent.parent


class WordEncoder:
    """A real, tiny encoder: the sum of one fixed random direction per stemmed word, so shared words mean nearness."""

    max_tokens = 256

    def __init__(self, name: str = "words-32", dimension: int = 32) -> None:
        self.name = name
        self.dimension = dimension
        self.fingerprint = hashlib.sha256(f"{name}:{dimension}".encode()).hexdigest()
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += len(texts)
        vectors = np.stack([self._vector(text) for text in texts])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.encode(texts)

    def _vector(self, text: str) -> NDArray[np.float64]:
        total = np.full(self.dimension, 1e-6)
        for word in analysed(text):
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
            total += np.random.default_rng(seed).standard_normal(self.dimension)
        return total


class WordWeigher:
    """A real, tiny learned-sparse model: a term per stemmed word, and a lighter one for what ``implied`` adds to it."""

    def __init__(self, name: str = "weigher", implied: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.fingerprint = hashlib.sha256(name.encode()).hexdigest()
        self.implied = dict(implied or {})
        self.weighed: list[str] = []
        self.before: Callable[[], None] = lambda: None

    def encode(self, texts: Sequence[str]) -> SparseVectors:
        self.before()
        self.weighed += texts
        return self.encode_queries(texts)

    def encode_queries(self, texts: Sequence[str]) -> SparseVectors:
        found = [sorted(self._weights(text).items()) for text in texts]
        offsets = np.cumsum([0, *(len(each) for each in found)])
        pairs = [pair for each in found for pair in each]
        terms = np.array([term for term, _ in pairs], np.int32)
        return SparseVectors(offsets.astype(np.int64), terms, np.array([weight for _, weight in pairs], np.float32))

    def _weights(self, text: str) -> dict[int, float]:
        weights: dict[int, float] = {}
        for word in dict.fromkeys(analysed(text)):
            weights[_term(word)] = 1.5
            if word in self.implied:
                weights.setdefault(_term(self.implied[word]), 0.5)
        return weights


def _term(word: str) -> int:
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:2], "big")


def text_document(text: str, title: str = "") -> Document:
    """A document of the caller's own text."""
    return ingest.note(text, title=title)


FOX = """# Foxes

The red fox is the largest of the true foxes. It lives on four continents.

## Diet

Foxes eat small rodents, birds and berries. A grown fox needs 500 grams of food a day.

## Speed

A fox can run at 48 kilometres per hour.
"""

OWL = """# Owls

Owls are birds of prey that hunt at night. The barn owl locates mice by hearing alone.

## Flight

The feathers of an owl make almost no sound in flight.
"""


class Host:
    """What a host does: calls tools of a server, each time over a fresh in-memory connection."""

    def __init__(self, server: MCPServer) -> None:
        self.server = server

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool and return the reply as it came."""
        async with Client(self.server) as client:
            return await client.call_tool(tool, arguments)

    async def record(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured reply of a record tool; fails on an error and when the two channels differ."""
        reply = await self.call(tool, **arguments)
        assert not reply.is_error, reply.content
        assert json.loads(_text(reply)) == reply.structured_content
        return reply.structured_content or {}

    async def text(self, tool: str, **arguments: Any) -> str:
        """The reply of a text tool; fails on an error and when anything was sent beside the text."""
        reply = await self.call(tool, **arguments)
        assert not reply.is_error, reply.content
        assert reply.structured_content is None
        return _text(reply)

    async def refusal(self, tool: str, **arguments: Any) -> tuple[str, str]:
        """Kind and message of an error reply; fails on success."""
        reply = await self.call(tool, **arguments)
        assert reply.is_error, reply
        body = json.loads(_text(reply))
        return body["kind"], body["message"]


def _text(reply: CallToolResult) -> str:
    assert len(reply.content) == 1
    (block,) = reply.content
    assert isinstance(block, TextContent)
    return block.text
