"""The providers that a configuration names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

from carrel.settings import Settings
from carrel.web.getter import Getter
from carrel.websearch.asking import Line
from carrel.websearch.engines import Brave, Exa, Google, SearXNG, Tavily
from carrel.websearch.nouns import Provider

__all__ = ["PROVIDERS", "open_providers", "own_hosts"]

PROVIDERS = ("searxng", "brave", "tavily", "exa", "google")
"""Names of the providers there are. None of them may be used without a key or an instance of one's own."""

_BASES = {
    "brave": "https://api.search.brave.com",
    "tavily": "https://api.tavily.com",
    "exa": "https://api.exa.ai",
    "google": "https://www.googleapis.com",
}
_KEY_REFUSED = "it does not accept the key in CARREL_KEY_{}"


def open_providers(settings: Settings, web: Getter, today: Callable[[], date]) -> tuple[Provider, ...]:
    """Those that have what they need: an address (SearXNG), a key, or a key and an engine of one's own (Google)."""
    keys = settings.keys
    found: list[Provider] = []
    if "searxng" in settings.provider_urls:
        denied = "it does not give JSON; add json to search.formats in its settings.yml"
        found.append(SearXNG(Line("searxng", _base(settings, "searxng"), web, denied), today))
    if key := keys.get("brave"):
        # the free plan allows one request in a second
        found.append(Brave(_line(settings, web, "brave", {"X-Subscription-Token": key}, per_second=1.0), today))
    if key := keys.get("tavily"):
        found.append(Tavily(_line(settings, web, "tavily", {"Authorization": f"Bearer {key}"})))
    if key := keys.get("exa"):
        found.append(Exa(_line(settings, web, "exa", {"x-api-key": key})))
    if (key := keys.get("google")) and (cx := keys.get("google_cx")):
        found.append(Google(_line(settings, web, "google", {}), key, cx, today))
    return tuple(found)


def own_hosts(settings: Settings) -> tuple[str, ...]:
    """``host:port`` of the addresses that the configuration gives: a SearXNG of one's own is mostly on this machine."""
    found = []
    for name in PROVIDERS:
        try:
            parts = urlsplit(settings.provider_urls.get(name, ""))
            port = parts.port or (80 if parts.scheme == "http" else 443)
        except ValueError:
            continue  # asking it will say that the address cannot be
        if parts.hostname:
            found.append(f"[{parts.hostname}]:{port}" if ":" in parts.hostname else f"{parts.hostname}:{port}")
    return tuple(found)


def _base(settings: Settings, name: str) -> str:
    return (settings.provider_urls.get(name) or _BASES.get(name, "")).strip().rstrip("/")


def _line(settings: Settings, web: Getter, name: str, headers: dict[str, str], *, per_second: float = 5.0) -> Line:
    return Line(name, _base(settings, name), web, _KEY_REFUSED.format(name.upper()), per_second, headers)
