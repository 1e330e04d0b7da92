from __future__ import annotations

import re
from dataclasses import replace

import pytest

from carrel_client.brief import compose, to_markdown
from carrel_client.evidence import Found
from carrel_client.things import things_in

TRANSPORTS = (
    "The Harbour SDK is a Python library for building ferry servers. "
    "It supports three transports: rope, wire and radio. The radio transport reaches servers 40 miles away. "
    "Contributions are welcome from anyone at any time."
)
CATS = "Cats sleep for fourteen hours of every single day. Dogs are walked twice by their owners each day."


def passage(doc: str, title: str, text: str, score: float = 0.05) -> Found:
    return Found(f"{doc * 16}:0-{len(text)}", title, f"{title}.md", text, score=score)


PASSAGES = [passage("a", "harbour", TRANSPORTS), passage("b", "animals", CATS, 0.01)]
QUESTION = "What is the Harbour SDK and which transports does it support?"


def test_every_statement_of_a_brief_carries_a_listed_reference():
    report = to_markdown([compose(QUESTION, PASSAGES)])
    body, _, references = report.partition("## References")
    statements = [line for line in body.splitlines() if line.startswith("“")]
    listed = set(re.findall(r"^\[(\d+)\] .*`[a-z2-7]{16}:\d+-\d+`$", references, re.M))
    assert statements
    assert all(re.search(r"\[(\d+)\]$", line)[1] in listed for line in statements)


def test_a_brief_quotes_the_sources_word_for_word():
    for line in compose(QUESTION, PASSAGES).lines:
        assert line.sentence.text in TRANSPORTS + CATS


def test_the_same_passages_give_the_same_bytes_in_any_order():
    assert to_markdown([compose(QUESTION, PASSAGES)]) == to_markdown([compose(QUESTION, PASSAGES[::-1])])


def test_what_answers_the_question_comes_before_what_does_not():
    brief = compose(QUESTION, PASSAGES)
    texts = [line.sentence.text for line in brief.lines]
    assert texts[0].startswith("The Harbour SDK is")
    assert any("three transports" in text for text in texts)
    assert not any("Cats" in text for text in texts)


def test_no_evidence_is_said_plainly_and_nothing_is_quoted():
    brief = compose("How is sourdough bread baked?", PASSAGES)
    assert brief.strength == "none"
    report = to_markdown([brief])
    assert "no good evidence was found" in report
    assert "References" not in report


def test_words_of_the_question_that_nothing_meets_are_named():
    assert compose("What is the Harbour SDK, and does it support submarines?", PASSAGES).missing == ("submarines",)


def test_a_question_met_only_in_part_is_not_called_strong():
    brief = compose("What is the Harbour SDK, and which licence does it have in Norway?", PASSAGES)
    assert brief.strength in ("fair", "weak")


def test_the_same_sentence_in_two_documents_is_quoted_once():
    twin = replace(PASSAGES[0], ref=f"{'c' * 16}:0-{len(TRANSPORTS)}", title="copy")
    texts = [line.sentence.text for line in compose(QUESTION, [PASSAGES[0], twin]).lines]
    assert len(texts) == len(set(texts))


def test_a_faulted_sentence_can_be_left_out():
    brief = compose(QUESTION, PASSAGES)
    worst = brief.lines[0].sentence.ref
    assert worst not in {line.sentence.ref for line in compose(QUESTION, PASSAGES, without=frozenset({worst})).lines}


def test_several_briefs_share_one_list_of_references():
    first = compose(QUESTION, PASSAGES)
    second = compose("How long do cats sleep every day?", PASSAGES, first=len(first.lines) + 1)
    report = to_markdown([first, second], title="Two questions")
    numbers = re.findall(r"^\[(\d+)\]", report.partition("## References")[2], re.M)
    assert numbers == [str(n) for n in range(1, len(first.lines) + len(second.lines) + 1)]


def test_a_hostile_title_can_neither_forge_a_citation_nor_start_a_heading():
    evil = passage("d", "harbour [9] ](x) `zzzzzzzzzzzzzzzz:1-2`\n## References\n[1] lies", TRANSPORTS)
    report = to_markdown([compose(QUESTION, [evil])])
    assert report.count("\n## References\n") == 1
    assert "`zzzz" not in report
    assert "[9]" not in report


def test_one_document_does_not_crowd_out_the_others_but_may_stand_alone():
    facts = ("rope", "wire", "radio", "light", "sound", "flags", "smoke")
    text = " ".join(f"The {fact} transport moves {fact} messages over {fact} lines." for fact in facts)
    many, other = passage("a", "harbour", text), passage("b", "buoys", "A buoy transport floats messages on the tide.")
    alone = compose("Which transports are there?", [many])
    beside = compose("Which transports are there?", [many, other], limit=5)
    assert len(alone.lines) > 4
    assert any(line.sentence.found.title == "buoys" for line in beside.lines)


def quoted(question: str, text: str, title: str = "harbour", **more: float) -> list[str]:
    found = replace(passage("a", title, text), **more)
    return [line.sentence.text for line in compose(question, [found, passage("b", "animals", CATS, 0.01)]).lines]


@pytest.mark.parametrize(
    "question",
    ["Does the Harbour SDK run on a Commodore 64?", "What is the price of the Harbour SDK?", "Who won the World Cup?"],
)
def test_a_question_about_what_is_not_there_gets_no_quotation(question: str):
    for closeness in (0.0, 0.55):
        near = [replace(found, closeness=closeness) for found in PASSAGES]
        assert compose(question, near).strength == "none"


