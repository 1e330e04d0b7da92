"""How often do checks fire on supported claims, do they see minimal edits, and what do verdicts get right?

python benchmarks/claims/run.py DATA [--encoder] [--verdicts]

DATA: folder with attributionbench/, wice/, scifact/, summedits/, beside a folder retrieval/ with SciFact's abstracts.
--encoder: a second look by meaning, as the servers take it. --verdicts: only the second table.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from carrel.citations.checks import Check, Evidence, check_claim
from carrel.citations.evidence import rank_windows
from carrel.citations.lexicon import opposites_of
from carrel.citations.meaning import LazyEncoder
from carrel.citations.quantities import find_quantities
from carrel.citations.verify import verify_claim
from carrel.models import load_encoder
from carrel.records import Document, document_id
from carrel.settings import Settings

KINDS = ("number", "name", "negation", "opposite", "quantifier", "hedge")


def document(text: str) -> Document:
    """A source as the checks see one."""
    return Document(document_id("bench", text), "bench", "text", "text/plain", "", text)


def attributionbench(data: Path) -> list[tuple[str, str, bool]]:
    """(claim, source, supported) of the dev part."""
    rows = [
        json.loads(line) for line in (data / "attributionbench/dev_all_subset_balanced.jsonl").open(encoding="utf-8")
    ]
    return [
        (_plain(r["claim"]), "\n\n".join(r["references"]), r["attribution_label"] == "attributable")
        for r in rows
        if r["references"]
    ]


def _plain(claim: str) -> str:
    return re.sub(r"\s*\[\d+\]", "", claim)


def wice(data: Path) -> list[tuple[str, str, bool]]:
    """(claim, source, supported) of WiCE dev."""
    rows = [json.loads(line) for line in (data / "wice/claim_dev.jsonl").open(encoding="utf-8")]
    return [(r["claim"], "\n".join(r["evidence"]), r["label"] == "supported") for r in rows]


def scifact(data: Path) -> list[tuple[str, str, bool]]:
    """(claim, abstract it cites, supported): an abstract is taken for the whole source here."""
    corpus = {
        r["_id"]: r for r in map(json.loads, (data.parent / "retrieval/scifact/corpus.jsonl").open(encoding="utf-8"))
    }
    found = []
    for part in ("train", "dev"):
        for r in map(json.loads, (data / f"scifact/claims_{part}.jsonl").open(encoding="utf-8")):
            for key in map(str, r["cited_doc_ids"]):
                labels = {item["label"] for item in r["evidence"].get(key, [])}
                found.append((r["claim"], f"{corpus[key]['title']}\n\n{corpus[key]['text']}", labels == {"SUPPORT"}))
    return found


def summedits(data: Path) -> list[tuple[str, str, bool]]:
    """(summary, document, consistent): minimal edits of whole summaries."""
    found = []
    for name in ("scitldr", "news"):
        rows = [json.loads(line) for line in (data / f"summedits/{name}.jsonl").open(encoding="utf-8")]
        found += [(r["summary"], r["doc"], r["label"] == 1) for r in rows]
    return found


def checks(claim: str, source: str) -> tuple[Check, ...]:
    """The checks as `verify_claim` runs them."""
    windows = rank_windows([document(source)], claim, 3)
    return check_claim(claim, Evidence(source, tuple((w.start, w.end) for w in windows)))


def swap_number(claim: str, chance: random.Random) -> str | None:
    """Another value for one of its numbers."""
    found = [q for q in find_quantities(claim) if q.raw.replace(",", "").replace(".", "").isdigit()]
    if not found:
        return None
    q = chance.choice(found)
    digits = re.search(r"\d", q.raw)
    assert digits
    new = (
        q.raw[: digits.start()]
        + str((int(digits.group()) + chance.randint(1, 8)) % 9 + 1)
        + q.raw[digits.start() + 1 :]
    )
    return None if new == q.raw else claim[: q.start] + claim[q.start : q.end].replace(q.raw, new) + claim[q.end :]


def insert_not(claim: str, chance: random.Random) -> str | None:
    """A "not" after the first auxiliary."""
    del chance
    match = re.search(r"\b(is|are|was|were|has|have|can|could|will|would|may|should|did|does)\b(?! not|n't)", claim)
    return claim[: match.end()] + " not" + claim[match.end() :] if match else None


def swap_name(claim: str, chance: random.Random) -> str | None:
    """Another name for a capitalised word that does not open the sentence."""
    found = list(re.finditer(r"(?<=[a-z,] )[A-Z][a-z]{3,}", claim))
    if not found:
        return None
    match = chance.choice(found)
    return (
        claim[: match.start()]
        + chance.choice(["Wallenberg", "Tashkent", "Kowalczyk", "Okonkwo", "Ljubljana"])
        + claim[match.end() :]
    )


def swap_opposite(claim: str, chance: random.Random) -> str | None:
    """The opposite of one of its words."""
    found = [m for m in re.finditer(r"\b[a-z]{3,}\b", claim) if opposites_of(m.group())]
    if not found:
        return None
    match = chance.choice(found)
    return claim[: match.start()] + sorted(opposites_of(match.group()))[0] + claim[match.end() :]


EDITS: dict[str, Callable[[str, random.Random], str | None]] = {
    "number swapped": swap_number,
    '"not" inserted': insert_not,
    "name swapped": swap_name,
    "opposite swapped": swap_opposite,
}


def fires(pairs: list[tuple[str, str]]) -> str:
    """Share of pairs on which each kind of check fails."""
    seen: Counter[str] = Counter()
    for claim, source in pairs:
        seen.update({check.kind for check in checks(claim, source) if check.status != "ok"})
    return f"{len(pairs):5} " + " ".join(f"{100 * seen[kind] / max(1, len(pairs)):10.1f}" for kind in KINDS)


def edited(pairs: list[tuple[str, str]], edit: Callable[[str, random.Random], str | None]) -> Iterator[tuple[str, str]]:
    """Every pair whose claim the edit applies to, edited."""
    chance = random.Random(7)
    for claim, source in pairs:
        changed = edit(claim, chance)
        if changed and changed != claim:
            yield changed, source


def verdicts(name: str, rows: list[tuple[str, str, bool]], encoder: LazyEncoder | None) -> None:
    """Verdict counts and the precision of the verdicts that commit themselves."""
    seen: Counter[tuple[str, bool]] = Counter()
    began = time.perf_counter()
    for claim, source, supported in rows:
        seen[verify_claim(claim, [document(source)], encoder=encoder).verdict, supported] += 1
    took = (time.perf_counter() - began) / len(rows) * 1000
    print(f"\n{name}: {len(rows)} claims, {took:.1f} ms each")
    for verdict in ("supported", "partially_supported", "contradicted", "not_found", "needs_judgement"):
        yes, no = seen[verdict, True], seen[verdict, False]
        print(
            f"  {verdict:20} {yes + no:5} ({100 * (yes + no) / len(rows):4.1f} %)  truly supported {100 * yes / max(1, yes + no):5.1f} %"  # noqa: E501
        )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", action="store_true", help="look again by meaning before not_found")
    parser.add_argument("--verdicts", action="store_true", help="only the second table")
    options = parser.parse_args()
    data, encoder = options.data, None
    if options.encoder:
        settings = Settings.from_environment(os.environ)
        loaded = load_encoder(settings.encoder, settings.models)
        encoder = lambda: loaded  # noqa: E731
    sets = {"AttributionBench dev": attributionbench(data), "WiCE dev": wice(data)}
    if not options.verdicts:
        fire_table(sets)
    for name, rows in (sets | {"SciFact": scifact(data), "SummEdits scitldr, news": summedits(data)}).items():
        verdicts(name, rows, encoder)


def fire_table(sets: dict[str, list[tuple[str, str, bool]]]) -> None:
    """Print how often each kind of check fires, on claims as they are and on edited ones."""
    print("checks that fire, %".ljust(40) + "    n " + " ".join(f"{kind:>10}" for kind in KINDS))
    for name, rows in sets.items():
        supported = [(claim, source) for claim, source, good in rows if good]
        print(f"{name}: supported".ljust(40) + fires(supported))
        print(f"{name}: unsupported".ljust(40) + fires([(c, s) for c, s, good in rows if not good]))
        for title, edit in EDITS.items():
            print(f"{name}: {title}".ljust(40) + fires(list(edited(supported, edit))))


if __name__ == "__main__":
    main()
