"""Was it retracted? Crossref's notices, its dates and DOIs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from carrel.errors import CarrelError
from carrel.records import WorkStatus
from carrel.scholarly.identifiers import Identifier, parse_identifier
from carrel.scholarly.shapes import Json, first, iso_date, items, number, table, tables, text

__all__ = ["date_of", "doi_of", "gravest", "standing", "state_of", "told_by_title"]


def doi_of(value: str) -> Identifier | None:
    """The DOI, or arXiv number, that a field holds."""
    try:
        found = parse_identifier(value)
    except CarrelError:
        return None
    return found if found.scheme in ("doi", "arxiv") else None


def date_of(message: Json) -> str:
    """The earliest publication date of the fields that state one; ``[[null]]`` and impossible parts count as absent."""
    for name in ("issued", "published", "published-print", "published-online", "posted"):
        parts = next(iter(items(table(message.get(name)).get("date-parts"))), None)
        numbers = [n for n in (number(int(p) if isinstance(p, str) and p.isdigit() else p) for p in items(parts)) if n]
        date = iso_date("-".join(f"{n:02d}" for n in numbers[:3]))
        if date:
            return date
    return ""


# The update types of Crossmark and the natures of Retraction Watch, as Carrel's words.
_STANDING = {
    "retraction": "retracted",
    "partial_retraction": "corrected",
    "removal": "withdrawn",
    "withdrawal": "withdrawn",
    "expression_of_concern": "expression_of_concern",
    "correction": "corrected",
    "corrigendum": "corrected",
    "erratum": "corrected",
    "addendum": "corrected",
    "clarification": "corrected",
    "reinstatement": "reinstated",
}
_WEIGHT = ("retracted", "withdrawn", "reinstated", "expression_of_concern", "corrected")
_SAYS_RETRACTED = re.compile(r"\s*\W?(retracted|withdrawn)(?: (?:article|paper))?\W?\s*[:\-–—\]]", re.I)


def standing(message: Json, provider: str) -> WorkStatus | None:
    """The gravest notice against this work, a later reinstatement included. A notice itself is in good standing."""
    if provider != "crossref":
        return None
    as_of = iso_date(text(table(message.get("indexed")).get("date-time")))
    notices = [n for n in (_notice(entry, as_of) for entry in tables(message.get("updated-by"))) if n is not None]
    said = told_by_title(first(message.get("title")))
    if said and not any(n.state in ("retracted", "withdrawn", "reinstated") for n in notices):
        notices.append(WorkStatus(said, reason="the title says so", provider=provider, as_of=as_of))
    if not notices:
        return WorkStatus("none_known", reason=_is_notice(message), provider=provider, as_of=as_of)
    return gravest(notices)


def gravest(notices: Sequence[WorkStatus]) -> WorkStatus:
    """The gravest of some notices, unless the work was reinstated after the last of that kind."""
    worst = min(notices, key=lambda n: (_WEIGHT.index(n.state), n.date))
    last = max(n.date for n in notices if n.state == worst.state)
    return next((n for n in notices if n.state == "reinstated" and n.date >= last), worst)


def state_of(kind: str) -> str:
    """Carrel's word for an update type of Crossmark or a nature of Retraction Watch, empty for an unknown one."""
    return _STANDING.get(kind.strip().lower().replace("-", "_").replace(" ", "_"), "")


def told_by_title(title: str) -> str:
    """``retracted`` or ``withdrawn`` where a title begins by saying so, else empty."""
    said = _SAYS_RETRACTED.match(title)
    return said[1].lower() if said else ""


def _notice(entry: Json, as_of: str) -> WorkStatus | None:
    kind = text(entry.get("type")).lower().replace("-", "_").replace(" ", "_")
    state = _STANDING.get(kind)
    if state is None:
        return None
    updated = table(entry.get("updated"))
    doi = doi_of(text(entry.get("DOI")))
    source = text(entry.get("source"))
    return WorkStatus(
        state,
        date=iso_date(text(updated.get("date-time"))) or date_of({"issued": updated}),
        reason=kind.replace("_", " ") if state not in ("retracted",) else "",
        notice=str(doi) if doi else "",
        provider=f"crossref/{source}" if source in ("publisher", "retraction-watch") else "crossref",
        as_of=as_of,
    )


def _is_notice(message: Json) -> str:
    kinds = {text(entry.get("type")).lower().replace("_", " ") for entry in tables(message.get("update-to"))}
    known = sorted(kind for kind in kinds if kind.replace(" ", "_").replace("-", "_") in _STANDING)
    return f"this is itself a notice: {', '.join(known)}" if known else ""