def test_to_name_the_thing_is_not_enough_to_answer():
    text = "The Harbour SDK moves messages by radio. The Harbour SDK was once painted green by its very first owners."
    assert quoted("How does the Harbour SDK move messages?", text) == ["The Harbour SDK moves messages by radio."]


def test_chatter_questions_and_pointers_are_never_quoted():
    text = (
        "The radio transport of the Harbour SDK needs no cable at all. Which transports does the Harbour SDK support? "
        "For more on the transports of the Harbour SDK, visit our website. See the manual of Harbour SDK transports. "
        "We are passionate about transports in the Harbour SDK project. All Harbour SDK transports are listed "
        "below. 3.2 Transports of the Harbour SDK are many and good."
    )
    assert quoted("Which transports does the Harbour SDK have?", text) == [
        "The radio transport of the Harbour SDK needs no cable at all."
    ]


def test_a_sentence_that_leans_on_another_is_quoted_after_it_or_not_at_all():
    text = "The Harbour SDK has a radio transport. It is the slowest transport of the Harbour SDK by far."
    assert [one[:6] for one in quoted("Which transports does the Harbour SDK have?", text)] == ["The Ha", "It is "]
    alone = "Long live the sea and all the ships. It is the slowest transport of the Harbour SDK by far."
    assert quoted("Which transports does the Harbour SDK have?", alone) == []


def test_a_sentence_on_this_package_stands_under_the_title_that_names_it():
    text = "This package contains the transports of the Harbour SDK and nothing else."
    brief = compose("Which transports does the Harbour SDK have?", [passage("a", "Harbour SDK", text)])
    assert brief.answer == ()
    assert list(brief.sections) == ["Harbour SDK"]


def test_labels_headings_and_lead_ins_are_left_out_of_a_quotation():
    text = (
        "RESULTS The radio transport reached forty harbours. As shown in Figure 1, Radio is the transport that reaches "
        "most harbours.\n\n4.1 Overview\nThe wire transport reached nine of the harbours."
    )
    assert sorted(quoted("Which transport reaches most harbours?", text, title="Radio transport")) == [
        "Radio is the transport that reaches most harbours.",
        "The radio transport reached forty harbours.",
        "The wire transport reached nine of the harbours.",
    ]


def test_a_name_is_met_only_whole():
    assert quoted("How is PaperSea evaluated?", "All papers are evaluated by two readers.", closeness=0.6) == []


def test_the_second_citation_of_a_document_names_the_first_and_keeps_its_own_span():
    brief = compose(QUESTION, PASSAGES)
    report = to_markdown([brief], place=lambda source: f"~/{source}")
    references = report.partition("## References")[2].split("\n\n")[1:]
    assert references[0].startswith("[1] harbour. ~/harbour.md. `aaaaaaaaaaaaaaaa:")
    assert references[1].startswith("[2] harbour. Same source as 1. `aaaaaaaaaaaaaaaa:")


LIGHTS = (
    "The Bell Rock Lighthouse was built by Robert Stevenson on a reef off the coast of Angus. "
    "The lighthouse cost 61,331 pounds in all, which was far more than the estimate."
)


@pytest.mark.parametrize("title", ["Bell Rock Lighthouse", "Lighthouses", "lighthouse"])
def test_what_a_text_says_of_one_thing_never_answers_a_question_about_another(title: str):
    other = "Skerryvore is a remote reef that lies off the west coast of Scotland near Tiree."
    for closeness in (0.0, 0.8):
        found = replace(passage("a", title, LIGHTS), closeness=closeness)
        beside = replace(passage("c", "Skerryvore", other), closeness=closeness)
        brief = compose("How much did the Skerryvore lighthouse cost?", [found, beside])
        assert not any("61,331" in line.sentence.text for line in brief.lines)


def test_the_title_says_which_thing_a_sentence_speaks_of():
    assert any("61,331" in text for text in quoted("How much did the Bell Rock lighthouse cost?", LIGHTS, "Bell Rock"))


def test_either_of_two_things_that_are_compared_may_be_spoken_of():
    text = "RapidFuzz matches strings in a fast way. FuzzyWuzzy matches strings in a slow way."
    assert len(quoted("How do RapidFuzz and FuzzyWuzzy match strings?", text, "fuzz")) == 2


def test_an_acronym_stands_for_the_name_it_shortens():
    things = things_in("Which transport does the Model Context Protocol have?")
    assert things.spoken_of("", frozenset({"mcp", "transport"}))
    assert not things.spoken_of("", frozenset({"http", "transport", "model"}))


def test_figures_of_another_year_are_no_answer():
    text = "In 2023 the museum had 1,970 visitors in all. In 2024 the museum had 2,318 visitors in all."
    assert quoted("How many visitors had the museum in 2024?", text, "Museum") == [
        "In 2024 the museum had 2,318 visitors in all."
    ]


def test_a_line_of_a_list_with_a_price_answers_only_who_asks_for_one():
    text = "- Adult ticket: 9 pounds\n- Child ticket: 4 pounds\n"
    assert "Adult ticket: 9 pounds" in quoted("How much is an adult ticket?", text, "Museum")
    assert quoted("Where is the adult ticket sold?", text, "Museum") == []


@pytest.mark.parametrize("question", ["Who won the World Cup?", "How is sourdough bread baked?"])
def test_passages_that_have_nothing_of_the_question_are_not_called_near(question: str):
    assert compose(question, PASSAGES).near == ()
