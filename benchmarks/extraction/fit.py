"""Fit the trees that tell content from the rest of a page, and write them where the engine reads them.

    python -m benchmarks.extraction.fit [DATA] [--rounds 90] [--out FILE]

Needs ``pip install lightgbm``, a folder DATA as in `run`, 2 GB of memory and two minutes. Pages of one domain in five
(by a hash of its name) are left out: figures of `run` on ``--part held`` are for pages the trees have not seen. The
same pages, columns and lightgbm give the same file; with ``--out`` the engine's own stays as it is, to be compared
with ``python -m benchmarks.extraction.run --weights FILE``.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.extraction.pages import Sample, load
from benchmarks.extraction.scores import WORD
from benchmarks.results import DATA, need

from carrel.documents.html import model
from carrel.documents.html.extract import read
from carrel.documents.html.features import NAMES, columns
from carrel.documents.html.guard import too_hostile
from carrel.documents.html.source import lighten

SHINGLE = 4
SETTINGS = {
    "objective": "cross_entropy",
    "num_leaves": 24,
    "max_depth": model.DEPTH,
    "learning_rate": 0.15,
    "min_data_in_leaf": 150,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5,
    "max_bin": 127,
    "seed": 1,
    "deterministic": True,
    "verbose": -1,
}


def material(page: Sample) -> tuple[Any, Any, Any] | None:
    """Features, the share of each run's words that is content, and weights that make pages count alike."""
    source = lighten(page.html)
    if too_hostile(source.html):
        return None  # as the engine does, which never parses it
    tree, _ = read(source)
    if not tree.texts:
        return None
    truth = WORD.findall(page.truth.lower())
    runs = [WORD.findall(text.lower()) for text in tree.texts]
    size = np.array([len(run) for run in runs], np.float32)
    weight = np.maximum(size, 0.5) / (len(truth) + 0.5 * size.sum() + 30)
    return columns(tree), np.array(shares(runs, truth), np.float32), weight


def shares(runs: list[list[str]], truth: list[str]) -> list[float]:
    """How much of each run stands in the truth word after word; very short runs must not be used up by longer ones."""
    known = {tuple(truth[at : at + n]) for n in range(1, SHINGLE + 1) for at in range(len(truth) - n + 1)}
    found = []
    for run in runs:
        width = min(SHINGLE, len(run))
        hit = [False] * len(run)
        for at in range(len(run) - width + 1 if run else 0):
            if tuple(run[at : at + width]) in known:
                hit[at : at + width] = [True] * width
        found.append(sum(hit) / len(run) if run else 0.0)
    left = Counter(truth)
    for run, share in zip(runs, found, strict=True):
        if len(run) >= 2 * SHINGLE and share > 0.5:
            left.subtract(run)
    for at, run in enumerate(runs):
        if len(run) < SHINGLE and found[at] > 0.5 and any(left[word] <= 0 for word in run):
            found[at] = 0.0
    return found


def complete(tree: dict[str, Any]) -> tuple[list[int], list[float], list[float]]:
    """One fitted tree as a complete one of `model.DEPTH`; a leaf higher up fills all places below it."""
    inner = 2**model.DEPTH - 1
    feature, threshold, leaf = [0] * inner, [0.0] * inner, [0.0] * (inner + 1)
    stack = [(tree["tree_structure"], 0, 0)]
    while stack:
        node, place, depth = stack.pop()
        if depth == model.DEPTH:
            leaf[place - inner] = round(node["leaf_value"], 4)
            continue
        below = (node, node) if "leaf_value" in node else (node["left_child"], node["right_child"])
        if "leaf_value" not in node:
            feature[place], threshold[place] = node["split_feature"], float(f"{node['threshold']:.6g}")
        stack += [(below[0], 2 * place + 1, depth + 1), (below[1], 2 * place + 2, depth + 1)]
    return feature, threshold, leaf


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=DATA / "extraction" / "wcxb-dev")
    parser.add_argument("--rounds", type=int, default=90)
    parser.add_argument("--out", type=Path, default=model.WEIGHTS)
    options = parser.parse_args()
    samples = load(need(options.data), "fitted")
    pages = [found for page in samples if (found := material(page)) is not None]
    matrix, share, weight = (np.concatenate(part) for part in zip(*pages, strict=True))
    import lightgbm

    names = [f"f{place}" for place in range(len(NAMES))]
    data = lightgbm.Dataset(matrix, share, weight=weight * len(share) / weight.sum(), feature_name=names)
    fitted = lightgbm.train(SETTINGS, data, options.rounds).dump_model()
    feature, threshold, leaf = zip(*(complete(tree) for tree in fitted["tree_info"]), strict=True)
    parts = {"names": NAMES, "feature": feature, "threshold": threshold, "leaf": leaf}
    options.out.write_text(json.dumps(parts, separators=(",", ":")) + "\n", encoding="ascii")
    print(f"{len(pages)} pages, {len(share)} runs, {len(feature)} trees: {options.out}")


if __name__ == "__main__":
    main()
