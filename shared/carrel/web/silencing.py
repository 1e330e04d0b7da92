"""I am about to write down what was asked and said: take out what the user keeps secret."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit, urlunsplit

__all__ = ["blind", "forms", "silenced"]


def blind(url: str, secrets: Collection[str]) -> str:
    """A URL without the query parameters whose value is a secret of the user's."""
    parts = urlsplit(url)
    if not secrets or not parts.query:
        return url
    kept = [
        pair
        for pair in parts.query.split("&")
        if not any(value in secrets for _, value in parse_qsl(pair, keep_blank_values=True))
    ]
    return urlunsplit((*parts[:3], "&".join(kept), ""))


def silenced(headers: Sequence[tuple[bytes, bytes]], secrets: Collection[str]) -> Sequence[tuple[bytes, bytes]]:
    """The headers of an answer without the user's secrets, which a redirect may repeat."""
    if not secrets:
        return headers
    kept = []
    for name, value in headers:
        if name.lower() == b"location":
            with contextlib.suppress(ValueError):  # no URL: nothing follows it
                value = blind(value.decode("latin-1"), secrets).encode("latin-1")
        for form in forms(secrets):
            value = value.replace(form, b"")
        kept.append((name, value))
    return kept


def forms(secrets: Collection[str]) -> list[bytes]:
    """Secrets as they may stand in an answer: plain, or escaped for a path or a query."""
    return [form.encode() for secret in secrets for form in {secret, quote(secret, safe=""), quote_plus(secret)}]
