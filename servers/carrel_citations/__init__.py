"""carrel-citations: see server.py for its tools."""
