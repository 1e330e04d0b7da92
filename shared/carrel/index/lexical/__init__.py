"""The lexical arm: text to terms, immutable snapshots of a BM25 index, and what is asked of them."""

from carrel.index.lexical.arm import DamagedArm, LexicalArm
from carrel.index.lexical.nouns import LexicalFacts, LexicalFilter, LexicalRow, Mark
from carrel.index.lexical.reader import LexicalReader

__all__ = ["DamagedArm", "LexicalArm", "LexicalFacts", "LexicalFilter", "LexicalReader", "LexicalRow", "Mark"]
