"""I have a URL: give me the page, politely and safely."""

from carrel.web.addresses import is_public
from carrel.web.archive import Archive, capture_of
from carrel.web.barriers import barrier_of
from carrel.web.bodies import unpacked
from carrel.web.browser import Browser
from carrel.web.client import ACCEPT_HTML, ACCEPT_PAGE, WebClient
from carrel.web.keys import loose_key
from carrel.web.opening import OpenWeb
from carrel.web.urls import WebUrl, check_url

__all__ = [
    "ACCEPT_HTML", "ACCEPT_PAGE", "Archive", "Browser", "OpenWeb", "WebClient", "WebUrl", "barrier_of", "capture_of",
    "check_url", "is_public", "loose_key", "unpacked",
]  # fmt: skip
