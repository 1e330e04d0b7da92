"""I have dumps of the literature: keep them in the library, and answer from there when nobody else can."""

from carrel.catalogue.loading import Loaded, load
from carrel.catalogue.local import LocalCatalogue
from carrel.catalogue.names import Names

__all__ = ["Loaded", "LocalCatalogue", "Names", "load"]
