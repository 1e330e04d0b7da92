"""I have the runs of a page: what can be measured of each, and of what stands around it?

Every column is a fact of the tree (lengths, links, tags, names, places) or of its neighbours; none is a word of a
language or a site. `NAMES` lists them in order; the weights in `weights.json` are fitted to them by
``benchmarks/extraction/fit.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from carrel.documents.html.names import GROUPS
from carrel.documents.html.tree import Tree

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["NAMES", "columns", "widths"]

_TAGS = ("p", "h1", "h2", "h3", "h4", "li", "td", "dd", "div", "a", "pre", "section")
_OWN = ("chars", "words", "word_length", "link", "stops", "commas", "digits", "ends", "upper", "depth")
_STEPS = (-2, -1, 1, 2)
_WIDTHS = (3, 10)
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
    *(f"{name}_{step:+d}" for step in _STEPS for name in ("chars", "link", "stops", "heading")),
    *(f"{name}_w{width}" for width in _WIDTHS for name in ("chars", "link", "stops")),
    *(f"{name}_up{level}" for level in range(_LEVELS) for name in ("chars", "runs", "link", "stops", "share")),
    *_PLACE,
    *(f"page_{name}" for name in _PAGE),
)
_STOPS, _COMMAS, _DIGITS, _CAPITALS = ".!?。！？।؟…", ",;:،、，；", "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ENDINGS = {**dict.fromkeys(_STOPS, 1), ":": 2, "：": 2, ",": 3}
_LOOKED_AT = 60  # characters of a text that is not ASCII in which capitals are counted


def widths(tree: Tree) -> list[int]:
    """How many words each run has; a run of a script without spaces counts one for two characters."""
    return [_words(text) for text in tree.texts]


def _words(text: str) -> int:
    words = text.count(" ") + 1
    return words if len(text) < 12 * words else max(words, len(text) // 3 if not text.isascii() else words)


@lru_cache(maxsize=1)
def _classes() -> Any:
    """What each character of the basic plane counts as, a bit a class."""
    import numpy as np

    classes = np.zeros(0x10000, np.uint8)
    for bit, characters in enumerate((_STOPS, _COMMAS, _DIGITS, _CAPITALS, " ")):
        classes[[ord(character) for character in characters]] |= 1 << bit
    return classes


def _measures(texts: Sequence[str]) -> list[Any]:
    """Characters, words, stops, commas, digits, capitals and kind of ending of each run, white space squeezed."""
    import numpy as np

    texts = [" ".join(text.split()) for text in texts]
    size = np.array([len(text) for text in texts], np.float32)
    codes = np.frombuffer("".join(f"{text}\n" for text in texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    classes = _classes()[np.minimum(codes, 0xFFFF)]
    starts = np.concatenate(([0], np.cumsum(size[:-1].astype(np.intp) + 1)))
    stops, commas, digits, capitals, spaces = (
        np.add.reduceat((classes >> bit) & 1, starts, dtype=np.int32).astype(np.float32) for bit in range(5)
    )
    words = np.where(size > 0, spaces + 1, 0)
    others = [place for place, text in enumerate(texts) if not text.isascii()]
    capitals[others] = [sum(map(str.isupper, texts[place][:_LOOKED_AT])) for place in others]
    unspaced = [place for place in others if size[place] >= 12 * words[place]]
    words[unspaced] = np.maximum(words[unspaced], size[unspaced] // 3)
    return [size, words, stops, commas, digits, capitals, [_ENDINGS.get(text[-1:], 0) for text in texts]]


def columns(tree: Tree) -> Array:
    """A row of features for each run."""
    import numpy as np

    runs = _Runs.of(tree)
    found = [
        *_own(runs),
        *_names(runs),
        *_neighbours(runs),
        *_windows(runs),
        *_above(runs),
        *_places(runs, tree),
    ]
    matrix = np.empty((len(NAMES), runs.count), np.float32)
    for row, values in zip(matrix, found, strict=False):
        row[:] = values
    matrix[len(found) :] = np.array(_page(runs, tree), np.float32)[:, None]
    return matrix.T


@dataclass(slots=True)
class _Runs:
    """The runs of a page, a row each, and its blocks, a row each (``parents``, ``first``, ``end``).

    ``sums`` are the running sums of size, link characters and stops; ``tag`` is that of the block
    a run stands in, ``depth`` how many stand around that.
    """

    count: int
    size: Any
    words: Any
    stops: Any
    commas: Any
    digits: Any
    upper: Any
    ending: Any
    link: Any
    tag: Any
    depth: Any
    masks: Any
    heading: Any
    holders: Any
    parents: Any
    first: Any
    end: Any
    sums: tuple[Any, ...]

    @classmethod
    def of(cls, tree: Tree) -> _Runs:
        import numpy as np

        size, words, stops, commas, digits, upper, ending = np.array(_measures(tree.texts), np.float32)
        link = np.minimum(np.array(tree.link_chars, np.float32), size)
        holders = np.array(tree.holders, np.intp)
        tag = np.array([_CODES.get(block.tag, 0) for block in tree.blocks], np.intp)[holders]
        depths = [0] * len(tree.parents)
        for number, parent in enumerate(tree.parents):
            depths[number] = depths[parent] + 1 if number else 0
        sums = (np.concatenate(([0.0], np.cumsum(each, dtype=np.float64))) for each in (size, link, stops))
        return cls(
            len(size), size, words, stops, commas, digits, upper, ending, link, tag,
            np.array(depths, np.float32)[holders], np.array(tree.masks, np.uint64),
            (tag >= _CODES["h1"]) & (tag <= _CODES["h4"]), holders, np.array(tree.parents, np.intp),
            np.array(tree.firsts, np.intp), np.array(tree.ends, np.intp), tuple(sums),
        )  # fmt: skip

    @property
    def total(self) -> float:
        return max(1.0, float(self.size.sum()))

    def within(self, group: str) -> Any:
        """1 where a run stands in something of that group of names."""
        import numpy as np

        return ((self.masks >> np.uint64(GROUPS.index(group))) & np.uint64(1)).astype(np.float32)


def _own(runs: _Runs) -> list[Any]:
    """What a run is by itself."""
    import numpy as np

    size, one = runs.size, np.maximum(runs.size, 1.0)
    return [
        np.log1p(size), np.log1p(runs.words), size / np.maximum(runs.words, 1), runs.link / one, runs.stops / one * 100,
        runs.commas / one * 100, runs.digits / one, runs.ending, runs.upper / one, runs.depth,
        *(runs.tag == code for code in range(1, len(_TAGS) + 1)),
    ]  # fmt: skip


def _names(runs: _Runs) -> list[Any]:
    import numpy as np

    return list((runs.masks >> np.arange(len(GROUPS), dtype=np.uint64)[:, None]) & np.uint64(1))


def _neighbours(runs: _Runs) -> list[Any]:
    """The runs before and after; -1 where there is none."""
    import numpy as np

    one = np.maximum(runs.size, 1.0)
    facts = (np.log1p(runs.size), runs.link / one, runs.stops / one * 100, runs.heading.astype(np.float32))
    found = []
    for step in _STEPS:
        for values in facts:
            shifted = np.full(runs.count, -1.0, np.float32)
            if step < 0:
                shifted[-step:] = values[: runs.count + step]
            elif runs.count > step:
                shifted[:-step] = values[step:]
            found.append(shifted)
    return found


def _windows(runs: _Runs) -> list[Any]:
    """What stands so many runs around, the run itself among them."""
    import numpy as np

    found = []
    places = np.arange(runs.count)
    for width in _WIDTHS:
        low, high = np.maximum(places - width, 0), np.minimum(places + width + 1, runs.count)
        chars, links, marks = (sums[high] - sums[low] for sums in runs.sums)
        some = np.maximum(chars, 1)
        found += [np.log1p(chars), links / some, marks / some * 100]
    return found


def _above(runs: _Runs) -> list[Any]:
    """The block a run stands in, and those around that, each holding more runs than the last."""
    import numpy as np

    found = []
    chars, links, marks = (sums[runs.end] - sums[runs.first] for sums in runs.sums)
    up = runs.holders
    for _ in range(_LEVELS):
        some = np.maximum(chars[up], 1)
        found += [
            np.log1p(chars[up]), np.log1p(runs.end[up] - runs.first[up]), links[up] / some, marks[up] / some * 100,
            chars[up] / runs.total,
        ]  # fmt: skip
        up = _wider(runs.parents, runs.first, runs.end, up)
    return found


def _places(runs: _Runs, tree: Tree) -> list[Any]:
    """Where a run stands: in the page, by its headings, by the block that most of the running text is in, and among
    the runs that look alike."""
    import numpy as np

    places = np.arange(runs.count)
    best, share = _best_block(runs)
    outer = int(runs.parents[best])
    is_h1 = runs.tag == _CODES["h1"]
    h1 = int(np.argmax(is_h1)) if is_h1.any() else -1
    last_heading = np.maximum.accumulate(np.where(runs.heading, places, -1))
    looks: dict[_Look, int] = {}
    alike = np.array([looks.setdefault(_look(tree, number), len(looks)) for number in tree.holders], np.intp)
    kinds = np.bincount(alike)
    chars, links = np.bincount(alike, weights=runs.size), np.bincount(alike, weights=runs.link)
    return [
        places / max(1, runs.count), runs.sums[0][:-1] / runs.total,
        np.where(h1 < 0, -1.0, (places >= h1).astype(np.float32)),
        np.where(h1 < 0, 0.0, np.sign(places - h1) * np.log1p(np.abs(places - h1))),
        np.log1p(places - last_heading), *(
            (places >= runs.first[block]) & (places < runs.end[block]) for block in (best, outer)
        ), share,
        np.log1p(np.maximum(runs.first[best] - places, 0)), np.log1p(np.maximum(places - runs.end[best] + 1, 0)),
        np.log1p(kinds[alike]), np.log1p(chars[alike] / kinds[alike]), links[alike] / np.maximum(chars[alike], 1),
    ]  # fmt: skip


def _best_block(runs: _Runs) -> tuple[int, float]:
    """The block that most of the running text is in, near or far below it, and what share of the page it holds."""
    import numpy as np

    chars, links, _ = (sums[runs.end] - sums[runs.first] for sums in runs.sums)
    is_running = (runs.size > 60) & (runs.link < 0.4 * runs.size) & (runs.stops > 0)
    running = np.where(is_running, runs.size - runs.link, 0.0)
    score = np.zeros(len(runs.parents))
    block = runs.holders
    for weight in (0.2, 1.0, 0.5, 0.25):
        np.add.at(score, block, weight * running)
        block = runs.parents[block]
    score *= 1 - links / np.maximum(chars, 1)
    best = int(score.argmax())
    return best, chars[best] / runs.total


def _page(runs: _Runs, tree: Tree) -> list[float]:
    """What the page is, the same for all its runs."""
    import numpy as np

    size, total = runs.size, runs.total
    names = [block.tag for block in tree.blocks]
    is_long = size > 100
    return [
        np.log1p(runs.count), np.log1p(total), float(runs.link.sum()) / total, float(runs.stops.sum()) / total * 100,
        np.log1p(np.count_nonzero(is_long)), float(size[is_long].sum()) / total,
        float(np.count_nonzero(runs.tag == _CODES["h1"])), np.log1p(names.count("article")), float("main" in names),
        *(float(runs.within(group) @ size) / total for group in ("thread", "product", "list", "price")),
        *(float(size[runs.tag == _CODES[tag]].sum()) / total for tag in ("li", "td")),
    ]  # fmt: skip


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


_Look = tuple[str, str | None, str, str | None]


def _look(tree: Tree, number: int) -> _Look:
    """What tells blocks of one kind: tag and class, and those of the block above."""
    block = tree.blocks[number]
    above = tree.blocks[tree.parents[number]]
    return (block.tag, block.attributes.get("class"), above.tag, above.attributes.get("class"))
