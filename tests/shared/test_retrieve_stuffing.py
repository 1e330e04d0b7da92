"""Text made to be found does not beat text that answers, and text that answers is not taken for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from carrel.index import Library, terms
from carrel.rerank import Pipeline, Scorers, Stage
from carrel.retrieve import Diversity, Mode, Reranking, search
from carrel.retrieve.stuffing import stuffed
from kit import WordEncoder, text_document
from rerank_kit import Plain

TOPICS = {
    "how many earthworms does a badger eat in one night": (
        "Badgers live on earthworms. In a warm, damp night one animal eats about two hundred of them, and in a drought "
        "it turns to beetles, bulbs and fallen fruit. Counts of droppings in three woods have confirmed these figures."
    ),
    "when was the first suspension bridge over the river opened": (
        "The suspension bridge was opened to carriages in May 1826 after seven years of work. It was the first to "
        "cross the river without a pier, and ships with tall masts could pass under its deck of oak planks and chains."
    ),
    "does vitamin D supplementation prevent hip fractures in old age": (
        "In a trial of 2,686 people over 65, four months' doses of vitamin D lowered the rate of fractures of hip, "
        "wrist and spine by a third. Supplementation cost less than a pound a year, and no harm was seen in old age."
    ),
    "parser raises error on unexpected end of input file": (
        "When the input ends before a value is complete the parser raises an error that names the file and the line. "
        "An unexpected end is told from other mistakes by its own class, so that callers may wait for more of it."
    ),
}
WORDS = sorted({word for query in TOPICS for word in query.split()})
FILLER = (
    "The committee met on Tuesday and approved the minutes. Members discussed the budget for the new car park, and the "
    "chair thanked everybody for coming. A date for the next meeting was not agreed, and nobody asked for one."
)


def plants(query: str) -> dict[str, str]:
    rng = random.Random(len(query))
    words = [word for word in query.split() if len(word) > 3]
    shuffled = words * 15
    rng.shuffle(shuffled)
    others = [
        f"{a}{b}" for a in ("zan", "tor", "mil", "quo", "ber", "fal") for b in ("dek", "ros", "vin", "lub", "pet")
    ]
    listed = rng.sample(sorted({*WORDS, *others, *query.split()}), len({*WORDS, *others, *query.split()}))
    return {
        "repeated": " ".join([query] * 50),
        "shuffled": " ".join(shuffled),
        "keywords": ", ".join(shuffled),
        "list": ", ".join(words),
        "all words": " ".join(listed),
        "between": f"{FILLER} {(query + '. ') * 9} {FILLER}",
        "ahead": f"{(query + '. ') * 6} {FILLER}",
    }


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "dense"])
@pytest.mark.parametrize("query", TOPICS)
def test_no_stuffed_document_comes_before_the_one_that_answers(
    make_library: Callable[..., Library], query: str, mode: Mode
) -> None:
    library = make_library(encoder=WordEncoder(dimension=256), background=False)
    library.add([text_document(text, f"Text {n}") for n, text in enumerate(TOPICS.values())])
    for other in TOPICS:
        library.add([text_document(text, f"{kind}, {other[:8]}") for kind, text in plants(other).items()])
    library.encode("default")
    hits = search(library, [query], mode=mode, k=100).hits
    best = next(hit.rank for hit in hits if hit.passage.text == TOPICS[query])
    own = {hit.title for hit in hits[: best - 1] if query[:8] in hit.title}
    assert not own, own


@pytest.mark.parametrize("query", TOPICS)
def test_text_that_answers_is_not_taken_for_stuffing(query: str) -> None:
    asked = set(terms(query))
    assert not stuffed(TOPICS[query], asked)
    assert not stuffed(query, asked), "what is said once may be the claim itself"
    assert not stuffed(f"# {query}\n\n{TOPICS[query]}", asked)


NAMES = [
    f"{tree}{part}"
    for tree in ("birch", "alder", "maple", "beech", "aspen")
    for part in ("", "wood", "bark", "root", "leaf")
]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("Dachse fressen Regenwürmer und Wurzeln im Herbst", "Dachse fressen Regenwürmer und Wurzeln im Herbst."),
        ("獾吃蚯蚓", "獾在夜里吃蚯蚓。獾冬天不睡觉。"),
        ("fox", "A fox ran. The fox, a red fox, met another fox near the den where foxes sleep in March."),
        ("total price", "| item | price |\n| --- | --- |\n| tea | 3 |\n| bread | 4 |\n| total | 7 |"),
        ("get user name", "def get_user_name(user):\n    return user.name or get_name(user.id)\n"),
        (
            "Lagos population",
            "| City | Population |\n|---|---|\n"
            + "".join(f"| City{n}x | {15388 + n} |\n" for n in range(40))
            + "| Lagos | 15388000 |",
        ),
        (
            "birch alder",
            "\n".join(f"{name}: a {kind} of trees" for name, kind in zip(NAMES, reversed(NAMES), strict=True)),
        ),
        ("", "A fox ran."),
        ("fox", ""),
    ],
)
def test_short_texts_tables_code_and_other_languages_are_no_stuffing(query: str, text: str) -> None:
    assert not stuffed(text, set(terms(query)))


def test_stuffing_is_listed_last_and_not_dropped(make_library: Callable[..., Library]) -> None:
    query = "how many earthworms does a badger eat in one night"
    library = make_library()
    library.add([text_document(TOPICS[query], "Answer"), text_document(" ".join([query] * 20), "Stuffed")])
    assert [hit.title for hit in search(library, [query]).hits] == ["Answer", "Stuffed"]


def test_stuffing_stays_last_whatever_stages_come_after(make_library: Callable[..., Library], tmp_path: Path) -> None:
    query = "how many earthworms does a badger eat in one night"
    library = make_library()
    answers = "\n\n".join(f"## Wood {number}\n\n{TOPICS[query]} Wood {number}." for number in range(4))
    library.add([text_document(answers, "Answer"), text_document(" ".join([query] * 20), "Stuffed")])
    loves_repeats = Scorers(
        tmp_path, loaders={"cross": lambda model, models: Plain(lambda query, text: text.count(query))}
    )
    plan = Reranking(Pipeline("own", (Stage("cross", "any"),)), loves_repeats)
    for diversity, reranking in (
        (Diversity(per_document=1), None),
        (Diversity(relevance=0.1), None),
        (Diversity(), plan),
    ):
        hits = search(library, [query], k=20, diversity=diversity, reranking=reranking).hits
        assert {hit.title for hit in hits[:4]} == {"Answer"} and hits[-1].title == "Stuffed"
        assert hits[-1].score <= min(hit.score for hit in hits)


def test_stuffing_alone_is_no_evidence(make_library: Callable[..., Library]) -> None:
    query = "how many earthworms does a badger eat in one night"
    library = make_library()
    library.add([text_document(" ".join([query] * 20), "Stuffed"), text_document(FILLER, "Minutes")])
    found = search(library, [query], mode="lexical")
    assert found.sufficiency is not None and found.sufficiency.level == "none"
