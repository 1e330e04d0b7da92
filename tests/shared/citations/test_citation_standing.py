"""Words that stand in a source are not yet what the source says: the rest of their sentence decides."""

from __future__ import annotations

import pytest

from carrel.citations import ClaimVerdict, verify_claim
from carrel.records import Document, document_id

REST = (
    " The keeper climbed the stairs every night to trim the lamp, and ships passed by. Nobody else came near the rock "
    "in winter, when the sea was rough and the wind blew from the west."
)


def source(text: str) -> Document:
    return Document(document_id("rock.md", text), "rock.md", "file", "text/markdown", "The rock", text)


def judged(text: str, claim: str) -> ClaimVerdict:
    return verify_claim(claim, [source(text + REST)])


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("Critics claimed that the dam was unsafe.", "The dam was unsafe."),
        ("The dam was unsafe, critics claimed.", "The dam was unsafe."),
        ("The mayor denied that the dam was unsafe.", "The dam was unsafe."),
        ("Critics say it is false that the tower leans.", "The tower leans."),
        ("It is not false that the tower leans.", "The tower leans."),
        ("It is unlikely that the tower leans.", "The tower leans."),
        ("Many hoped the tower leans.", "The tower leans."),
        ("Whether the tower leans is an old question.", "The tower leans."),
        ("The bridge will open in May unless the survey fails.", "The bridge will open in May."),
        ("If the survey succeeds, the bridge will open in May.", "The bridge will open in May."),
        ("The lamp was in use until 1882.", "The lamp was in use."),
        ("The drug works without surgery.", "The drug works."),
        ("Few keepers stayed on the rock for long.", "Keepers stayed on the rock for long."),
        ("Had it been funded, the bridge opened in May.", "The bridge opened in May."),
        ("The council did not say that the bridge opened in May.", "The bridge opened in May."),
        ("There is no evidence that vaccines cause autism.", "Vaccines cause autism."),
        ("Nobody but Smith voted for the bill.", "Smith voted for the bill."),
        ("The tower, critics claimed, was unsafe for all keepers.", "The tower was unsafe for all keepers."),
    ],
)
def test_what_the_sentence_reports_doubts_or_conditions_is_neither_supported_nor_contradicted(
    text: str, claim: str
) -> None:
    assert judged(text, claim).verdict == "needs_judgement"


@pytest.mark.parametrize("text", ["It is false that the tower leans.", "The claim that the tower leans is a myth."])
def test_what_a_sentence_flatly_denies_is_contradicted(text: str) -> None:
    assert judged(text, "The tower leans.").verdict == "contradicted"


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("In May the bridge opened to the public.", "The bridge opened to the public."),
        ("The tower was completed in 1759 and is now a monument.", "The tower was completed in 1759."),
        ("Critics said it was ugly, but the tower was completed in 1882.", "The tower was completed in 1882."),
        ("Not far from the harbour, the tower was completed in 1882.", "The tower was completed in 1882."),
        ("Critics claimed the old dam was unsafe. The old dam was unsafe.", "The old dam was unsafe."),
    ],
)
def test_a_part_of_a_sentence_that_stands_free_is_supported(text: str, claim: str) -> None:
    assert judged(text, claim).verdict == "supported"


def test_a_negation_reaches_no_further_than_its_but() -> None:
    text = "Smeaton's Tower was replaced not because it was weak but because the rock beneath it had eroded."
    assert judged(text, "Smeaton's Tower was replaced because it was weak.").verdict == "contradicted"
    assert judged(text, "Smeaton's Tower was replaced because the rock beneath it had eroded.").verdict not in (
        "contradicted",
        "not_found",
    )


def test_the_basis_says_no_more_than_is_true() -> None:
    whole = judged("The stones weigh 5,800 kg in all.", "The stones weigh 5,800 kg in all.")
    number = judged("The stones weigh 5,800 kg in all.", "The stones weigh 5800 kg in all.")
    part = judged("The tower was completed in 1759 and is now a monument.", "The tower was completed in 1759.")
    assert "word for word" in whole.basis[0]
    assert "word for word" not in number.basis[0] and "5,800" in number.basis[0]
    assert "word for word" not in part.basis[0] and "longer sentence" in part.basis[0]
    assert part.confidence == "medium"


TWO = (
    "Smeaton's lighthouse was completed in 1759 and stood long on the rock, and a club was completed in 1883. The "
    "current tower was completed in 1882 by Douglass near the stump. "
)


def test_the_passage_that_the_citation_names_is_heard_first_and_shown_first() -> None:
    document = source(TWO + REST)
    start = TWO.index("The current")
    span = (document.doc_id, start, len(TWO) - 1)
    verdict = verify_claim("The current tower was completed in 1883.", [document], spans=[span])
    assert verdict.verdict == "contradicted"
    assert "1882" in verdict.basis[0] and "1759" not in verdict.basis[0]
    assert span[1] <= verdict.windows[0].start < verdict.windows[0].end <= span[2]
    start, end = verdict.failing[0].source_span
    assert document.text[start:end] == "1882"


def test_support_outside_the_named_passage_is_said_to_be_outside() -> None:
    document = source(TWO + REST)
    span = (document.doc_id, TWO.index("The current"), len(TWO) - 1)
    verdict = verify_claim("Smeaton's lighthouse was completed in 1759", [document], spans=[span])
    assert verdict.verdict == "supported"
    assert "elsewhere than in the passage that the citation names" in verdict.basis[-1]


def test_what_is_open_is_said_in_words_and_not_in_shares() -> None:
    verdict = judged("The tower has a lamp.", "The tower of granite has a lamp that many visitors admire at night.")
    assert verdict.verdict == "needs_judgement"
    assert any("open:" in line for line in verdict.basis) and "%" not in " ".join(verdict.basis)
