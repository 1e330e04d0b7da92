from __future__ import annotations

import json
import re
from pathlib import Path

import httpx2
import pytest

from carrel_client.audits import Audit, find_fault
from carrel_client.demo import COLLECTION, collection_of
from carrel_client.tamper import Planted, tamper

QUESTION = "What is the Harbour SDK and which transports does it support?"


def offline_but_for_papers(request: httpx2.Request) -> httpx2.Response:
    """Every register answers, and none of them knows anything."""
    if request.url.path.startswith("/works/") or request.url.path.startswith("/doiRA/"):
        return httpx2.Response(404, json={"status": "error"})
    if request.url.host == "export.arxiv.org":
        feed = '<feed xmlns="http://www.w3.org/2005/Atom"></feed>'
        return httpx2.Response(200, text=feed, headers={"content-type": "application/atom+xml"})
    empty = {"status": "ok", "message": {"items": [], "total-results": 0}, "results": [], "meta": {"count": 0}}
    return httpx2.Response(200, json=empty)


def test_research_leaves_a_cited_report_that_stands_its_own_audit(carrel, notes: Path, tmp_path: Path):
    carrel("add", str(notes))
    ran = carrel("research", QUESTION, "--out", str(tmp_path / "out"), "--json")
    assert ran.code == 0
    assert ran.json["strength"] == "strong"
    assert ran.json["audit"]["problems"] == []
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "“The Harbour SDK supports three transports: rope, wire and radio.” [" in text
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_the_same_question_gives_the_same_bytes(carrel, notes: Path, tmp_path: Path):
    carrel("add", str(notes))
    reports = []
    for name in ("one", "two"):
        carrel("research", QUESTION, "--out", str(tmp_path / name))
        reports.append((tmp_path / name / "report.md").read_bytes())
    assert reports[0] == reports[1]


def test_research_without_evidence_says_so_and_exits_with_1(carrel, notes: Path, tmp_path: Path):
    carrel("add", str(notes))
    ran = carrel("research", "Who", "baked", "the", "sourdough?", "--out", str(tmp_path / "out"))
    assert ran.code == 1
    assert "no good evidence was found" in ran.out


def test_a_page_that_cannot_be_read_is_noted_in_the_report(carrel, notes: Path, tmp_path: Path):
    carrel("add", str(notes))
    ran = carrel("research", QUESTION, "--web", "https://harbour.example/", "--papers", "--out", str(tmp_path / "out"))
    assert ran.code == 0
    assert "Could not read https://harbour.example/" in ran.out
    assert "ould not look in the literature" in ran.out


