"""carrel-web: see server.py for its tools."""
