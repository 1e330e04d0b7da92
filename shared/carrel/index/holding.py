"""Which passages meet what is demanded of them: the lexical arm knows, the others ask here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from carrel.index import lookups
from carrel.index.lookups import Candidate
from carrel.index.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Holding"]

_FEW = 20_000  # passages whose digests are looked up at once; that takes 20 ms


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """Sorted passage ids: of those that meet the demands (``inside``), or of those that do not."""

    ids: NDArray[np.int64]
    inside: bool

    def meeting(self, found: list[Candidate]) -> list[Candidate]:
        """Those of the candidates that meet the demands."""
        import numpy as np

        if not len(self.ids) or not found:
            return [] if self.inside else found
        asked = np.fromiter((each.passage_id for each in found), np.int64, len(found))
        there = self.ids[np.minimum(np.searchsorted(self.ids, asked), len(self.ids) - 1)] == asked
        return [each for each, is_there in zip(found, there.tolist(), strict=True) if is_there is self.inside]

    def allowed(self, store: Store, allowed: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
        """The sorted digests of the passages that meet the demands, within ``allowed``.

        Where many passages do, so does a good share of what an arm finds first: then ``allowed`` comes back as it is,
        and what is found has to be checked by `meeting`.
        """
        import numpy as np

        if not self.inside or len(self.ids) > _FEW:
            return allowed
        held = lookups.digests_of(store, self.ids.tolist())
        return held if allowed is None else np.intersect1d(allowed, held, assume_unique=True)
