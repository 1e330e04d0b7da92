"""I have the tree of a page: which of its runs are what the page is about?

How likely each is content comes from `model`; which are kept is decided for the page as a whole. Nothing here knows a
site or a word of a language.
"""

from __future__ import annotations

from carrel.documents.html.features import columns, widths
from carrel.documents.html.model import likelihood
from carrel.documents.html.names import GROUPS
from carrel.documents.html.tree import Tree

__all__ = ["select"]

LEAST, MOST = 0.2, 0.55  # whatever the page, a run less likely is left out, and one more likely kept
_OUTSIDE = sum(1 << GROUPS.index(name) for name in ("<nav>", "<footer>", "consent"))
_CONTROLS = sum(1 << GROUPS.index(name) for name in ("<button>", "<label>"))


def select(tree: Tree) -> None:
    """Mark the runs that are content as kept, all others as not.

    Kept are the likeliest runs, as many as make the expected F1 over words largest (Lewis 1995, "Evaluating and
    optimizing autonomous text classification systems").
    """
    import numpy as np

    if not tree.texts:
        return
    likely = likelihood(columns(tree))
    size = np.array(widths(tree), np.float32)
    order = np.argsort(-likely, kind="stable")
    hits, taken = np.cumsum((likely * size)[order]), np.cumsum(size[order])
    best = int(np.argmax(2 * hits / (taken + hits[-1] + 1e-9)))
    limit = min(max(float(likely[order[best]]), LEAST), MOST)
    kept = likely >= limit
    for run, keep in zip(tree.runs, kept.tolist(), strict=True):
        run.kept = keep
