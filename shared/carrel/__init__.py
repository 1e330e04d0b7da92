"""Carrel: evidence for research agents. This package is the engine; the servers and the client sit on top of it."""

__version__ = "0.1.0"
