"""Copies go into the hit they copy; whatever else is rearranged, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel import ingest
from carrel.index import Library, Row
from carrel.records import Document, Hit, Passage, document_id
from carrel.retrieve import Diversity, search
from carrel.retrieve.copies import same_words, wording
from carrel.retrieve.diversity import origin
from kit import WordEncoder, text_document

BADGER = (
    "The badger digs a sett with many entrances, and clears out old straw in spring. "
    "It eats 200 earthworms a night and does not sleep through the winter in England."
)
MARTEN = "The pine marten sleeps in hollow trees, hunts squirrels and voles, and eats rowan berries in autumn."


def documents(*texts: str, title: str = "Badgers") -> list[Document]:
    return [text_document(text, title) for text in texts]


def on(source: str, text: str, title: str = "Badgers") -> Document:
    """A document of a given source."""
    return replace(ingest.note(text, title=title), source=source, doc_id=document_id(source, text))


def shelf(make: Callable[..., Library], found: list[Document], *, encoded: bool) -> Library:
    library = make(encoder=WordEncoder() if encoded else None, background=False)
    for document in found:
        library.add([document], beside=True)
    if encoded:
        library.encode("default")
    return library


@pytest.mark.parametrize("encoded", [True, False], ids=["hybrid", "words only"])
def test_a_text_in_several_documents_is_one_hit_that_names_the_others(
    make_library: Callable[..., Library], encoded: bool
) -> None:
    copies = [BADGER, "**" + BADGER.replace(", and", " and") + "**", BADGER.upper()]
    found = shelf(make_library, [*documents(*copies), text_document(MARTEN, "Martens")], encoded=encoded)
    hits = search(found, ["what does the badger eat"]).hits
    about = [hit for hit in hits if "adger" in hit.title]
    assert len(about) == 1
    refs = {about[0].passage.ref, *about[0].also_in}
    assert refs == {hit.passage.ref for hit in every(found, "what does the badger eat") if hit.title == "Badgers"}
    assert len(refs) == 3


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("200", "300"),
        ("200", "-200"),
        ("200", "two"),
        ("does not", "does"),
        ("England", "Ireland"),
        ("many", "few"),
        ("clears out", "takes in"),
        ("winter in England", "winter"),
    ],
)
@pytest.mark.parametrize("encoded", [True, False], ids=["hybrid", "words only"])
def test_passages_that_differ_in_a_word_that_says_something_are_both_hits(
    make_library: Callable[..., Library], was: str, becomes: str, encoded: bool
) -> None:
    found = shelf(make_library, documents(BADGER, BADGER.replace(was, becomes)), encoded=encoded)
    hits = search(found, ["badger earthworms winter"]).hits
    assert len(hits) == 2 and not any(hit.also_in for hit in hits)


def test_a_short_text_is_a_copy_only_under_the_same_title(make_library: Callable[..., Library]) -> None:
    dose = "The highest dose is 5 mg."
    apart = [text_document(dose, "Aspirin"), text_document(dose, "Ibuprofen")]
    assert len(search(shelf(make_library, apart, encoded=False), ["highest dose"]).hits) == 2


def test_program_text_that_differs_in_one_sign_is_no_copy() -> None:
    code = "def total(a, b):\n    if a == b:\n        return rate(a)\n    import math\n    return math.sqrt(a - b)\n"
    assert wording(code) != wording(code.replace("a - b", "a * b"))
    assert wording(code) != wording(code.replace("==", "!="))
    assert wording(code) == wording(code.replace("\n    ", "\n\t"))


@pytest.mark.parametrize(
    ("one", "other"),
    [("LDL ↑", "LDL ↓"), ("x ∈ A", "x ∉ A"), ("in C# only", "in C only"), ("ไม่", "ไม้"), ("दिन", "दान"), ("£ 5", "¥ 5")],
)
def test_a_sign_a_tone_and_a_vowel_say_something(one: str, other: str) -> None:
    assert wording(one) != wording(other)


def test_quotation_marks_and_stops_say_nothing() -> None:
    assert wording("«Yes», he said — no…") == wording("“Yes” he said no。")


def test_copies_can_be_hits_of_their_own(make_library: Callable[..., Library]) -> None:
    found = shelf(make_library, documents(BADGER, BADGER + " "), encoded=True)
    assert len(search(found, ["badger"]).hits) == 1
    assert len(every(found, "badger")) == 2


VARIED = (
    Diversity(),
    Diversity(duplicates=True),
    Diversity(per_document=1),
    Diversity(per_origin=1),
    Diversity(relevance=0.4),
    Diversity(per_document=2, per_origin=1, relevance=0.7),
)


@pytest.mark.parametrize("diversity", VARIED, ids=str)
@pytest.mark.parametrize("encoded", [True, False], ids=["hybrid", "words only"])
def test_pages_fit_together_and_nothing_is_lost(
    make_library: Callable[..., Library], diversity: Diversity, encoded: bool
) -> None:
    found = shelf(make_library, forest(), encoded=encoded)
    whole = search(found, ["badger marten earthworms"], k=100, diversity=diversity).hits
    paged = [
        hit
        for start in range(0, len(whole), 3)
        for hit in search(found, ["badger marten earthworms"], k=3, offset=start, diversity=diversity).hits
    ]
    assert [(hit.passage.ref, hit.also_in) for hit in paged] == [(hit.passage.ref, hit.also_in) for hit in whole]
    named = [ref for hit in whole for ref in (hit.passage.ref, *hit.also_in)]
    everything = {hit.passage.ref for hit in every(found, "badger marten earthworms")}
    assert len(named) == len(set(named)) and set(named) == everything


def test_pages_fit_together_when_novelty_and_a_cap_are_asked_for_at_once(make_library: Callable[..., Library]) -> None:
    words = ("finds", "digs", "smells", "hears", "loses", "hides", "trades", "counts", "steals", "names")
    long = "\n\n".join(f"## Part {word}\n\nThe badger eats worms and {word} {word[::-1]}." for word in words)
    others = [text_document(f"The badger {word} worms, {word} more, badger {word}.", word.title()) for word in words]
    found = shelf(make_library, [text_document(long, "Long"), *others], encoded=True)
    varied = Diversity(per_document=1, relevance=0.3)
    whole = search(found, ["badger eats worms"], k=50, diversity=varied).hits
    paged = [
        hit
        for start in range(0, len(whole), 2)
        for hit in search(found, ["badger eats worms"], k=2, offset=start, diversity=varied).hits
    ]
    assert [hit.passage.ref for hit in paged] == [hit.passage.ref for hit in whole]


def test_a_cap_lets_other_documents_come_first(make_library: Callable[..., Library]) -> None:
    long = "\n\n".join(f"## Badger part {n}\n\nThe badger eats earthworms near wood {n}." for n in range(8))
    found = shelf(make_library, [text_document(long, "Book"), *documents(BADGER, title="Note")], encoded=True)
    plain = [hit.title for hit in search(found, ["badger earthworms"]).hits]
    capped = [hit.title for hit in search(found, ["badger earthworms"], diversity=Diversity(per_document=2)).hits]
    assert plain.index("Note") > 2 and capped.index("Note") <= 2
    assert sorted(plain) == sorted(capped)


def test_an_origin_does_not_fill_the_first_places_while_others_have_good_evidence(
    make_library: Callable[..., Library],
) -> None:
    site = [on(f"https://www.wood.example/{n}", f"Badger badger earthworms earthworms, page {n}.") for n in range(8)]
    other = on("https://field.example/a", "In fields the badger finds earthworms and beetles, as counts have shown.")
    weak = on("https://sea.example/a", "Seals and one badger were seen from the boat on a long day without wind.")
    found = shelf(make_library, [*site, other, weak], encoded=False)
    sources = [hit.source for hit in search(found, ["badger earthworms"], diversity=Diversity(per_origin=1)).hits]
    assert sources.index(other.source) == 1
    assert sources.index(weak.source) == 9


def test_novelty_brings_forward_what_better_hits_do_not_say(make_library: Callable[..., Library]) -> None:
    near = [f"The badger eats earthworms at night in wood {n}." for n in range(5)]
    found = shelf(make_library, documents(*near, "A badger may carry tuberculosis to cattle."), encoded=True)
    plain = [hit.passage.text for hit in search(found, ["badger earthworms night"]).hits]
    novel = [
        h.passage.text for h in search(found, ["badger earthworms night"], diversity=Diversity(relevance=0.3)).hits
    ]
    assert "cattle" in plain[-1] and "cattle" in novel[1] and plain[0] == novel[0]


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("https://www.fox.example/a/b", "fox.example"),
        ("http://fox.example:80", "fox.example"),
        ("notes/2024/fox.md", "notes/2024"),
        ("fox.md", "fox.md"),
        ("doi://", "doi:/"),
        ("http://[broken", "http:/"),
        ("", ""),
    ],
)
def test_an_origin_is_a_host_or_a_folder(source: str, where: str) -> None:
    assert origin(source) == where


@given(st.text(max_size=200))
def test_a_text_has_the_wording_it_has_in_capitals_and_with_more_space(text: str) -> None:
    assert same_words(row(text), row(text)) or not wording(text)
    assert wording("the " + text.replace(" ", "  ")) == wording(text.replace(" ", "  "))


def every(library: Library, query: str) -> tuple[Hit, ...]:
    """All hits, copies as well."""
    return search(library, [query], k=100, diversity=Diversity(duplicates=True)).hits


def forest() -> list[Document]:
    """Copies, near copies, and long documents of several origins."""
    book = "\n\n".join(f"## Part {n}\n\n{BADGER.replace('200', str(200 + n % 3))}" for n in range(6))
    return [
        on("https://a.example/1", BADGER),
        on("https://b.example/1", BADGER),
        on("https://a.example/2", BADGER.replace("200", "300")),
        on("https://a.example/3", MARTEN),
        on("https://c.example/3", MARTEN),
        on("books/one.md", book, "Book"),
        on("books/two.md", MARTEN + " " + BADGER, "Other"),
    ]


def row(text: str) -> Row:
    return Row(Passage("a" * 16, 0, len(text), text), "", "", "")
