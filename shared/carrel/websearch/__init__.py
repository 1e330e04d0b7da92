"""I have a question: which pages do search engines name?"""

from carrel.websearch.nouns import Found, Provider, ProviderStatus, Query, Result
from carrel.websearch.opening import PROVIDERS, open_providers, own_hosts
from carrel.websearch.searching import search

__all__ = [
    "PROVIDERS",
    "Found",
    "Provider",
    "ProviderStatus",
    "Query",
    "Result",
    "open_providers",
    "own_hosts",
    "search",
]
