from __future__ import annotations

from pathlib import Path

import pytest


def test_what_is_added_is_found_and_can_be_read_by_its_reference(carrel, notes: Path):
    assert carrel("add", str(notes)).code == 0
    found = carrel("search", "radio", "transport", "--json")
    assert found.code == 0
    hit = found.json["hits"][0]
    assert hit["title"] == "Harbour SDK"
    read = carrel("read", hit["ref"].split(":")[0])
    assert read.code == 0
    assert "40 miles away" in read.out
    assert "UNTRUSTED" not in read.out


def test_adding_again_changes_nothing(carrel, notes: Path):
    assert carrel("add", str(notes), "--json").json["added"] == 2
    again = carrel("add", str(notes), "--json")
    assert (again.code, again.json["added"], again.json["unchanged"]) == (0, 0, 2)


def test_a_file_that_cannot_be_read_is_named_with_the_reason_and_spares_the_others(carrel, notes: Path):
    (notes / "broken.md").write_bytes(bytes(range(256)) * 20)
    added = carrel("add", str(notes))
    assert added.code == 0
    assert "broken.md" in added.out
    assert "binary" in added.out


def test_a_path_that_does_not_exist_is_a_usage_error_that_names_it(carrel, tmp_path: Path):
    ran = carrel("add", str(tmp_path / "nowhere"))
    assert ran.code == 2
    assert "nowhere does not exist" in ran.err
    assert ran.out == ""


def test_a_search_that_finds_nothing_exits_with_1_and_says_what_to_do(carrel, notes: Path):
    carrel("add", str(notes))
    ran = carrel("search", "zeppelin")
    assert ran.code == 1
    assert "carrel add" in ran.err


def test_a_server_error_is_one_line_on_stderr(carrel, notes: Path):
    carrel("add", str(notes))
    ran = carrel("search", "cats", "--collection", "nosuch")
    assert ran.code == 1
    assert ran.err.startswith("carrel: ")
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err


def test_an_error_under_json_is_json_too(carrel):
    ran = carrel("read", "not a reference", "--json")
    assert ran.code == 1
    assert ran.json["error"]["kind"] == "invalid"


@pytest.mark.parametrize(
    "arguments", [["search"], ["nosuch"], ["search", "x", "-k", "99"], ["search", "x", "--nosuch"], []]
)
def test_wrong_usage_exits_with_2_and_prints_nothing_on_stdout(carrel, arguments: list[str]):
    ran = carrel(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err


def test_nothing_is_removed_without_yes(carrel, notes: Path):
    carrel("add", str(notes))
    source = str(notes / "cats.md")
    assert carrel("remove", source).code == 0
    assert carrel("search", "cats").code == 0
    assert carrel("remove", source, "--yes").code == 0
    assert carrel("search", "cats").code == 1
    assert carrel("remove", source, "--yes").code == 1


def test_text_from_documents_cannot_control_the_terminal(carrel, notes: Path):
    (notes / "evil.md").write_text("# Evil [red]markup[/red]\n\nzebra [bold]text[/bold] \x1b[31mred\x1b[0m \u202egnp\n")
    carrel("add", str(notes))
    ran = carrel("search", "zebra")
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert "[bold]text[/bold]" in ran.out


def test_a_server_given_by_a_wrong_address_is_a_usage_error(carrel):
    ran = carrel("search", "x", "--server", "nosuch=http://127.0.0.1:1/mcp")
    assert ran.code == 2
    assert "NAME=URL" in ran.err


def test_every_line_of_a_hit_keeps_its_indent_and_no_score_is_shown(carrel, notes: Path):
    (notes / "long.md").write_text("# Zebra\n\n" + "A zebra is striped all over and runs. " * 12, encoding="utf-8")
    carrel("add", str(notes))
    lines = [line for line in carrel("search", "zebra").out.splitlines() if line.strip()]
    assert len(lines) > 4
    assert lines[0].startswith(" 1  Zebra")
    assert all(line.startswith("    ") for line in lines[1:])
    assert not any("0.0" in line for line in lines)
