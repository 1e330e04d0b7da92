"""Queries to several search engines at once: one ranking, and what each engine did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import anyio

from carrel.errors import BadRequest, CarrelError, RateLimited, Refused, TimedOut, Unavailable
from carrel.fusion import reciprocal_rank
from carrel.web import check_url, loose_key
from carrel.websearch.nouns import BadKey, Found, Provider, ProviderStatus, Query, Result, State

__all__ = ["search"]

_SNIPPET = 300
_TITLE = 200


async def search(
    providers: Sequence[Provider],
    queries: Sequence[Query],
    *,
    deadline: float,
    allow_hosts: Collection[str] = (),
) -> Found:
    """Ask every provider every query, side by side; ``deadline`` in seconds for all of it.

    Rankings are fused by RRF; addresses of one page (see `loose_key`) are one result. Addresses that could not be read,
    pages of other sites and pages known to be older are left out. Raises, when no provider answered, what kept them:
    RateLimited, TimedOut, Unavailable, or Refused where it was the keys.
    """
    answers: dict[tuple[str, int], Sequence[Result]] = {}
    errors: dict[str, list[CarrelError]] = {provider.name: [] for provider in providers}

    async def ask(provider: Provider, number: int, query: Query) -> None:
        try:
            answers[provider.name, number] = await provider.search(query, deadline)
        except CarrelError as error:
            errors[provider.name].append(error)

    async with anyio.create_task_group() as group:
        for provider in providers:
            for number, query in enumerate(queries):
                group.start_soon(ask, provider, number, query)
    statuses = tuple(_status(provider.name, len(queries), answers, errors[provider.name]) for provider in providers)
    if not answers:
        raise _nobody(statuses)
    # in the order of providers and queries and not of arrival, so that equal answers make equal rankings
    rankings = [
        (provider.name, _wanted(answers[provider.name, number], query, allow_hosts))
        for number, query in enumerate(queries)
        for provider in providers
        if (provider.name, number) in answers
    ]
    results = _fused(rankings)[: queries[0].k]
    undated = sum(1 for result in results if not result.date) if queries[0].after else 0
    return Found(tuple(results), statuses, undated)


def _status(
    name: str, asked: int, answers: dict[tuple[str, int], Sequence[Result]], errors: Sequence[CarrelError]
) -> ProviderStatus:
    mine = [found for (provider, _), found in answers.items() if provider == name]
    if errors and mine:
        return ProviderStatus(name, "ok" if any(mine) else "empty", f"{len(mine)} of {asked} queries: {errors[0]}")
    if errors:
        return ProviderStatus(name, _state(errors[0]), str(errors[0]), getattr(errors[0], "retry_after", None))
    return ProviderStatus(name, "ok" if any(mine) else "empty")


def _state(error: CarrelError) -> State:
    if isinstance(error, BadKey):
        return "bad_key"
    if isinstance(error, RateLimited):
        return "rate_limited"
    return "timeout" if isinstance(error, TimedOut) else "unavailable"


def _nobody(statuses: Sequence[ProviderStatus]) -> CarrelError:
    told = "; ".join(f"{status.provider}: {status.detail}" for status in statuses)
    words = f"could not look: no search provider answered ({told})"
    states = {status.state for status in statuses}
    if states == {"bad_key"}:
        return Refused(words)
    waits = [status.retry_after for status in statuses if status.retry_after is not None]
    kinds: dict[State, type[Unavailable]] = {"rate_limited": RateLimited, "timeout": TimedOut}
    kind = kinds.get(states.pop(), Unavailable) if len(states) == 1 else Unavailable
    return kind(words, retry_after=min(waits, default=None))


def _wanted(found: Sequence[Result], query: Query, allow_hosts: Collection[str]) -> list[Result]:
    """The results that can be read and meet the conditions, each address once and in its checked form."""
    kept: dict[str, Result] = {}
    for result in found:
        try:
            url = check_url(result.url, allow_hosts=allow_hosts)
        except (BadRequest, Refused):
            continue
        if query.site and url.host != query.site and not url.host.endswith(f".{query.site}"):
            continue
        if query.after and result.date and result.date < query.after:
            continue
        kept.setdefault(loose_key(url.text), replace(result, url=url.text))
    return list(kept.values())


def _fused(rankings: Sequence[tuple[str, Sequence[Result]]]) -> list[Result]:
    scores = reciprocal_rank([[loose_key(result.url) for result in ranking] for _, ranking in rankings])
    told: dict[str, list[tuple[str, Result]]] = {}
    for name, ranking in rankings:
        for result in ranking:
            told.setdefault(loose_key(result.url), []).append((name, result))
    order = sorted(scores, key=lambda key: (-round(scores[key], 9), key))
    return [_joined(told[key]) for key in order]


def _joined(told: Sequence[tuple[str, Result]]) -> Result:
    """One result of what several say of a page: the first address and title, the longest snippet, any date."""
    first = told[0][1]
    return Result(
        url=first.url,
        title=next((result.title for _, result in told if result.title), "")[:_TITLE],
        snippet=max((result.snippet for _, result in told), key=len)[:_SNIPPET],
        date=next((result.date for _, result in told if result.date), ""),
        found_by=tuple(dict.fromkeys(name for name, _ in told)),
    )
