"""Snapshots: a ranking given once can be given again; versions stand side by side; equal input, equal bytes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from carrel.documents import split
from carrel.errors import BadRequest, NotFound, Unavailable
from carrel.index import Filters, Library, kept, members
from carrel.records import Document, Ranking
from carrel.retrieve import Diversity, search
from kit import WordEncoder, text_document

Make = Callable[..., Library]
BIRDS = [
    f"The {name} {does} near the old mill by the river."
    for name, does in (
        ("heron", "fishes"),
        ("kingfisher", "dives"),
        ("swift", "hunts insects"),
        ("owl", "hunts mice"),
        ("wren", "sings"),
    )
]


def as_bytes(ranking: Ranking) -> bytes:
    return json.dumps(
        [
            [str(hit.passage.ref), hit.score, hit.passage.text, {arm: [s.rank, s.score] for arm, s in hit.arms.items()}]
            for hit in ranking.hits
        ]
    ).encode()


def birds(library: Library) -> list[int]:
    """One commit for each bird; their generations."""
    return [library.add([text_document(text, text.split()[1])]).generation for text in BIRDS]


def test_a_snapshot_answers_as_it_did_whatever_came_later(make_library: Make) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    birds(library)
    library.encode("default")
    before = search(library, ["who hunts near the mill"])
    library.add([text_document("The heron hunts frogs and hunts mice near the mill.", "heron")])
    library.add([text_document("A mill hunts nothing at all near a mill. " * 20, "mill")])
    library.remove("default", [before.hits[0].passage.doc_id])
    library.encode("default")
    assert as_bytes(search(library, ["who hunts near the mill"])) != as_bytes(before)
    again = search(library, ["who hunts near the mill"], as_of=before.generation)
    assert as_bytes(again) == as_bytes(before)
    assert again.generation == before.generation


def test_a_snapshot_outlives_the_process(make_library: Make) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    birds(library)
    library.encode("default")
    before = search(library, ["insects"])
    library.add([text_document("Insects, insects, insects.", "swarm")])
    library.close()
    again = search(make_library(encoder=WordEncoder(), background=False), ["insects"], as_of=before.generation)
    assert as_bytes(again) == as_bytes(before)


def test_a_snapshot_that_is_no_longer_kept_is_refused_with_what_is(make_library: Make) -> None:
    library = make_library(snapshots=8)
    first = birds(library)[0]
    for number in range(10):
        library.add([text_document(f"filler {number}", f"filler {number}")])
    with pytest.raises(NotFound, match="no longer kept; the oldest is 8, the newest 15"):
        search(library, ["heron"], as_of=first)
    assert search(library, ["heron"], as_of=8).hits
    with pytest.raises(NotFound, match="no snapshot 99 yet"):
        search(library, ["heron"], as_of=99)


def test_a_snapshot_number_of_another_collection_names_the_state_of_that_moment(make_library: Make) -> None:
    library = make_library()
    library.add([text_document("a heron", "heron")], "one")
    other = library.add([text_document("a swift", "swift")], "two").generation
    library.add([text_document("a second heron", "heron 2")], "one")
    assert [hit.title for hit in search(library, ["heron"], collection="one", as_of=other).hits] == ["heron"]


def test_an_erased_text_is_in_no_snapshot(make_library: Make, tmp_path: Path) -> None:
    library = make_library()
    secret = text_document("The zanzibar plan is secret.", "Secret")
    before = library.add([secret, text_document("A heron.", "Heron")]).generation
    library.remove("default", [secret.doc_id], forget=True)
    with pytest.raises(NotFound):
        search(library, ["zanzibar"], as_of=before)
    library.close()
    assert not any(b"zanzibar" in path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())


def test_versions_of_one_source_can_stand_side_by_side(make_library: Make) -> None:
    library = make_library()
    old, new = text_document("The limit was ten.", "Limits"), text_document("The limit is twenty.", "Limits")
    library.add([old])
    library.add([new], beside=True)
    assert {hit.passage.doc_id for hit in search(library, ["limit"]).hits} == {old.doc_id, new.doc_id}
    assert [doc_id for doc_id, _ in library.versions("text:Limits")] == [new.doc_id, old.doc_id]


def test_the_newest_version_is_the_last_kept_even_when_the_clock_went_back(make_library: Make) -> None:
    now = [2_000_000_000.0]
    library = make_library(clock=lambda: now[0])
    first, second = text_document("one", "Page"), text_document("two", "Page")
    library.keep(first)
    now[0] -= 365 * 86_400
    library.keep(second)
    found = library.latest("text:Page")
    assert found is not None and found[0].doc_id == second.doc_id


def test_equal_input_gives_equal_bytes_in_another_folder(make_library: Make) -> None:
    rankings = []
    for name in ("one", "two"):
        library = make_library(name, encoder=WordEncoder(), background=False)
        birds(library)
        library.remove("default", [text_document(BIRDS[1], "kingfisher").doc_id])
        library.add([text_document("The kingfisher dives no more.", "kingfisher")])
        library.encode("default")
        rankings.append(as_bytes(search(library, ["who dives near the river", "mill"])))
    assert rankings[0] == rankings[1]


def test_a_paragraph_that_changed_is_all_that_is_encoded_again(make_library: Make) -> None:
    encoder = WordEncoder()
    library = make_library(encoder=encoder, background=False)
    chapters = [
        f"# Chapter {number}\n\nIn chapter {number} the {word} speaks.\n"
        for number, word in enumerate(["heron", "swift", "owl", "wren", "kite"])
    ]
    library.add([text_document("\n".join(chapters), "Book")])
    library.encode("default")
    before = encoder.encoded
    chapters[2] = "# Chapter 2\n\nIn chapter 2 the eagle is silent.\n"
    library.add([text_document("\n".join(chapters), "Book")])
    library.encode("default")
    assert encoder.encoded == before + 1
    assert library.coverage("default")["dense"] == 1.0
    assert "eagle" in search(library, ["eagle silent"], mode="dense").hits[0].passage.text


def test_equal_texts_share_a_vector_and_are_all_found(make_library: Make) -> None:
    encoder = WordEncoder()
    library = make_library(encoder=encoder, background=False)
    letters = [
        Document(f"{'abcdefgh'[n] * 16}", f"file-{n}", "file", "text/plain", "Form letter", "Dear sir or madam.")
        for n in range(4)
    ]
    library.add(letters)
    library.encode("default")
    assert encoder.encoded == 1
    assert len(search(library, ["dear madam"], mode="dense", diversity=Diversity(duplicates=True)).hits) == 4
    folded = search(library, ["dear madam"], mode="dense").hits
    assert len(folded) == 1 and len(folded[0].also_in) == 3


def test_documents_that_left_do_not_crowd_out_those_that_stayed(make_library: Make) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    many = [text_document(f"heron heron heron {number}", f"Heron {number}") for number in range(450)]
    library.add([*many, text_document("a heron once", "The last")])
    library.encode("default")
    library.remove("default", [document.doc_id for document in many])
    assert [hit.title for hit in search(library, ["heron"], mode="dense").hits] == ["The last"]


def test_authors_and_dates_limit_both_arms(make_library: Make) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    papers = [
        Document(
            f"{letter * 16}",
            f"{letter}.md",
            "file",
            "text/markdown",
            f"Paper {letter}",
            f"Herons fish, says {letter}.",
            date=date,
            authors=authors,
        )
        for letter, date, authors in (
            ("a", "2019-05-01", ("Ada Müller", "Bo Chen")),
            ("b", "2021", ("Carla Mueller",)),
            ("c", "", ("Ada Chen",)),
        )
    ]
    library.add(papers)
    library.encode("default")
    for mode in ("lexical", "dense", "hybrid"):

        def found(filters: Filters, mode: str = mode) -> set[str]:
            hits = search(library, ["herons fish"], mode=mode, filters=filters).hits  # type: ignore[arg-type]
            return {hit.title[-1] for hit in hits}

        assert found(Filters(author="muller")) == {"a"}
        assert found(Filters(author="ada")) == {"a", "c"}
        assert found(Filters(author="Chen Ada")) == {"a", "c"}
        assert found(Filters(after="2020")) == {"b"}
        assert found(Filters(before="2020")) == {"a"}
        assert found(Filters(after="2019-05", before="2019-06")) == {"a"}


def test_a_hit_names_its_page(make_library: Make) -> None:
    library = make_library()
    text = "The heron fishes.\n\nThe swift hunts.\n\nThe owl waits."
    starts = (0, text.index("The swift"), text.index("The owl"))
    pages = [Document("a" * 16, "birds.pdf", "file", "application/pdf", "Birds", text, page_starts=starts, sections=())]
    library.add(pages)
    assert search(library, ["heron"]).hits[0].page == 1
    plain = library.add([text_document("A wren.", "Wren")])
    assert plain.added == 1 and search(library, ["wren"]).hits[0].page is None


def notice(number: int, *, tag: str = "", date: str = "", text: str = "Access to herons is closed.") -> Document:
    tags = (tag,) if tag else ()
    return Document(
        f"{number:a>16}".translate(DIGITS), f"file-{number}", "file", "text/plain", "Notice", text, date=date, tags=tags
    )


DIGITS = str.maketrans("0123456789", "bcdefghijk")


def test_a_filter_holds_for_texts_that_are_equal(make_library: Make) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    library.add([notice(1, tag="public", date="2024-03-01"), notice(2, tag="secret", date="2019-01-01")])
    library.encode("default")
    for mode in ("lexical", "dense", "hybrid"):
        for filters in (Filters(tags=("public",)), Filters(after="2024")):
            hits = search(library, ["herons"], mode=mode, filters=filters).hits  # type: ignore[arg-type]
            assert [hit.source for hit in hits] == ["file-1"], (mode, filters)


def test_a_text_repeated_thousands_of_times_does_not_hide_the_others(make_library: Make) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    library.add([notice(number) for number in range(4200)])
    library.add([text_document("Access to herons is closed on Mondays.", "Mondays")])
    library.encode("default")
    titles = {hit.title for hit in search(library, ["herons closed on mondays"], k=60, mode="dense").hits}
    assert titles == {"Notice", "Mondays"}


def test_an_erasure_ends_the_snapshots_of_every_collection_that_had_the_text(make_library: Make) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    secret = text_document("The zanzibar plan is secret.", "Secret")
    library.add([secret, text_document("A heron.", "Heron")], "one")
    before = library.add([secret, text_document("A swift.", "Swift")], "two").generation
    library.remove("two", [secret.doc_id])
    assert search(library, ["zanzibar"], collection="two", as_of=before).hits
    library.remove("one", [secret.doc_id], forget=True)
    for mode in ("lexical", "dense", "hybrid"):
        with pytest.raises(NotFound, match="no longer kept"):
            search(library, ["zanzibar"], collection="two", as_of=before, mode=mode)  # type: ignore[arg-type]
    assert not any(each.words_erased for each in library.collections())
    assert [hit.title for hit in search(library, ["swift"], collection="two").hits] == ["Swift"]


def test_an_index_made_anew_is_a_snapshot_of_its_own(make_library: Make) -> None:
    library = make_library()
    birds(library)
    before = library.generation("default")
    library.arms.rebuild("default")
    assert library.generation("default") == before + 1
    with pytest.raises(NotFound, match="no longer kept"):
        search(library, ["heron"], as_of=before)
    assert search(library, ["heron"]).generation == before + 1


@pytest.mark.parametrize("date", ["20240101", "24", "2024-5", "2024-99", "May 2024"])
def test_what_is_no_date_is_refused(date: str) -> None:
    with pytest.raises(BadRequest, match="2024-05-31"):
        Filters(after=date)


@pytest.mark.parametrize("author", ["—", "???", " ".join(f"name{number}" for number in range(1200))])
def test_what_is_no_author_is_refused(author: str) -> None:
    with pytest.raises(BadRequest, match="author"):
        Filters(author=author)


def test_coverage_of_an_earlier_snapshot_is_its_own(make_library: Make) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    gone = text_document("The heron left early.", "Heron")
    before = library.add([gone]).generation
    library.remove("default", [gone.doc_id])
    library.add([text_document("The swift stays.", "Swift")])
    library.encode("default")
    assert search(library, ["heron"], as_of=before).coverage["dense"] == 0.0
    assert search(library, ["swift"]).coverage["dense"] == 1.0


def test_a_snapshot_that_the_index_has_not_reached_is_awaited_and_not_called_gone(make_library: Make) -> None:
    library, other = make_library(), make_library()
    birds(library)
    with other.arms.exclusive("1.lexical", 0.0):  # another process is about to bring the index up to date
        with library.store.write() as generation:
            document = text_document("The ibis wades.", "Ibis")
            doc_no = kept.put(library.store, document, 0.0)
            members.join(library.store, generation, library.collection("default"), document, doc_no, split(document))
        with pytest.raises(Unavailable, match="try again"):
            search(library, ["ibis"], as_of=generation)
    assert search(library, ["ibis"], as_of=generation).hits


@pytest.fixture
def together(make_library: Make, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Library, int, int]]:
    """Two processes commit, and the second brings the index up to date for both: the first one's handle, the number of
    its own commit, and the snapshot that it acknowledged."""

    def make(**options: object) -> tuple[Library, int, int]:
        first, second = make_library(**options), make_library(**options)
        real = first.arms.catch_up

        def overtaken(there: object, *, generation: int = 0, wait: float = 60.0) -> int:
            monkeypatch.setattr(first.arms, "catch_up", real)
            second.add([text_document("A second heron.", "second")])
            commits.append(generation)
            return real(there, generation=generation, wait=wait)  # type: ignore[arg-type]

        commits: list[int] = []
        monkeypatch.setattr(first.arms, "catch_up", overtaken)
        told = first.add([text_document("A first heron.", "first")]).generation
        return first, commits[0], told

    return make


Together = Callable[..., tuple[Library, int, int]]


def titles(library: Library, as_of: int, mode: str = "lexical") -> set[str]:
    return {hit.title for hit in search(library, ["heron"], as_of=as_of, mode=mode).hits}  # type: ignore[arg-type]


def test_an_addition_names_a_snapshot_that_answers_though_another_came_at_once(together: Together) -> None:
    library, commit, told = together()
    assert told == commit + 1
    assert titles(library, told) == {"first", "second"}
    library.add([text_document("A third heron.", "third")])
    assert titles(library, told) == {"first", "second"}


def test_a_commit_without_a_snapshot_of_its_own_is_refused_with_the_nearest_ones(
    together: Together, make_library: Make
) -> None:
    make_library().add([text_document("An early heron.", "early")])
    library, commit, told = together()
    with pytest.raises(NotFound, match=f"nearest snapshots are {commit - 1} and {told}"):
        titles(library, commit)
    assert titles(library, commit - 1) == {"early"}


def test_the_oldest_snapshot_that_is_named_answers_though_the_first_commits_came_together(together: Together) -> None:
    library, commit, told = together()
    assert library.collection("default").oldest == told
    assert titles(library, told) == {"first", "second"}
    with pytest.raises(NotFound, match=f"the oldest is {told}"):
        titles(library, commit)


def test_vectors_alone_answer_for_a_commit_without_a_snapshot_of_its_own(
    together: Together, make_library: Make
) -> None:
    make_library(encoder=WordEncoder(), background=False).add([text_document("An early heron.", "early")])
    library, commit, _ = together(encoder=WordEncoder(), background=False)
    library.encode("default")
    assert titles(library, commit, "dense") == {"early", "first"}


def test_as_many_snapshots_are_kept_as_were_asked_for_though_commits_come_together(
    together: Together, make_library: Make
) -> None:
    library, _, told = together(snapshots=8)
    for number in range(7):
        library.add([text_document(f"A heron {number}.", f"later {number}")])
    assert library.collection("default").oldest == told
    assert titles(library, told) == {"first", "second"}
    library.add([text_document("One more heron.", "last")])
    assert library.collection("default").oldest == told + 1
    with pytest.raises(NotFound, match=f"the oldest is {told + 1}"):
        titles(library, told)


def test_every_snapshot_acknowledged_to_writers_at_once_answers_with_what_they_added(make_library: Make) -> None:
    libraries = [make_library(snapshots=100) for _ in range(4)]
    told: list[tuple[str, int]] = []

    def write(number: int) -> None:
        for turn in range(6):
            name = f"heron{'abcd'[number]}{'pqrstu'[turn]}"
            told.append((name, libraries[number].add([text_document(f"The {name} fishes.", name)]).generation))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 24
    for name, generation in told:
        assert [hit.title for hit in search(libraries[0], [name], as_of=generation).hits] == [name]
