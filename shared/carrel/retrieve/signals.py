"""What whoever asks knows beyond the wording becomes candidates, and a direction for the query's vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from carrel.errors import BadRequest, Unavailable
from carrel.index import Demands, Filters, Found, Mending, View
from carrel.retrieve.nouns import Signals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Given", "checked_signals", "demand", "given", "mended_notes"]

_HYPOTHETICAL = (
    0.2  # share of the query's vector; on cranfield a good passage gains .015 nDCG@10, a random one costs .006
)
_LIKED = 0.3  # the same; a relevant passage gains .023 there, a random one costs .018
_MOST = 20  # words, phrases or references of one signal
_LONGEST = 500  # characters of a word, phrase or expansion
_LONGEST_PASSAGE = 10_000  # characters of a hypothetical passage


@dataclass(frozen=True, slots=True)
class Given:
    """What the signals found, ``arms`` by name, and where they lead the query's vector: ``share`` of it becomes
    ``direction``, a vector as long as that share (None: none). The query itself keeps at least half."""

    arms: tuple[tuple[str, Found], ...] = ()
    share: float = 0.0
    direction: NDArray[np.float64] | None = field(default=None, compare=False)

    def found(self, name: str) -> Found:
        """What one arm found."""
        return next((found for arm, found in self.arms if arm == name), {})


def checked_signals(signals: Signals) -> Signals:
    """The signals without blank entries. Raises BadRequest for too many of them, or too long ones."""
    lists = {
        name: tuple(dict.fromkeys(each.strip() for each in getattr(signals, name) if each.strip()))
        for name in ("expansions", "must", "must_not", "like")
    }
    for name, values in lists.items():
        if len(values) > _MOST or any(len(each) > _LONGEST for each in values):
            raise BadRequest(f"'{name}' takes at most {_MOST} entries of at most {_LONGEST} characters; give fewer")
    hypothetical = signals.hypothetical.strip()
    if len(hypothetical) > _LONGEST_PASSAGE:
        raise BadRequest(f"'hypothetical' is longer than {_LONGEST_PASSAGE} characters; a paragraph says enough")
    return Signals(hypothetical, **lists)


def demand(view: View, signals: Signals, *, rank_words: bool) -> None:
    """Have the view find only passages that hold what they must; a note says which demands limit nothing.

    Where words only limit and do not rank, the view goes on without its lexical arm. Raises Unavailable when it has no
    other.
    """
    if signals.must or signals.must_not:
        for text in view.demand(Demands(signals.must, signals.must_not)):
            view.notes.append(f"'{text}' consists of stop words or signs, which are not indexed; it limits nothing")
        view.notes += (note for text in signals.must for note in _absent(view.mend(text)))
    if not rank_words:
        view.lexical = None
        if view.dense is None:
            raise Unavailable("there are no vectors to search by here; leave mode='dense' out, or install an encoder")


def _absent(mending: Mending) -> list[str]:
    return [f"no passage holds '{word}'; did you mean {_either(meant)}?" for word, meant in mending.meant]


def mended_notes(mending: Mending) -> list[str]:
    """A sentence for each word that was looked for as another."""
    return [f"nothing has '{word}'; searched for {_either(meant)} too" for word, meant in mending.meant]


def _either(words: Sequence[str]) -> str:
    return " or ".join(f"'{word}'" for word in words)


def given(view: View, signals: Signals, depth: int, filters: Filters | None) -> Given:
    """What hypothetical passage, expansions and liked passages find, each on its own."""
    arms: list[tuple[str, Found]] = []
    led: list[tuple[float, NDArray[np.float64]]] = []
    words = view.start_words("\n".join(signals.expansions), depth, filters) if signals.expansions else None
    for name, share, vector in (
        ("hypothetical", _HYPOTHETICAL, _hypothetical(view, signals.hypothetical)),
        ("like", _LIKED, _liked(view, signals.like)),
    ):
        if vector is not None:
            arms.append((name, view.near(vector.astype("float32"), depth, filters)))
            led.append((share, vector))
    if signals.expansions:
        arms.append(("expansion", view.words(words)))
        if view.lexical is None and view.dense is not None:
            view.notes.append("'expansions' was not used: it needs words, which mode='dense' leaves out")
    direction = sum(share * vector for share, vector in led[1:]) + led[0][0] * led[0][1] if led else None
    return Given(tuple(arms), sum(share for share, _ in led), direction)


def _hypothetical(view: View, passage: str) -> NDArray[np.float64] | None:
    if not passage:
        return None
    vectors = view.encode_passages([passage])
    if vectors is None:
        view.notes.append("'hypothetical' was not used: it needs vectors")
        return None
    return _unit(vectors[0])


def _liked(view: View, references: Sequence[str]) -> NDArray[np.float64] | None:
    if not references:
        return None
    vectors = view.like(references)
    if vectors is None:
        view.notes.append("'like' was not used: it needs vectors")
        return None
    return _unit(vectors.mean(axis=0, dtype="float64"))


def _unit(vector: NDArray[np.floating]) -> NDArray[np.float64]:
    import numpy as np

    exact = vector.astype(np.float64)
    return exact / (float(np.linalg.norm(exact)) or 1.0)
