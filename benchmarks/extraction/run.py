"""How well is the content of a page found? Bag-of-words F1 on a folder of pages with their true content.

    python -m benchmarks.extraction.run DATA [--part held] [--sample 300] [--seed 1] [--by-type] [--worst 10]

DATA holds ``truth.jsonl`` (id, page_type, domain, html, main_content) and the gzipped pages. The sample is drawn by
domain, so that the same sites are always in or out together; ``--part held`` is the fifth of the domains that `fit`
leaves out. Every system is measured in the same run, on the same pages: ours, all visible text, and trafilatura where
it is installed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from carrel.documents.html import extract
from carrel.documents.media import decode

WORD = re.compile(r"\w+")
IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
TARGET = re.compile(r"\]\((?:[^()\s]|\([^()]*\))*\)")


def plain(markdown: str) -> str:
    """What a reader reads of Markdown: no link targets, no pictures."""
    return TARGET.sub("]", IMAGE.sub("", markdown))


def f1(found: str, truth: str) -> tuple[float, float, float]:
    """Precision, recall and F1 over the multiset of lower-cased words."""
    mine, theirs = Counter(WORD.findall(found.lower())), Counter(WORD.findall(truth.lower()))
    common = sum((mine & theirs).values())
    if not common:
        same = float(not mine and not theirs)
        return same, same, same
    precision, recall = common / sum(mine.values()), common / sum(theirs.values())
    return precision, recall, 2 * precision * recall / (precision + recall)


def ours(html: str) -> str:
    return plain(extract(html).markdown)


def whole_text(html: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    tree.strip_tags(["script", "style", "noscript", "template"])
    return tree.body.text(separator=" ") if tree.body else ""


def systems() -> dict[str, Callable[[str], str]]:
    found: dict[str, Callable[[str], str]] = {"carrel": ours, "whole text": whole_text}
    try:
        import trafilatura
    except ImportError:
        return found
    found["trafilatura"] = lambda html: trafilatura.extract(html) or ""
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sample", type=int, default=300, help="pages; 0 for all")
    parser.add_argument("--part", choices=["held", "fitted"], default="", help="all pages of one part, not a sample")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--by-type", action="store_true")
    parser.add_argument("--worst", type=int, default=0, help="list this many of the worst pages")
    parser.add_argument("--only", default="", help="one system")
    return parser.parse_args()


def sample(data: Path, size: int, seed: str) -> list[dict[str, str]]:
    """Pages in an order that keeps a site together and is the same for the same seed."""
    rows = [json.loads(line) for line in (data / "truth.jsonl").read_text("utf-8").split("\n") if line]
    rows.sort(key=lambda row: hashlib.sha256(f"{seed}{row['domain']}".encode()).digest())
    return rows[: size or None]


def held(domain: str) -> bool:
    """Whether a domain is of the fifth that the trees are not fitted on."""
    return int(hashlib.sha256(domain.encode()).hexdigest(), 16) % 5 == 0


def main() -> None:
    options = arguments()
    rows = sample(options.data, 0 if options.part else options.sample, options.seed)
    if options.part:
        rows = [row for row in rows if held(row["domain"]) == (options.part == "held")]
    for name, run in systems().items():
        if options.only in ("", name):
            report(name, run, rows, options)


def report(name: str, run: Callable[[str], str], rows: list[dict[str, str]], options: argparse.Namespace) -> None:
    scores, spent, middling, by_type = [], [], [], defaultdict(list)
    for row in rows:
        html = decode(gzip.decompress((options.data / row["html"]).read_bytes()), html=True)[0]
        begun = time.thread_time()
        text = run(html)
        took = (time.thread_time() - begun) * 1000
        spent.append(took)
        if 80_000 <= len(html) <= 120_000:
            middling.append(took)
        score = f1(text, row["main_content"] or "")
        scores.append((score, row["id"]))
        by_type[row["page_type"]].append(score[2])
    precision, recall, both = (statistics.mean(score[part] for score, _ in scores) for part in range(3))
    spent.sort()
    print(
        f"{name:12} pages {len(rows)}  P {precision:.3f}  R {recall:.3f}  F1 {both:.4f}  ms mean "
        f"{statistics.mean(spent):.1f}  p50 {spent[len(spent) // 2]:.1f}  p95 {spent[len(spent) * 95 // 100]:.1f}  "
        f"p50 of 80-120 KB {statistics.median(middling or [0]):.1f}"
    )
    if options.by_type:
        print("   ", "  ".join(f"{kind} {statistics.mean(v):.3f} ({len(v)})" for kind, v in sorted(by_type.items())))
    for (p, r, f), page in sorted(scores, key=lambda item: item[0][2])[: options.worst]:
        print(f"    {page}  P {p:.2f}  R {r:.2f}  F1 {f:.2f}")


if __name__ == "__main__":
    main()
