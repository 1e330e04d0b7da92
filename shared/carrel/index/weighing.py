"""Filling the learned-sparse arms: whatever a collection's current documents lack is encoded, newest first.

The store keeps no account of it: an arm knows the commit at which it was last compared, and up to which it lacked
nothing, so only what joined since is looked at.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, NamedTuple

from carrel.index import catalogue
from carrel.index.catalogue import Collection
from carrel.index.dense import DamagedVectors
from carrel.index.filling import BATCH, WANTED, said, slices
from carrel.index.gate import QueryGate
from carrel.index.lexical import Mark
from carrel.index.sparse import SparseArm
from carrel.index.sparse_arms import SparseArms
from carrel.index.store import Store
from carrel.index.trials import note_failing, taken
from carrel.models import SparseEncoder
from carrel.models.sparse import SparseVectors, joined, sound_sparse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Weighing"]

_NEVER = Mark(0, 0)
_GARBAGE = 1.25  # vectors per passage above which the superfluous ones are dropped
_JOINED = """SELECT p.digest, p.passage_id FROM members m CROSS JOIN passages p ON p.doc_no=m.doc_no
AND p.collection_no=m.collection_no WHERE m.collection_no=? AND m.ended IS NULL AND m.began>?
ORDER BY p.passage_id DESC"""
_ROWS = f"""SELECT {WANTED} FROM json_each(?) k CROSS JOIN passages p ON p.passage_id=k.value
CROSS JOIN documents d ON d.doc_no=p.doc_no"""


class _Missing(NamedTuple):
    """What an arm lacks at commit ``mark``: a passage for each digest, newest first, and how many passages have it."""

    mark: Mark
    erased: int
    digests: NDArray[np.int64]
    passage_ids: NDArray[np.int64]
    passages: NDArray[np.int64]


class Weighing:
    """Fills the arms of ``arms`` until ``stop`` is set; whoever calls `fill` holds the encoding lock."""

    def __init__(self, store: Store, arms: SparseArms, gate: QueryGate, stop: threading.Event) -> None:
        self._store, self._arms, self._gate, self._stop = store, arms, gate, stop
        self.doubted: set[str] = set()
        self._failing: dict[int, set[int]] = {}  # by collection: digests on which its model failed
        self._ended: dict[int, tuple[int, int]] = {}  # and when nothing else was left to do

    def waiting(self) -> list[str]:
        """The collections whose arm lacks something that was not tried; no model is loaded to see it."""
        there = catalogue.weighed(self._store)
        self.doubted &= {each.name for each in there}
        return [
            each.name
            for each in there
            if each.name in self.doubted
            or (self._ended.get(each.number) != (each.journalled, each.sparse_erased) and not self._arms.whole(each))
        ]

    def fill(self, there: Collection) -> int:
        """Make missing vectors until none is missing or the library closes; how many were made."""
        arm, encoder = self._arms.of(there)
        if there.name in self.doubted and arm.verify():
            raise DamagedVectors("they are not what was written")
        written = 0
        while not self._stop.is_set():
            missing = self._compare(there, arm)
            if missing is None:
                break
            made = self._make(there, arm, encoder, missing)
            written += made
            if not made and not self._newer(there, missing.mark):
                self._ended[there.number] = (missing.mark.generation, missing.erased)
                break
        if written:
            arm.tidy()
        self.doubted.discard(there.name)
        return written

    def _compare(self, there: Collection, arm: SparseArm) -> _Missing | None:
        """What the arm lacks now; None when there is nothing left to do."""
        import numpy as np

        head = arm.head()
        with self._store.snapshot():
            now = catalogue.same(self._store, there)
            mark = self._store.mark(now.journalled)
            known = self._store.knows(head.covered)
            superfluous = self._superfluous(now, arm)
            if known and (head.covered, head.mark, head.erased) == (mark, mark, now.sparse_erased):
                return None
            rows = self._store.rows(_JOINED, (now.number, head.covered.generation if known else 0))
        if superfluous is not None and len(superfluous):
            arm.discard(superfluous)
        if now.sparse_erased != head.erased:
            self._arms.keep_only(now, arm)
        found = np.array(rows, np.int64).reshape(-1, 2)
        digests, first, passages = np.unique(found[:, 0], return_index=True, return_counts=True)
        lacking = ~arm.has(digests)
        newest = np.argsort(first[lacking], kind="stable")
        digests, first, passages = (each[lacking][newest] for each in (digests, first, passages))
        return _Missing(mark, now.sparse_erased, digests, found[first, 1], passages)

    def _superfluous(self, now: Collection, arm: SparseArm) -> NDArray[np.int64] | None:
        """Vectors of which no passage is left, now or in a kept snapshot, if they are to be dropped: after a text was
        erased, or when they are many; else None."""
        import numpy as np

        erased = now.sparse_erased != arm.head().erased
        if not arm.count() or not (erased or arm.count() > _GARBAGE * now.passages + BATCH):
            return None
        rows = self._store.rows("SELECT DISTINCT digest FROM passages WHERE collection_no=?", (now.number,))
        found = np.setdiff1d(arm.digests(), np.fromiter((row[0] for row in rows), np.int64, len(rows)))
        return found if erased or len(found) * 5 >= arm.count() else None

    def _make(self, there: Collection, arm: SparseArm, encoder: SparseEncoder, missing: _Missing) -> int:
        """Encode what is missing, until something newer is; how many vectors were made."""
        import numpy as np

        left, written = int(missing.passages.sum()), 0
        arm.note(missing.mark, left, covered=arm.head().covered, erased=missing.erased)
        for start in range(0, len(missing.digests), BATCH):
            part = slice(start, start + BATCH)
            rows = self._store.rows(_ROWS, (json.dumps(missing.passage_ids[part].tolist()),))
            failing = self._failing.get(there.number, set())
            spoken = {key: text for key, text in said(self._store, rows).items() if key not in failing}
            made = self._encoded(encoder, spoken)
            if made is None:
                return written
            if bad := spoken.keys() - set(made[0].tolist()):
                self._failing[there.number] = failing | bad
                note_failing(self._store, "learned-sparse model", there, next(row for row in rows if row[1] in bad))
            left -= int(missing.passages[part][np.isin(missing.digests[part], made[0])].sum())
            arm.write(*made, missing.mark, left)
            written += len(made[0])
            if start + BATCH < len(missing.digests) and self._newer(there, missing.mark):
                return written
        covered = arm.head().covered if left else missing.mark
        arm.note(missing.mark, left, covered=covered, erased=missing.erased)
        return written

    def _newer(self, there: Collection, mark: Mark) -> bool:
        return catalogue.same(self._store, there).journalled != mark.generation

    def _encoded(
        self, encoder: SparseEncoder, spoken: dict[int, str]
    ) -> tuple[NDArray[np.int64], SparseVectors] | None:
        """Digests whose text the model takes, and their vectors; None when the library closes meanwhile."""
        import numpy as np

        def encode(texts: list[str]) -> SparseVectors:
            return sound_sparse(encoder.encode(texts), len(texts))

        digests, said_of = list(spoken), list(spoken.values())
        order: list[int] = []
        parts = []
        done = 0
        for places in slices(said_of, self._gate, self._stop):
            for part, made in taken(encode, [said_of[place] for place in places]):
                parts.append(made)
                order += [places[each] for each in part]
            done += len(places)
        if done < len(digests):
            return None
        return np.array([digests[place] for place in order], np.int64), joined(parts)
