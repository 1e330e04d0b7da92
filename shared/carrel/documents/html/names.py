"""I have the names a page gives an element: what do they say it is?

Names are words of classes and ids, roles, and HTML's own landmarks. Each group of words is one bit of a mask; an
element has its own bits and those of all it stands in.
"""

from __future__ import annotations

import re
from functools import lru_cache

from carrel.documents.html.tags import words

__all__ = ["GROUPS", "TAG_BITS", "flags_of"]

_GROUPS = {
    "nav": "nav navbar navigation menu submenu sidenav topnav navmenu mobilemenu megamenu menubar tablist topbar "
    "dropdown",
    "header": "header masthead banner siteheader hdr",
    "footer": "footer colophon copyright contentinfo ftr legal",
    "aside": "sidebar aside complementary rail sidepanel rightcol leftcol secondary tertiary",
    "crumbs": "breadcrumb breadcrumbs crumbs crumb",
    "pages": "pagination pager paging pagenav paginator",
    "comments": "comment comments commentlist disqus respond discussion replies reply feedback",
    "share": "share shares sharing sharebar social socials sharedaddy addtoany facebook twitter pinterest linkedin "
    "follow",
    "related": "related recommended recommendations recommend suggestions suggested similar upsell crosssell trending "
    "popular also latest recent readnext",
    "more": "more next prev previous readmore loadmore",
    "promo": "promo promos promotion advert adverts advertisement advertising ads ad adsense sponsored sponsor dfp "
    "taboola outbrain cta teaser",
    "consent": "cookie cookies consent gdpr ccpa cmp onetrust privacy",
    "letter": "newsletter newsletters subscribe subscription optin signup mailing mailchimp email",
    "login": "signin login register account logged auth user profile",
    "form": "form search searchform searchbox filter filters facet facets sort toolbar control controls input",
    "overlay": "modal popup overlay lightbox drawer offcanvas dialog alertdialog toast snackbar tooltip",
    "hidden": "hidden hide invisible collapsed print noprint skip skiplink skiplinks mobile desktop",
    "author": "author byline bio avatar writer",
    "meta": "meta date time timestamp published info details stats views",
    "tags": "tag tags tagcloud category categories topics topic label labels badge",
    "cart": "cart minicart wishlist basket checkout buy add quantity qty",
    "price": "price prices cost amount sale",
    "review": "review reviews rating ratings testimonial testimonials",
    "toc": "toc contents tableofcontents outline",
    "widget": "widget widgets block module plugin",
    "main": "main content primary maincontent pagecontent mainbody",
    "article": "article story entry post blogpost articlebody storybody newsarticle",
    "body": "body text copy richtext prose rte wysiwyg markdown articlebody html description desc summary rst",
    "title": "title headline heading subtitle name",
    "product": "product products item sku variant spec specs specification specifications features feature",
    "list": "list listing grid results result cards card collection catalog archive feed loop tiles tile",
    "thread": "thread message messages postbody posts forum answer answers question questions quote signature "
    "qa faq faqs accordion",
    "hero": "hero jumbotron intro lead section",
    "media": "image gallery slider carousel swiper slick video media figure caption thumb thumbnail",
    "code": "code highlight snippet",
    "doc": "doc docs document documentation docstring api readme",
    "logo": "logo brand copyright credits powered partners clients",
    "contact": "contact address phone location map hours",
}
_TAGS = {
    "nav": "nav", "footer": "footer", "aside": "aside", "header": "header", "form": "form", "overlay": "dialog",
    "main": "main", "article": "article",
}  # fmt: skip
GROUPS = tuple(_GROUPS) + tuple(f"<{tag}>" for tag in (
    "nav", "footer", "aside", "header", "form", "main", "article", "section", "table", "ul", "button", "label", "li",
    "blockquote", "figure", "details", "dl", "pre", "h",
))  # fmt: skip
_BIT = {name: 1 << place for place, name in enumerate(GROUPS)}
_WORDS: dict[str, int] = {}
for _name, _text in _GROUPS.items():
    for _word in _text.split():
        _WORDS[_word] = _WORDS.get(_word, 0) | _BIT[_name]
TAG_BITS: dict[str, int] = {
    **{group[1:-1]: _BIT[group] for group in GROUPS if group[0] == "<"},
    **dict.fromkeys(words("h1 h2 h3 h4 h5 h6"), _BIT["<h>"]),
    "ol": _BIT["<ul>"], "menu": _BIT["<nav>"], "legend": _BIT["<label>"], "summary": _BIT["<details>"],
}  # fmt: skip
_SPLIT = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=20_000)
def flags_of(names: str) -> int:
    """The mask of some names: a class, an id, a role."""
    mask = 0
    for word in _SPLIT.split(_CAMEL.sub("-", names[:400]).lower()):
        mask |= _WORDS.get(word, 0)
    return mask
