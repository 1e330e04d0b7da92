"""I have works: write them down, as reference managers and typesetters read them."""

from carrel.scholarly.export.reading import read_bibtex
from carrel.scholarly.export.writing import Exported, ExportFormat, export_works

__all__ = ["ExportFormat", "Exported", "export_works", "read_bibtex"]
