"""I have a site: bring its pages home, politely, and go on where I was stopped."""

from carrel.crawl.ledger import Crawling, Ledger, Spec
from carrel.crawl.listings import Listing, read_listing
from carrel.crawl.running import Crawl, Tally

__all__ = ["Crawl", "Crawling", "Ledger", "Listing", "Spec", "Tally", "read_listing"]
