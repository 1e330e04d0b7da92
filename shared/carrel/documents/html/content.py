"""I have the tree of a page: which part of it is what the page is about?

No list of sites and no word list of any language decides; class and id names, HTML's own landmarks, and the density of
text against links do. Boilerplate is cut first, then the smallest part that holds most of the running text is kept.
"""

from __future__ import annotations

import re

from carrel.documents.html.tree import BLOCKS, Element, measure, words

__all__ = ["select"]

STRICT, LENIENT, WHOLE = 2, 1, 0

_LANDMARKS = frozenset({"nav", "footer", "aside", "menu", "dialog"})
_ROLES = words(
    "navigation banner contentinfo complementary search dialog alertdialog menu menubar toolbar tablist alert"
)
_CONTROLS = words("button select option optgroup label legend")
_HOLDERS = words("div section article main body td center form span header details fieldset table tbody tr")
_NEVER = words("body html main article")
# words of class and id names that say "not the content" ...
_OUTSIDE = words(
    "sidebar footer colophon cookie cookies consent gdpr ccpa cmp onetrust newsletter newsletters subscribe optin "
    "signup signin login related recommended recommendations suggestions promo promos promotion advert adverts "
    "advertisement advertising ads adsense sponsored sponsor dfp taboola outbrain breadcrumb breadcrumbs "
    "pagination pager skiplink skiplinks copyright sharedaddy addtoany minicart upsell crosssell tagcloud noprint "
    "megamenu backtotop"
)
# ... and words that say so only where there is no running text to speak of
_PERHAPS = words(
    "nav navbar navigation menu submenu sidenav masthead share shares sharing sharebar social socials popup modal "
    "overlay lightbox drawer offcanvas toolbar paging skip toc disclaimer tags topbar navmenu mobilemenu trending "
    "popular cart wishlist searchform searchbox search toast snackbar paywall subscription hidden print crumbs "
    "banner"
)
_COMMENTS = words("comments commentlist disqus respond")
LONG_ARTICLE = 1_500  # characters of running text that make a page an article with comments, not a discussion
_OUTSIDE_PHRASES = tuple(
    words(
        "author-bio author-box author-info about-author read-more read-next more-posts more-articles more-stories "
        "you-may also-like site-header global-header main-header header-nav top-bar back-to sign-up log-in post- "
        "nav post-navigation entry-footer post-footer entry-meta-nav follow-us call-to-action recently-viewed "
        "site-footer mini-cart side-bar widget-area"
    )
)
_SPLIT = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def select(body: Element, strictness: int = STRICT) -> Element:
    """Return the part of the page that is its content; ``body`` itself is cut in place and may be returned.

    ``STRICT`` believes class names, ``LENIENT`` only HTML's own landmarks, ``WHOLE`` nothing.
    """
    total = max(1, body.chars)
    _drop_controls(body)
    if strictness == WHOLE:
        return body
    main = _landmark(body)
    if main is not None:
        body = main
    _prune(body, total, strictness)
    measure(body)
    if strictness == STRICT:
        _drop_comments(body)
    root = _densest(body)
    _drop_link_blocks(root)
    measure(root)
    return root


def _landmark(body: Element) -> Element | None:
    """The one element marked as main, where it holds a fair share of the text that is not links."""
    found = [e for e in body.descend() if e.tag == "main" or e.attributes.get("role") == "main"]
    found = [e for e in found if not any(parent in found for parent in _ancestors(e))]
    if len(found) != 1:
        return None
    plain = body.chars - body.link_chars
    mine = found[0].chars - found[0].link_chars
    return found[0] if mine >= 0.3 * plain else None


def _ancestors(element: Element) -> list[Element]:
    chain = []
    while element.parent is not None:
        element = element.parent
        chain.append(element)
    return chain


def _drop_controls(body: Element) -> None:
    for element in body.descend():
        inside_heading = element.tag in ("h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt")
        if not inside_heading:
            element.children = [c for c in element.children if isinstance(c, str) or c.tag not in _CONTROLS or _long(c)]


def _long(element: Element) -> bool:
    """A label or a button this long is text that someone put into the wrong tag."""
    return element.chars > 200


def _prune(body: Element, total: int, strictness: int) -> None:
    stack = [body]
    while stack:
        element = stack.pop()
        element.children = [
            child for child in element.children if isinstance(child, str) or not _outside(child, total, strictness)
        ]
        stack.extend(element.elements())


def _outside(element: Element, total: int, strictness: int) -> bool:
    if element.tag in _NEVER or (element.tag not in BLOCKS and not element.has_block and element.tag != "span"):
        return False
    plain = element.chars - element.link_chars
    share = plain / total
    if share > 0.4:
        return False
    if element.tag in _LANDMARKS or element.attributes.get("role") in _ROLES:
        return True
    if element.tag == "header":
        return not any(e.tag == "h1" for e in element.descend())
    return strictness == STRICT and share < 0.25 and _named_outside(element, plain)


def _named_outside(element: Element, plain: int) -> bool:
    names = f"{element.attributes.get('class', '')} {element.attributes.get('id', '')}".strip()
    if not names:
        return False
    parts = _SPLIT.split(_CAMEL.sub("-", names[:500]).lower())
    if not _OUTSIDE.isdisjoint(parts):
        return True
    if not _PERHAPS.isdisjoint(parts) and (plain < 400 or element.link_chars > plain):
        return True
    joined = "-".join(parts)
    return any(phrase in joined for phrase in _OUTSIDE_PHRASES)


def _drop_comments(body: Element) -> None:
    """Take readers' comments off an article; where they are most of the page they are what it is about."""
    for element in list(body.descend()):
        found = [c for c in element.elements() if _is_comments(c)]
        rest = body.running_chars - sum(c.running_chars for c in found)
        if found and rest > max(LONG_ARTICLE, 0.2 * body.running_chars):
            element.children = [c for c in element.children if c not in found]
    measure(body)


def _is_comments(element: Element) -> bool:
    names = f"{element.attributes.get('class', '')} {element.attributes.get('id', '')}".strip()
    return bool(names) and not _COMMENTS.isdisjoint(_SPLIT.split(_CAMEL.sub("-", names[:500]).lower()))


def _densest(body: Element) -> Element:
    """Go down as long as one child holds nearly all the running text; where a page is mostly links, they count too."""
    penalty = 1.5 if body.link_chars > 0.4 * body.chars else 2.0
    penalty = 0.5 if body.link_chars > 0.6 * body.chars else penalty

    def goodness(element: Element) -> float:
        return max(0.0, element.chars - penalty * element.link_chars)

    whole = max(1.0, goodness(body))
    current = body
    while True:
        best = max(current.elements(), key=goodness, default=None)
        if best is None or best.tag not in _HOLDERS or goodness(best) < 0.9 * whole:
            return current
        current = best


def _drop_link_blocks(root: Element) -> None:
    """Lists and boxes that are nearly all links, and short, are navigation."""
    for element in list(root.descend()):
        element.children = [c for c in element.children if isinstance(c, str) or not _is_link_box(c)]


def _is_link_box(element: Element) -> bool:
    if element.tag not in ("ul", "ol", "div", "section", "table", "dl") or element.chars == 0:
        return False
    if element.link_chars <= 0.8 * element.chars:
        return False
    items = sum(1 for e in element.descend() if e.tag == "a")
    return items >= 4 and element.chars < items * 25
