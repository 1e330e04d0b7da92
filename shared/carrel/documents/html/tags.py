"""I have the name of an HTML tag: how does it stand in the flow of text?"""

from __future__ import annotations

__all__ = ["BLOCK", "BLOCKS", "DROP", "INLINE", "KINDS", "SPAN", "VOID", "words"]


def words(text: str) -> frozenset[str]:
    """A set of the words in a literal."""
    return frozenset(text.split())


BLOCK, SPAN, INLINE, VOID, DROP = range(5)

BLOCKS = words(
    "address article aside blockquote button caption center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr label legend li listing main menu nav ol p pre search "
    "section summary table tbody td tfoot th thead tr ul"
)
_INLINE = words("a b code del em i kbd math q s samp strike strong sub sup tt annotation")
_VOID = words("br hr img")
_DROPPED = words(
    "applet area audio base canvas col datalist embed frame frameset head iframe input link map meta meter noframes "
    "noscript object optgroup option param progress script select source style svg template textarea title track video"
)

KINDS: dict[str, int] = {
    **dict.fromkeys(BLOCKS, BLOCK),
    **dict.fromkeys(_INLINE, INLINE),
    **dict.fromkeys(_VOID, VOID),
    **dict.fromkeys(_DROPPED, DROP),
}
"""What is not named here is a span: no more than the text in it."""
