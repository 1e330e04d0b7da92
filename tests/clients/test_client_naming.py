from __future__ import annotations

from pathlib import Path

import pytest

from carrel_client.naming import near, places


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("/v/lib/python3/site-packages/mcp-2.3.dist-info/METADATA", "mcp-2.3.dist-info/METADATA"),
        ("/data/notes/deep/a.md", "notes/deep/a.md"),
        ("/data/notes-old/a.md", "/data/notes-old/a.md"),
        ("/home/ann/papers/a.pdf", "~/papers/a.pdf"),
        ("/srv/a.md", "/srv/a.md"),
        ("https://a.example/b", "https://a.example/b"),
        ("pasted text", "pasted text"),
        ("", ""),
    ],
)
def test_a_source_is_named_from_the_nearest_place_a_reader_knows(source: str, shown: str):
    assert places([Path("/data/notes")], "/home/ann")(source) == shown


def test_the_innermost_root_names_a_file():
    assert places([Path("/data"), Path("/data/notes")])("/data/notes/a.md") == "notes/a.md"


@pytest.mark.parametrize("home", ["", "/"])
def test_without_a_home_no_path_is_taken_for_one_under_it(home: str):
    assert places(home=home)("/srv/a.md") == "/srv/a.md"


def test_a_file_below_here_is_shown_from_here_and_any_other_in_full():
    assert near(Path("/w/demo/report.md"), Path("/w")) == "demo/report.md"
    assert near(Path("/x/report.md"), Path("/w")) == "/x/report.md"
