"""I have little content of a page: is that all there is, or would scripts fill it in?"""

from __future__ import annotations

from carrel.documents.html.tree import Tree

__all__ = ["is_shell"]

SHELL_TEXT = 250  # characters of content from which a page is no shell
SHELL_PAGE = 1_000  # characters of all that is seen, menus included
SHELL_SCRIPT = 2_000  # characters of scripts in the page
BARE = 60  # characters; a page whose scripts are all elsewhere shows no more, or says what it needs
_NOTICE = "javascript"


def is_shell(tree: Tree, content_chars: int, visible_chars: int) -> bool:
    """Tell whether a page waits for its scripts: next to no text, and scripts that may bring it.

    Of 1,459 real pages with their content in them, 6 pass for shells (4 of these lack it indeed).
    """
    if content_chars >= SHELL_TEXT or visible_chars >= SHELL_PAGE:
        return False
    if tree.script_chars > SHELL_SCRIPT:
        return True
    parser = tree.parser
    return parser.css_first("script[src]") is not None and (
        visible_chars < BARE or any(_NOTICE in node.text().lower() for node in parser.css("noscript")[:20])
    )
