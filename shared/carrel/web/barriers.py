"""I have a page that came with success: is it what was asked for, or does it only look like an answer?

Words and form of short pages; what is long is content. A guess, said as one, and never a reason to withhold the text.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from carrel.records import Page

__all__ = ["Barrier", "barrier_of"]

Barrier = Literal["", "login", "robot check", "missing page", "payment", "front page"]

_SHORT = 3_000  # characters of text; a barrier says little
_HEAD = 1_500
_ROBOT = re.compile(
    r"are you a robot|not a robot|verify (?:that )?you are (?:a )?human|captcha|just a moment\.\.\.|"
    r"checking your browser|unusual traffic|access denied|403 forbidden"
)
_LOGIN = re.compile(
    r"(?:log|sign) ?in to (?:continue|your account|view|read|see|access)|please (?:log|sign) ?in|"
    r"you (?:must|need to) (?:be logged|log|sign) ?in|login required|authentication required|"
    r"anmelden, um|bitte (?:melden sie sich|einloggen)|veuillez vous connecter|inicia sesión para"
)
_LOGIN_TITLE = re.compile(r"\s*(?:log ?in|sign ?in|anmelden|anmeldung|connexion|iniciar sesión)\b")
_LOGIN_PATH = re.compile(r"/(?:login|log-in|signin|sign-in|sso|authenticate)(?:[/.?]|$)", re.I)
# no "<" inside the tag and few spaces: it is looked for in megabytes, and a search holds the interpreter's lock
_PASSWORD = re.compile(rb"""<input[^<>]{0,300}type\s{0,9}=\s{0,9}["']?password""", re.I)
_MISSING = re.compile(
    r"page (?:was |could )?not (?:be )?found|404 (?:not found|error|-)|error 404|page (?:does not|doesn.t) exist|"
    r"(?:page|post|article|content|item|listing|offer)s? (?:you.{0,40} )?(?:is no longer available|no longer exists|"
    r"has been (?:removed|deleted)|was (?:removed|deleted)|isn.t available|is not available)|"
    r"seite (?:wurde )?nicht gefunden|page (?:non trouvée|introuvable)|página no encontrada"
)
_PAYMENT = re.compile(
    r"subscribe (?:to|now to) (?:continue|read|unlock)|subscribers only|to continue reading|already a subscriber"
)


def barrier_of(page: Page, title: str, text: str) -> Barrier:
    """What a page of success looks like in place of content; empty for content."""
    if len(text) >= _SHORT:
        return ""
    head = f"{title}\n{text[:_HEAD]}".casefold()
    if _ROBOT.search(head):
        return "robot check"
    if _MISSING.search(head):
        return "missing page"
    if _is_login(page, title, head):
        return "login"
    if _PAYMENT.search(head):
        return "payment"
    return "front page" if _is_front(page) else ""


def _is_login(page: Page, title: str, head: str) -> bool:
    asks = _PASSWORD.search(page.body) is not None
    sent = bool(page.redirects) and _LOGIN_PATH.search(urlsplit(page.final_url).path) is not None
    named = _LOGIN_TITLE.match(title.casefold()) is not None
    return sent or (asks and (named or len(head) < _HEAD)) or _LOGIN.search(head) is not None


def _is_front(page: Page) -> bool:
    """Whether a site sent its front page in place of one of its pages."""
    asked, came = urlsplit(page.url), urlsplit(page.final_url)
    return bool(page.redirects) and asked.netloc == came.netloc and len(asked.path) > 1 and came.path in ("", "/")
