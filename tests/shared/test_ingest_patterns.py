"""Patterns: those of .gitignore, matched in time linear in the path."""

from __future__ import annotations

import random
import time

import pytest

from carrel.errors import BadRequest
from carrel.ingest.patterns import glob_pattern, read_patterns


@pytest.mark.parametrize(
    ("pattern", "path", "named"),
    [
        ("*.md", "a.md", True),
        ("*.md", "deep/er/a.md", True),
        ("*.md", "a.mdx", False),
        ("/*.md", "a.md", True),
        ("/*.md", "deep/a.md", False),
        ("notes/*.md", "notes/a.md", True),
        ("notes/*.md", "notes/deep/a.md", False),
        ("notes/*.md", "old/notes/a.md", False),
        ("**/notes/*.md", "old/notes/a.md", True),
        ("**/notes/*.md", "notes/a.md", True),
        ("notes/**", "notes/a/b/c.md", True),
        ("notes/**", "notes", False),
        ("notes/**/c.md", "notes/c.md", True),
        ("notes/**/c.md", "notes/a/b/c.md", True),
        ("a/**/**/b", "a/x/b", True),
        ("drafts", "drafts/a.md", True),
        ("drafts/", "deep/drafts/a.md", True),
        ("drafts/", "drafts", False),
        ("dra?ts", "drafts/a.md", True),
        ("[ab].md", "b.md", True),
        ("[!ab].md", "b.md", False),
        ("x[", "x[", True),
        ("Ärger*", "Ärger.md", True),
        ("A.md", "a.md", False),
    ],
)
def test_a_pattern_names_what_gitignore_says_it_names(pattern: str, path: str, named: bool) -> None:
    parts = path.split("/")
    assert read_patterns([], [pattern]).cover(parts) is not named
    assert read_patterns([pattern], []).cover(parts) is named


def test_what_is_excluded_is_not_wanted_even_if_included() -> None:
    patterns = read_patterns(["*.md"], ["drafts/"])
    assert patterns.cover(["a.md"])
    assert not patterns.cover(["drafts", "a.md"])
    assert not patterns.cover(["a.txt"])


@pytest.mark.parametrize("pattern", ["", " ", "/", "//", "x" * 501, "!*.md"])
def test_a_pattern_that_says_nothing_is_invalid(pattern: str) -> None:
    with pytest.raises(BadRequest):
        read_patterns([pattern], [])


@pytest.mark.parametrize("pattern", ["*a" * 200 + "b", "**/a/" * 90 + "b", "[" * 400, "?*" * 200])
def test_no_pattern_takes_long(pattern: str) -> None:
    patterns = read_patterns([pattern], [])
    started = time.thread_time()
    patterns.cover(["a"] * 1000)
    patterns.cover(["a" * 250])
    assert time.thread_time() - started < 2


def test_double_stars_match_as_if_every_number_of_folders_had_been_tried() -> None:
    def slowly(pattern: list[str], path: list[str]) -> bool:
        if not pattern:
            return not path
        if pattern[0] == "**":
            return any(slowly(pattern[1:], path[skip:]) for skip in range(len(path) + 1))
        return bool(path) and pattern[0] in ("*", path[0]) and slowly(pattern[1:], path[1:])

    numbers = random.Random(7)
    for _ in range(3000):
        pattern = [numbers.choice(["**", "*", "a", "b"]) for _ in range(numbers.randint(1, 6))] + ["a"]
        path = [numbers.choice("ab") for _ in range(numbers.randint(1, 8))]
        assert glob_pattern("/".join(pattern)).matches(path) is slowly(pattern, path), (pattern, path)
