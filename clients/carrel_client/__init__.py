"""The way in: a command line and a research agent that speak only MCP to the servers."""
