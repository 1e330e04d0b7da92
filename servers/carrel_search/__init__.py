"""carrel-search: hybrid search over your own library, and reading by reference."""
