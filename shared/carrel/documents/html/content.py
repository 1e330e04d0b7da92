"""I have the tree of a page: which of its runs are what the page is about?

How likely each is content comes from `model`; which are kept is decided for the page as a whole. Nothing here knows a
site or a word of a language.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from carrel.documents.html.features import columns, widths
from carrel.documents.html.model import likelihood
from carrel.documents.html.names import GROUPS
from carrel.documents.html.tree import Tree

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["select"]

# Of wcxb-dev; LANDMARK, COMMENTS and GAP were compared on its validation part too, which is .003 the better for it.
LEAST, MOST = 0.2, 0.55  # whatever the page, a run less likely is left out, and one more likely kept
LANDMARK = 0.4  # a run in a landmark that says "not the content" is so much less likely content
COMMENTS = 0.6  # as is a reader's comment on an article
LONG_ARTICLE = 1_500  # characters of content that make a page an article with comments, not a discussion
GAP, LIKELY_GAP = 2, 0.05  # so many runs between kept ones are kept too, unless they are very unlikely
LIKELY_TABLE = 0.15


def _bits(*names: str) -> int:
    return sum(1 << GROUPS.index(name) for name in names)


_LANDMARKS = _bits("<nav>", "<footer>", "<aside>", "consent", "share")
_COMMENTED = _bits("comments")
_BETWEEN = _LANDMARKS | _bits("nav", "related", "promo", "letter", "<button>", "comments", "login", "form")


def select(tree: Tree) -> None:
    """Mark the runs that are content as kept, all others as not."""
    import numpy as np

    if not tree.texts:
        return
    masks = np.array(tree.masks, np.uint64)
    size = np.array(widths(tree), np.float32)
    likely = likelihood(columns(tree))
    likely = np.where(masks & np.uint64(_LANDMARKS) > 0, likely * np.float32(LANDMARK), likely)
    kept = _best(likely, size)
    commented = masks & np.uint64(_COMMENTED) > 0
    if commented.any():
        chars = np.array([len(text) for text in tree.texts])
        mine = chars[kept & commented].sum()
        if chars[kept].sum() - mine > max(LONG_ARTICLE, mine):
            likely = np.where(commented, likely * np.float32(COMMENTS), likely)
            kept = _best(likely, size)
    _keep_tables_whole(tree, kept, likely, masks & np.uint64(_BETWEEN) == 0)
    _fill(kept, (likely >= LIKELY_GAP) & (masks & np.uint64(_BETWEEN) == 0))
    for run, keep in zip(tree.runs, kept.tolist(), strict=True):
        run.kept = keep


def _best(likely: Array, size: Array) -> Flags:
    """The likeliest runs, as many as make the expected F1 over words largest.

    Lewis 1995, "Evaluating and optimizing autonomous text classification systems".
    """
    import numpy as np

    order = np.argsort(-likely, kind="stable")
    hits, taken = np.cumsum((likely * size)[order]), np.cumsum(size[order])
    best = float(likely[order[int(np.argmax(2 * hits / (taken + hits[-1] + 1e-9)))]])
    return likely >= min(max(best, LEAST), MOST, float(likely.max()))


def _keep_tables_whole(tree: Tree, kept: Flags, likely: Array, fit: Flags) -> None:
    """A table is kept as one where half of its cells are, or where it follows what is kept and may well be content."""
    for block, first, end in zip(tree.blocks, tree.firsts, tree.ends, strict=True):
        if block.tag == "table" and end - first > 1 and fit[first:end].all():
            follows = first > 0 and kept[first - 1] and likely[first:end].mean() >= LIKELY_TABLE
            if follows or kept[first:end].mean() >= 0.5:
                kept[first:end] = True


def _fill(kept: Flags, fit: Flags) -> None:
    """Keep what stands between kept runs, where it is short and fit to."""
    import numpy as np

    places = np.flatnonzero(kept).tolist()
    for before, after in pairwise(places):
        if 1 < after - before <= GAP + 1:
            kept[before + 1 : after] |= fit[before + 1 : after]
