"""I have a URL: give me the page, politely and safely."""

from carrel.web.addresses import is_public
from carrel.web.bodies import unpacked
from carrel.web.client import WebClient
from carrel.web.keys import loose_key
from carrel.web.urls import WebUrl, check_url

__all__ = ["WebClient", "WebUrl", "check_url", "is_public", "loose_key", "unpacked"]
