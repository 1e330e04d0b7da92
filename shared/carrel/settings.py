"""Configuration: ``CARREL_*`` environment variables and command-line options, read once, in ``main()``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import platformdirs

from carrel.errors import BadRequest

__all__ = ["Reality", "Settings"]

Reality = Literal["live", "cached", "frozen"]

DEFAULT_ENCODER = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a server needs to know about its surroundings.

    ``roots``: folders whose files may be read; none means that no local file may be read.
    ``encoder``: name of the encoder, or ``none`` for lexical-only search.
    ``allow_hosts``: exact ``host`` or ``host:port`` names exempt from the private-address rule.
    ``snapshots``: how many snapshots of each collection stay readable by ``as_of`` (at least 8).
    ``pipelines``: a TOML or JSON file of reranking pipelines.
    ``token_room``: bytes that the token vectors of late interaction may take in the data folder; 0 keeps none.
    ``reality``: whether pages come from the web (``live``), from what is stored while that is fresh enough (``cached``)
    or only from ``replay``, a WARC file (``frozen``). ``record``: a WARC file that gets whatever the web answers.
    ``archive``: whether a dead page's capture is looked for in the Internet Archive.
    ``browser``: the Chromium that renders pages, where it is not one on PATH; ``browser_sandbox``: whether its sandbox
    is on.
    ``provider_urls``: base URL per scholarly provider, where it is not the public one (a mirror, or a test).
    """

    data: Path
    models: Path
    roots: tuple[Path, ...] = ()
    encoder: str = DEFAULT_ENCODER
    read_only: bool = False
    snapshots: int = 20
    contact: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    allow_hosts: tuple[str, ...] = ()
    provider_urls: Mapping[str, str] = field(default_factory=dict)
    pipelines: Path | None = None
    token_room: int = 4 << 30
    reality: Reality = "cached"
    record: Path | None = None
    replay: Path | None = None
    archive: bool = True
    browser: str = ""
    browser_sandbox: bool = True

    def __post_init__(self) -> None:
        """Raises BadRequest for a reality that cannot be."""
        if self.reality not in get_args(Reality):
            raise BadRequest("the reality of the web must be live, cached or frozen (CARREL_REALITY, --reality)")
        if (self.reality == "frozen") != (self.replay is not None):
            raise BadRequest("a frozen web and a recording to replay belong together; name it with --replay FILE")
        if self.record is not None and self.replay is not None:
            raise BadRequest("a replayed web cannot be recorded; give --record or --replay")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read ``CARREL_DATA``, ``CARREL_MODELS``, ``CARREL_ROOTS``, ``CARREL_ENCODER``, ``CARREL_SNAPSHOTS``,
        ``CARREL_CONTACT``, ``CARREL_ALLOW_HOSTS``, ``CARREL_PIPELINES``, ``CARREL_TOKENS_MB``, ``CARREL_REALITY``,
        ``CARREL_RECORD``, ``CARREL_REPLAY``, ``CARREL_ARCHIVE``, ``CARREL_BROWSER``,
        ``CARREL_BROWSER_SANDBOX``, ``CARREL_KEY_<PROVIDER>`` and ``CARREL_URL_<PROVIDER>``.

        Raises BadRequest for a contact that is not an e-mail address, a number that is none and a word that is unknown.
        """
        contact = environment.get("CARREL_CONTACT", "").strip()
        if contact and "@" not in contact:
            raise BadRequest("CARREL_CONTACT must be an e-mail address; scholarly services ask for one")
        data = environment.get("CARREL_DATA") or platformdirs.user_data_dir("carrel", appauthor=False)
        models = environment.get("CARREL_MODELS") or str(
            Path(platformdirs.user_cache_dir("carrel", appauthor=False)) / "models"
        )
        replay = _path(environment, "CARREL_REPLAY")
        return cls(
            data=Path(data).expanduser().absolute(),
            models=Path(models).expanduser().absolute(),
            roots=tuple(
                Path(part).expanduser().absolute()
                for part in environment.get("CARREL_ROOTS", "").split(os.pathsep)
                if part.strip()
            ),
            encoder=environment.get("CARREL_ENCODER", "").strip() or DEFAULT_ENCODER,
            snapshots=_count(environment, "CARREL_SNAPSHOTS", 20),
            contact=contact,
            keys=_named(environment, "CARREL_KEY_"),
            allow_hosts=tuple(h.strip() for h in environment.get("CARREL_ALLOW_HOSTS", "").split(",") if h.strip()),
            provider_urls=_named(environment, "CARREL_URL_"),
            token_room=_count(environment, "CARREL_TOKENS_MB", 4096) << 20,
            pipelines=_path(environment, "CARREL_PIPELINES"),
            reality=environment.get("CARREL_REALITY", "").strip() or ("frozen" if replay else "cached"),  # type: ignore[arg-type]
            record=_path(environment, "CARREL_RECORD"),
            replay=replay,
            archive=_switch(environment, "CARREL_ARCHIVE"),
            browser=environment.get("CARREL_BROWSER", "").strip(),
            browser_sandbox=_switch(environment, "CARREL_BROWSER_SANDBOX"),
        )


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "").strip() or str(default)
    if not text.isdecimal():
        raise BadRequest(f"{name} must be a whole number")
    return int(text)


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    text = environment.get(name, "").strip()
    return Path(text).expanduser().absolute() if text else None


def _switch(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name, "").strip().lower() or "on"
    if text not in ("on", "off"):
        raise BadRequest(f"{name} must be on or off")
    return text == "on"


def _named(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key[len(prefix) :].lower(): value for key, value in environment.items() if key.startswith(prefix) and value}
