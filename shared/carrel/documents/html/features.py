"""I have the runs of a page: what can be measured of each, and of what stands around it?

Every column is a fact of the tree (lengths, links, tags, names, places) or of its neighbours; none is a word of a
language or a site. `NAMES` lists them in order; the weights in `weights.json` are fitted to them by
``benchmarks/extraction/fit.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carrel.documents.html.names import GROUPS
from carrel.documents.html.tree import Tree

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["NAMES", "columns", "widths"]

_TAGS = ("p", "h1", "h2", "h3", "h4", "li", "td", "dd", "div", "a", "pre", "section")
_OWN = ("chars", "words", "word_length", "link", "stops", "commas", "digits", "ends", "upper", "depth", "lines")
_AROUND = ("chars", "link", "stops")
_LEVELS = 4
_PAGE = (
    "runs",
    "chars",
    "link",
    "stops",
    "long_runs",
    "long_share",
    "h1",
    "article",
    "main",
    "thread",
    "product",
    "list",
    "price",
    "li_share",
    "td_share",
)
_PLACE = (
    "place",
    "chars_before",
    "after_h1",
    "runs_after_h1",
    "heading_gap",
    "best_in",
    "best2_in",
    "best_share",
    "before_best",
    "after_best",
    "same",
    "same_chars",
    "same_link",
)
NAMES: tuple[str, ...] = (
    *_OWN,
    *(f"tag_{tag}" for tag in _TAGS),
    *(f"in_{group}" for group in GROUPS),
    *(f"{name}_{step:+d}" for step in (-2, -1, 1, 2) for name in ("chars", "link", "stops", "heading")),
    *(f"{name}_w{width}" for width in (3, 10) for name in ("chars", "link", "stops")),
    *(f"{name}_up{level}" for level in range(_LEVELS) for name in ("chars", "runs", "link", "stops", "share")),
    *_PLACE,
    *(f"page_{name}" for name in _PAGE),
)
_STOPS = str.maketrans("", "", ".!?。！？।؟…")
_COMMAS = str.maketrans("", "", ",;:،、，；")
_DIGITS = str.maketrans("", "", "0123456789")


def widths(tree: Tree) -> list[int]:
    """How many words each run has; a run of a script without spaces counts one for two characters."""
    return [_words(text) for text in tree.texts]


def _words(text: str) -> int:
    words = text.count(" ") + 1
    return words if len(text) < 12 * words else max(words, len(text) // 3 if not text.isascii() else words)


def _measures(text: str) -> tuple[int, int, int, int, int, int, int, int]:
    """Characters, words, stops, commas, digits, capitals, kind of ending, and 0 of one run."""
    size = len(text)
    if not size:
        return (0, 0, 0, 0, 0, 0, 0, 0)
    if text.isascii():
        raw = text.encode()
        stops = size - len(raw.translate(None, b".!?"))
        commas = size - len(raw.translate(None, b",;:"))
        digits = size - len(raw.translate(None, b"0123456789"))
        upper = size - len(raw.translate(None, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    else:
        stops = size - len(text.translate(_STOPS))
        commas = size - len(text.translate(_COMMAS))
        digits = size - len(text.translate(_DIGITS))
        upper = sum(map(str.isupper, text[:60]))
    last = text[-1]
    ending = 1 if last in ".!?。！？।؟…" else 2 if last in ":：" else 3 if last == "," else 0
    return (size, _words(text), stops, commas, digits, upper, ending, text.count("\n"))


def columns(tree: Tree) -> Array:
    """A row of features for each run."""
    import numpy as np

    parent: Any

    count = len(tree.texts)
    own = np.array([_measures(" ".join(text.split())) for text in tree.texts], np.float32).reshape(count, 8)
    size = own[:, 0]
    words = own[:, 1]
    link = np.minimum(np.array(tree.link_chars, np.float32), size)
    one = np.maximum(size, 1.0)
    holders = np.array(tree.holders, np.intp)
    parents = np.array(tree.parents, np.intp)
    first = np.array(tree.firsts, np.intp)
    end = np.array(tree.ends, np.intp)
    places = np.arange(count)
    tags = np.array([_CODES.get(block.tag, 0) for block in tree.blocks], np.intp)
    tag = tags[holders]
    depths = [0] * len(tree.parents)
    for number, parent in enumerate(tree.parents):
        depths[number] = depths[parent] + 1 if number else 0
    depth = np.array(depths, np.float32)
    total = max(1.0, float(size.sum()))

    def log(values: Any) -> Any:
        return np.log1p(values)

    stops = own[:, 2]
    found: list[Any] = [
        log(size), log(words), size / np.maximum(words, 1), link / one, stops / one * 100, own[:, 3] / one * 100,
        own[:, 4] / one, own[:, 6], own[:, 5] / one, depth[holders], own[:, 7],
    ]  # fmt: skip
    found += [tag == code for code in range(1, len(_TAGS) + 1)]
    masks = np.array(tree.masks, np.uint64)
    found += list(((masks[:, None] >> np.arange(len(GROUPS), dtype=np.uint64)) & np.uint64(1)).astype(np.float32).T)
    heading = (tag >= _CODES["h1"]) & (tag <= _CODES["h4"])
    around = (log(size), link / one, stops / one * 100, heading.astype(np.float32))
    for step in (-2, -1, 1, 2):
        for values in around:
            shifted = np.full(count, -1.0, np.float32)
            if step < 0:
                shifted[-step:] = values[: count + step]
            elif count > step:
                shifted[:-step] = values[step:]
            found.append(shifted)
    sums = [np.concatenate(([0.0], np.cumsum(values, dtype=np.float64))) for values in (size, link, stops)]
    for width in (3, 10):
        low, high = np.maximum(places - width, 0), np.minimum(places + width + 1, count)
        chars, links, marks = (s[high] - s[low] for s in sums)
        some = np.maximum(chars, 1)
        found += [log(chars), links / some, marks / some * 100]
    block_chars, block_links, block_stops = (s[end] - s[first] for s in sums)
    up = holders
    for _ in range(_LEVELS):
        chars = block_chars[up]
        some = np.maximum(chars, 1)
        found += [
            log(chars),
            log(end[up] - first[up]),
            block_links[up] / some,
            block_stops[up] / some * 100,
            chars / total,
        ]
        # the next ancestor that holds more runs than this one
        up = _wider(parents, first, end, up)
    # where the page's running text is
    running = np.where((size > 60) & (link < 0.4 * size) & (stops > 0), size - link, 0.0)
    score = np.zeros(len(parents))
    np.add.at(score, holders, 0.2 * running)
    parent = parents[holders]
    np.add.at(score, parent, running)
    np.add.at(score, parents[parent], 0.5 * running)
    np.add.at(score, parents[parents[parent]], 0.25 * running)
    score *= 1 - block_links / np.maximum(block_chars, 1)
    best = int(score.argmax())
    outer = int(parents[best])
    rows_of = (places >= first[best]) & (places < end[best])
    rows_outer = (places >= first[outer]) & (places < end[outer])
    is_h1 = tag == _CODES["h1"]
    h1: Any = int(np.argmax(is_h1)) if is_h1.any() else -1
    last_heading = np.maximum.accumulate(np.where(heading, places, -1))
    signature = np.array([_signature(tree, number) for number in tree.holders], np.intp)
    _, same = np.unique(signature, return_inverse=True)
    kinds = np.bincount(same)
    same_chars, same_links = np.bincount(same, weights=size), np.bincount(same, weights=link)
    found += [
        places / max(1, count), sums[0][:-1] / total,
        np.where(h1 < 0, -1.0, (places >= h1).astype(np.float32)),
        np.where(h1 < 0, 0.0, np.sign(places - h1) * log(np.abs(places - h1))),
        log(places - last_heading), rows_of, rows_outer, np.full(count, block_chars[best] / total),
        log(np.maximum(first[best] - places, 0)), log(np.maximum(places - end[best] + 1, 0)),
        log(kinds[same]), log(same_chars[same] / kinds[same]), same_links[same] / np.maximum(same_chars[same], 1),
    ]  # fmt: skip
    long_runs = size > 100
    bits = {
        name: float(((masks >> np.uint64(GROUPS.index(name))) & np.uint64(1)).astype(np.float32) @ size) / total
        for name in ("thread", "product", "list", "price")
    }
    names = [block.tag for block in tree.blocks]
    page = [
        log(count), log(total), float(link.sum()) / total, float(stops.sum()) / total * 100,
        log(np.count_nonzero(long_runs)),
        float(size[long_runs].sum()) / total, float(np.count_nonzero(is_h1)), log(names.count("article")),
        float("main" in names),
        bits["thread"], bits["product"], bits["list"], bits["price"], float(size[tag == _CODES["li"]].sum()) / total,
        float(size[tag == _CODES["td"]].sum()) / total,
    ]  # fmt: skip
    matrix = np.empty((count, len(NAMES)), np.float32)
    for place, values in enumerate(found):
        matrix[:, place] = values
    matrix[:, len(found) :] = page
    return matrix


def _wider(parents: Any, first: Any, end: Any, up: Any) -> Any:
    import numpy as np

    size = end[up] - first[up]
    above = up
    for _ in range(3):
        same = (end[above] - first[above]) <= size
        above = np.where(same, parents[above], above)
    return above


_CODES = {tag: code for code, tag in enumerate(_TAGS, start=1)}
_CODES.update({"h5": _CODES["h4"], "h6": _CODES["h4"], "th": _CODES["td"], "dt": _CODES["dd"]})


def _signature(tree: Tree, number: int) -> int:
    block = tree.blocks[number]
    above = tree.blocks[tree.parents[number]]
    return hash((block.tag, block.attributes.get("class"), above.tag, above.attributes.get("class")))