def test_a_web_page_read_on_the_way_becomes_evidence(carrel, notes: Path, internet, tmp_path: Path):
    page = "<html><head><title>Buoys</title></head><body><article><h1>Buoys</h1><p>%s</p></article></body></html>" % (
        "A buoy is a floating mark that shows ships the safe channel. " * 4
    )

    def site(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/robots.txt":
            return httpx2.Response(404)
        return httpx2.Response(200, html=page)

    internet.append(site)
    carrel("add", str(notes))
    ran = carrel("research", "What is a buoy?", "--web", "https://harbour.example/buoys", "--out", str(tmp_path / "o"))
    assert ran.code == 0
    assert "A buoy is a floating mark that shows ships the safe channel." in ran.out


def test_the_demonstration_lets_no_planted_fault_pass_and_exits_with_0(carrel, notes: Path, tmp_path: Path):
    ran = carrel("demo", "--docs", str(notes), "--question", QUESTION, "--out", str(tmp_path / "demo"), "--json")
    assert ran.code == 0
    assert [(fault["kind"], fault["state"]) for fault in ran.json["planted"]] == [
        ("quote", "found"),
        ("claim", "found"),
        ("reference", "not vouched for"),
    ]
    assert "could not look" in ran.json["planted"][2]["verdict"]
    for name in ("report.md", "report.html", "tampered.md", "tampered.html"):
        assert (tmp_path / "demo" / name).stat().st_size > 200


def test_when_the_literature_answers_a_made_up_reference_is_not_excused(carrel, notes, internet, tmp_path: Path):
    internet.append(offline_but_for_papers)
    ran = carrel("demo", "--docs", str(notes), "--question", QUESTION, "--out", str(tmp_path / "demo"), "--json")
    assert ran.code == 0
    assert ran.json["planted"][2]["state"] == "found"
    assert "could not look" not in ran.json["planted"][2]["verdict"]


def test_the_demonstration_for_people_names_the_files_and_the_hosts_lines(carrel, notes: Path, tmp_path: Path):
    ran = carrel("demo", "--docs", str(notes), "--question", QUESTION, "--out", str(tmp_path / "demo"))
    assert ran.code == 0
    assert "report.html" in ran.out
    assert "claude mcp add carrel-search" in ran.out
    start = ran.out.index('{\n  "mcpServers"')
    servers = json.JSONDecoder().raw_decode(ran.out[start:])[0]["mcpServers"]
    assert all(Path(server["command"]).is_absolute() for server in servers.values())
    assert f"--root {notes}" in ran.out
    assert servers["carrel-search"]["args"][-2:] == ["--root", str(notes)]
    assert "--root" not in servers["carrel-scholar"]["args"]
    assert re.search(r"Done in \d+ s\.", ran.out)


def test_a_demonstration_without_evidence_fails(carrel, notes: Path, tmp_path: Path):
    ran = carrel("demo", "--docs", str(notes), "--question", "sourdough?", "--out", str(tmp_path / "demo"))
    assert ran.code == 1


def test_a_second_demonstration_reads_nothing_again(carrel, notes: Path, tmp_path: Path):
    arguments = ("demo", "--docs", str(notes), "--question", QUESTION, "--out", str(tmp_path / "demo"), "--json")
    first, second = carrel(*arguments), carrel(*arguments)
    assert first.json["library"]["added"] == 2
    assert (second.json["library"]["added"], second.json["library"]["unchanged"]) == (0, 2)
    assert second.code == 0


def test_a_fault_the_audit_says_nothing_of_counts_as_not_found():
    quiet = Audit({"problems": [], "references": []})
    for fault in tamper("“It is thirty characters long here.” [1]\n\n## References\n\n[1] A. `x`\n")[1]:
        assert not find_fault(quiet, fault).found


def test_a_fault_left_to_judgement_is_not_found_but_not_missed_either():
    planted = Planted("claim", "The sea is made of tea entirely [1].")
    undecided = Audit({"problems": [{"kind": "needs_judgement", "text": "The sea is made of tea entirely [1]."}]})
    assert find_fault(undecided, planted).state == "not vouched for"
    assert find_fault(Audit({"problems": []}), planted).state == "missed"


@pytest.mark.parametrize(
    "text", ["Bees like the colour blue very much.", "# Tea\n\nTea is a drink of hot leaves only.\n"]
)
def test_a_demonstration_on_one_short_sentence_exits_with_0_and_says_what_is_open(carrel, tmp_path: Path, text: str):
    file = tmp_path / "short" / "one.md"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    question = "What is tea?" if "Tea" in text else "Which colour do bees like?"
    ran = carrel("demo", "--docs", str(file), "--question", question, "--out", str(tmp_path / "demo"))
    assert ran.code == 0
    assert "Not vouched for: the made-up reference." in ran.out
    assert ("No quotation was altered" in ran.out) == ("Bees" in text)


def test_sources_under_the_users_folder_are_named_from_it(carrel, notes: Path, tmp_path: Path):
    carrel("demo", "--docs", str(notes), "--question", QUESTION, "--out", str(tmp_path / "demo"))
    report = (tmp_path / "demo" / "report.md").read_text(encoding="utf-8")
    assert "[1] Harbour SDK. notes/harbour.md. `" in report
    assert str(tmp_path) not in report


def test_a_demonstration_sees_only_the_documents_it_was_given(carrel, notes: Path, tmp_path: Path):
    other = tmp_path / "private" / "tea.md"
    other.parent.mkdir()
    other.write_text(
        "# Tea\n\nTea is a drink of hot leaves, and the Harbour SDK is a rival library.\n", encoding="utf-8"
    )
    out = str(tmp_path / "demo")
    carrel("demo", "--docs", str(other), "--question", "What is tea?", "--out", out)
    ran = carrel("demo", "--docs", str(notes), "--question", "What is tea?", "--out", out, "--json")
    assert ran.json["questions"][0]["strength"] == "none"
    back = carrel("demo", "--docs", str(other), "--question", QUESTION, "--out", out, "--json").json["library"]
    assert (back["added"], back["unchanged"]) == (0, 1)
    assert "three transports" not in (tmp_path / "demo" / "report.md").read_text(encoding="utf-8")


def test_the_installed_documentation_has_a_collection_of_its_own(tmp_path: Path):
    given = collection_of([tmp_path])
    assert re.fullmatch(r"demo-[0-9a-f]{8}", given)
    assert given == collection_of([tmp_path / "x" / ".."])
    assert given != collection_of([tmp_path / "x"])
    assert given != COLLECTION


def test_a_file_deleted_since_the_last_demonstration_does_not_answer(carrel, notes: Path, tmp_path: Path):
    arguments = ("demo", "--docs", str(notes), "--out", str(tmp_path / "demo"), "--json", "--question")
    assert carrel(*arguments, "How long do cats sleep every day?").json["questions"][0]["strength"] != "none"
    (notes / "cats.md").unlink()
    ran = carrel(*arguments, "How long do cats sleep every day?")
    assert ran.json["questions"][0]["strength"] == "none"


def test_a_short_line_with_the_number_asked_for_is_the_answer_and_stands_its_audit(carrel, tmp_path: Path):
    file = tmp_path / "museum.md"
    file.write_text(
        "# Museum\n\nVisitors in May: 2,318. That is 12% more than in May 2023. The cafe is on the ground floor.\n",
        encoding="utf-8",
    )
    carrel("add", str(file))
    ran = carrel("research", "How many visitors were there in May 2024?", "--out", str(tmp_path / "out"), "--json")
    assert ran.code == 0
    assert ran.json["audit"]["problems"] == []
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "“Visitors in May: 2,318.” [1]" in text
    assert "12%" not in text
    assert "these words of the question: 2024." in text


def test_where_no_sentence_answers_the_nearest_passages_are_named(carrel, notes: Path, tmp_path: Path):
    carrel("add", str(notes))
    question = "What is the price of the Harbour SDK?"
    ran = carrel("research", question, "--out", str(tmp_path / "out"))
    assert ran.code == 1
    assert "no sentence answers the question; these are the nearest passages" in ran.out
    named = re.findall(r"^[a-z2-7]{16}:\d+-\d+", ran.out, re.M)
    assert named
    assert carrel("read", named[0]).code == 0
    assert "Harbour SDK" in ran.out
    again = carrel("research", question, "--out", str(tmp_path / "out"), "--json").json
    assert again["nearest"] == named
    assert again["audit"]["problems"] == []


def test_a_clean_audit_says_what_it_is_worth(carrel, notes: Path, tmp_path: Path):
    carrel("add", str(notes))
    said = " ".join(carrel("research", QUESTION, "--out", str(tmp_path / "out")).out.split())
    assert "Every quotation is real; whether it answers your question is for you to judge." in said
    assert "No fault was found" not in said


def test_an_audit_with_a_fault_or_nothing_quoted_keeps_its_own_words():
    clean = {"summary": "1 of 1 supported. No fault was found in what could be checked.", "problems": []}
    quoted = {"quote_fidelity": {"hits": 1, "total": 1}, "unreadable": 0}
    assert "for you to judge" in Audit({**clean, "metrics": quoted}).verdict
    for other in ({"quote_fidelity": {"hits": 0, "total": 0}}, {**quoted, "unreadable": 1}):
        assert Audit({**clean, "metrics": other}).verdict == clean["summary"]
    faulty = Audit({**clean, "metrics": quoted, "problems": [{"kind": "contradicted"}]})
    assert faulty.verdict == clean["summary"]
