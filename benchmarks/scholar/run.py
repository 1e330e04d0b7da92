"""Does carrel-scholar keep its goals? Measured on recorded answers; nobody is asked.

    python -m benchmarks.scholar.run [--data DIR]

A-2 and A-3 are the tests of faults and of politeness, run and counted; the rest is measured here.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import httpx2
from benchmarks.results import DATA, ROOT, need, write
from benchmarks.scholar import measures
from benchmarks.scholar.material import crossref_messages
from mcp import Client

from carrel.scholarly import Identifier, Lookup, Query, Record, Scholar, Shelf, SourceStatus
from carrel.scholarly.crossref import crossref_record
from carrel.settings import Settings
from carrel.web import WebClient
from carrel_scholar.server import create_server


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    data = parser.parse_args().data
    for folder in ("api-recordings", "references", "retractions"):
        need(data / folder)
    figures: dict[str, Any] = {
        "A-1 identifiers": measures.identifiers(data),
        "A-2 fault matrix": _tests("test_provider_faults.py"),
        "A-3 politeness": _tests("test_politeness_to_services.py"),
        "A-4 OpenAlex calls": anyio.run(_spent),
        "A-5 fields": measures.fields(data),
        "A-6 abstracts": measures.abstracts(data) | {"tests": _tests("test_titles_names_and_markup.py")},
        "A-7 merging": measures.merging(data),
        "A-8 titles": measures.titles(data),
        "A-9 retractions": measures.retractions(data),
        "A-10 and A-11 replies": anyio.run(_replies, [crossref_record(m) for m in crossref_messages(data)]),
    }
    for name, told in figures.items():
        sys.stdout.write(f"{name}: {json.dumps(told, ensure_ascii=False)}\n")
    sys.stdout.write(f"{write('scholar', figures, ('carrel', 'mcp'))}\n")


def _tests(name: str) -> dict[str, int]:
    """How many cases of a file of tests hold."""
    path = ROOT / "tests" / "shared" / "scholarly" / name
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    told = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", ran.stdout)}
    return {"passed": told.get("passed", 0), "failed": told.get("failed", 0) + told.get("error", 0)}


class _Clock:
    """Politeness costs no time: whoever sleeps finds the clock moved on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def _spent() -> dict[str, int]:
    """The calls to OpenAlex that its price list charges for: lists, filters and searches."""
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "api.openalex.org":
            asked.append(str(request.url))
        return httpx2.Response(500, text="down")

    async def billed(ids: Sequence[str], query: str = "") -> int:
        asked.clear()
        clock = _Clock()
        client = WebClient(transport=httpx2.MockTransport(answer), retries=0, clock=clock, sleep=clock.sleep)
        scholar = Scholar(client, clock=clock, sleep=clock.sleep)
        if ids:
            await scholar.get(ids)
        else:
            await scholar.find(Query(query))
        await client.aclose()
        return sum(bool(re.search(r"[?&](?:filter|search)", url)) for url in set(asked))

    one = await billed(["10.5555/one"])
    other = [await billed([i]) for i in ("arXiv:1901.00001", "pmid:4242", "W42")]
    many = await billed([f"10.5555/w{n}" for n in range(50)])
    return {"resolve_one": max(one, *other), "resolve_fifty": many, "search_page": await billed([], "crooked widgets")}


class _Shelf:
    """A provider that has real records at hand."""

    name = "crossref"

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records

    def reads(self, identifier: Identifier) -> bool:
        return identifier.scheme == "doi"

    def settles(self, identifier: Identifier) -> bool:
        return False

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        known = {r.work.identifiers.get("doi"): r for r in self.records}
        found = {i: known[i.value] for i in identifiers if i.value in known}
        return Lookup(SourceStatus(self.name, "ok"), found, frozenset(i for i in identifiers if i not in found))

    async def find(self, query: Query, ends: float) -> Shelf:
        at = (query.page - 1) * query.limit
        return Shelf(SourceStatus(self.name, "ok"), tuple(self.records[at : at + query.limit]))


async def _replies(records: Sequence[Record]) -> dict[str, float]:
    """A-10: get_papers of what was asked for before. A-11: find_papers with ten real works, four letters a token."""
    shelf = _Shelf(list({r.work.identifiers.get("doi"): r for r in records}.values()))
    client = WebClient()
    scholar = Scholar(client, providers=(shelf,), registry=shelf)
    dois = [doi for r in shelf.records if (doi := r.work.identifiers.get("doi"))][:50]
    sizes, times = [], []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder) / "data", Path(folder) / "models", encoder="none", read_only=True)
        async with Client(create_server(settings, scholar=scholar)) as host:
            for page in range(1, 6):
                given = {"query": "study", "limit": 10, "cursor": f"{page}.0" if page > 1 else ""}
                found = await host.call_tool("find_papers", given)
                told = found.structured_content or {}
                if len(told.get("papers", ())) == 10:
                    sizes.append(len(json.dumps(told, ensure_ascii=False, separators=(",", ":"))) / 4)
            for lap in range(5):
                for doi in dois:
                    began = time.perf_counter()
                    got = await host.call_tool("get_papers", {"ids": [doi]})
                    assert not got.is_error, got.content
                    times += [time.perf_counter() - began] if lap else []
    await client.aclose()
    times.sort()
    return {
        "cached_resolve_p95_ms": round(times[int(len(times) * 0.95)] * 1000, 1),
        "calls": len(times),
        "ten_hits_tokens_mean": round(sum(sizes) / max(1, len(sizes))),
        "ten_hits_tokens_most": round(max(sizes, default=0)),
    }


if __name__ == "__main__":
    main()
