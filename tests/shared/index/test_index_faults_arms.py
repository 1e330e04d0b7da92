"""Damaged files of the arms: words are rebuilt from the store, vectors are made again, and no answer is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from carrel.errors import CarrelError
from carrel.index import Library, open_library
from carrel.retrieve import search
from carrel.settings import Settings
from carrel_search.server import create_server
from fault_kit import (
    BIRDS,
    DAMAGES,
    GONE,
    PARTS,
    bird,
    by_reference,
    by_vector,
    by_words,
    delete,
    dense,
    empty,
    errors,
    flip,
    junk,
    lexical,
    mend,
    one_of_each_kind,
    titles,
    truncate,
    unwell,
)
from kit import Host, WordEncoder

Damage = Callable[[Path], None]
Open = Callable[..., Library]


def sound(library: Library) -> None:
    """Everything is right, in every arm, and the library finds nothing wrong with itself."""
    for answers in (by_words(library), by_words(library, mode="hybrid"), by_vector(library), by_reference(library)):
        assert answers.right, answers
    assert library.pending("default") == 0
    assert unwell(library) == []


def test_an_undamaged_library_is_sound(data: Path, opened: Open) -> None:
    sound(opened(data))


# words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_words_are_rebuilt_from_the_store(whole: Path, tmp_path: Path, opened: Open, damage: Damage) -> None:
    for number, victim in enumerate(one_of_each_kind(lexical(whole))):
        data = tmp_path / str(number)
        shutil.copytree(whole, data)
        damage(lexical(data) / victim.relative_to(lexical(whole)))
        library = opened(data)
        first, again = by_words(library, BIRDS[:2]), by_words(library, BIRDS[:8])
        assert first.wrong == [], victim.name
        assert all("again" in words for words in first.refused), (victim.name, first.refused)
        assert again.right, (victim.name, again)
        _earlier_snapshots_do_not_lie(library)
        if damage in (flip, delete):
            mend(library)
            assert by_words(library).right
        library.close()


@pytest.mark.parametrize("damage", [flip, truncate, empty, delete], ids=lambda damage: damage.__name__)
def test_a_reading_server_says_which_command_mends_the_words(whole: Path, tmp_path: Path, damage: Damage) -> None:
    for number, victim in enumerate(one_of_each_kind(lexical(whole))):
        data = tmp_path / str(number)
        shutil.copytree(whole, data)
        damage(lexical(data) / victim.relative_to(lexical(whole)))
        settings = Settings(data=data, models=tmp_path / "models", encoder="none", read_only=True)
        library = open_library(settings)
        try:
            answers = by_words(library, BIRDS[:8])
        finally:
            library.close()
        assert answers.wrong == [], victim.name
        assert len(answers.refused) in (0, 8 + len(GONE)), victim.name  # all of them or none: not now so, now so
        assert all("carrel doctor --repair" in words for words in answers.refused), (victim.name, answers.refused)


@pytest.mark.parametrize("kind", ["*.term", "*.idx", "meta.json"])
def test_a_words_file_that_vanishes_under_a_running_library_is_missed(data: Path, opened: Open, kind: str) -> None:
    library = opened(data)
    assert by_words(library).wrong == []
    for path in lexical(data).glob(kind):
        path.unlink()
    assert by_words(library).wrong == []
    library.close()
    assert by_words(opened(data)).right


def test_the_words_folder_replaced_by_a_file_is_no_end(data: Path, opened: Open) -> None:
    shutil.rmtree(lexical(data))
    lexical(data).write_text("in the way")
    answers = by_words(opened(data))
    assert answers.wrong == []
    assert all("doctor" in words or "permissions" in words for words in answers.refused), set(answers.refused)


def test_words_of_another_collection_put_in_place_of_these_are_not_believed(data: Path, opened: Open) -> None:
    library = opened(data)
    library.add([bird("bittern", 7, "other/bittern")], "other")
    library.close()
    shutil.rmtree(lexical(data))
    shutil.copytree(lexical(data, "other"), lexical(data))
    answers = by_words(library := opened(data))
    assert answers.right, answers
    assert titles(library, "bittern", "other") == ["Bittern"]


def test_an_older_copy_of_the_words_catches_up(data: Path, tmp_path: Path, opened: Open) -> None:
    shutil.copytree(lexical(data), tmp_path / "older")
    library = opened(data)
    library.add([bird("whinchat")])
    library.remove("default", [bird("ibis").doc_id])
    library.close()
    shutil.rmtree(lexical(data))
    shutil.copytree(tmp_path / "older", lexical(data))
    library = opened(data)
    assert titles(library, "whinchat") == ["Whinchat"]
    assert titles(library, "ibis") == []
    rest = by_words(library, [name for name in BIRDS if name != "ibis"])
    assert rest.right, rest
    mend(library)


# vectors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_vectors_are_made_again_and_words_go_on(
    whole: Path, tmp_path: Path, opened: Open, damage: Damage
) -> None:
    for number, victim in enumerate(one_of_each_kind(dense(whole))):
        data = tmp_path / str(number)
        shutil.copytree(whole, data)
        damage(dense(data) / victim.relative_to(dense(whole)))
        library = opened(data)
        hybrid, vectors = by_words(library, BIRDS[:6], mode="hybrid"), by_vector(library, BIRDS[:6])
        assert hybrid.right, (victim.name, hybrid)
        assert vectors.wrong == [], victim.name
        if vectors.refused or vectors.partial:
            assert hybrid.notes, victim.name
        told = errors(partial(library.add, [bird("ruff")]), partial(library.encode, "default"))
        assert all("doctor" in words or "dense" in words for words in told), (victim.name, told)
        assert by_words(library, [*BIRDS[:3], "ruff"]).right, victim.name
        mend(library)
        vectors = by_vector(library, [*BIRDS[:6], "ruff"])
        assert vectors.right, victim.name
        library.close()


@pytest.mark.parametrize("how", ["nothing but zeros", "a type there is none of", "its head is a folder"])
def test_vectors_damaged_where_lancedb_has_no_words_for_it_are_mended(data: Path, opened: Open, how: str) -> None:
    (manifest,) = dense(data).rglob("*.manifest")
    if how == "nothing but zeros":
        manifest.write_bytes(bytes(manifest.stat().st_size))
    elif how == "a type there is none of":
        manifest.write_bytes(manifest.read_bytes().replace(b"fixed_size_list", b"fixed_size_lisp"))
    else:
        (head,) = dense(data).rglob("head.json")
        head.unlink()
        head.mkdir()
    library = opened(data)
    assert by_words(library, mode="hybrid").right and by_vector(library).wrong == []
    mend(library)
    sound(library)


def test_every_vectors_file_deleted_at_once_is_said_and_mended(data: Path, opened: Open) -> None:
    shutil.rmtree(dense(data))
    library = opened(data)
    answers = by_words(library, mode="hybrid")
    assert answers.right, answers
    assert any("vectors" in note for note in answers.notes)
    assert search(library, ["osprey"]).coverage.get("dense", 0.0) < 1.0
    library.encode("default")
    sound(library)


def test_vectors_that_vanish_under_a_running_library_are_said_and_made_again(data: Path, opened: Open) -> None:
    library = opened(data)
    assert by_vector(library).wrong == []
    shutil.rmtree(dense(data))
    answers, vectors = by_words(library, mode="hybrid"), by_vector(library)
    assert answers.right and vectors.wrong == []
    library.encode("default")
    sound(library)


def test_an_older_copy_of_the_vectors_never_lends_a_vector_to_another_text(
    data: Path, tmp_path: Path, opened: Open
) -> None:
    shutil.copytree(dense(data), tmp_path / "older")
    library = opened(data)
    library.remove("default", [bird("ibis").doc_id], forget=True)
    library.add([bird("whinchat"), bird("stonechat")])
    library.encode("default")
    library.close()
    shutil.rmtree(dense(data))
    shutil.copytree(tmp_path / "older", dense(data))
    library = opened(data)
    names = [name for name in BIRDS if name != "ibis"]
    assert by_vector(library, names).wrong == []
    library.encode("default")
    answers = by_vector(library, [*names, "whinchat", "stonechat"])
    assert answers.right, answers


def test_an_older_copy_of_the_vectors_that_has_as_many_is_told_apart_and_made_up_for(
    data: Path, tmp_path: Path, opened: Open
) -> None:
    shutil.copytree(dense(data), tmp_path / "older")
    library = opened(data)
    library.remove("default", [bird(name).doc_id for name in ("ibis", "merlin", "osprey")], forget=True)
    library.encode("default")
    library.add([bird("whinchat"), bird("stonechat")])
    library.encode("default")
    library.close()
    shutil.rmtree(dense(data))
    shutil.copytree(tmp_path / "older", dense(data))
    library = opened(data)
    ranking = search(library, ["whinchat"])
    assert ranking.coverage["dense"] < 1.0 and any("vectors" in note for note in ranking.notes)
    library.encode("default")
    answers = by_vector(library, ["whinchat", "stonechat"])
    assert answers.right, answers
    assert search(library, ["whinchat"]).coverage["dense"] == 1.0


def test_vectors_are_not_missed_after_the_newest_ones_were_erased(data: Path, opened: Open) -> None:
    """What was written last is what is erased: no later batch is there, and none is missing."""
    library = opened(data)
    library.add([bird("whinchat")])
    library.encode("default")
    library.remove("default", [bird("whinchat").doc_id], forget=True)
    library.encode("default")
    assert search(library, ["ibis"]).coverage["dense"] == 1.0
    assert search(library, ["ibis"]).notes == ()
    library.add([bird("stonechat")])
    library.encode("default")
    assert by_vector(library, ["ibis", "stonechat"]).right
    sound(library)


async def test_status_and_search_tools_say_what_is_wrong_with_the_vectors(data: Path, tmp_path: Path) -> None:
    for path in dense(data).rglob("*"):
        if path.is_file():
            junk(path)
    library = Library(data, encoder=WordEncoder, background=False)
    try:
        host = Host(create_server(Settings(data=data, models=tmp_path / "models"), library=library))
        reply = await host.record("search_library", queries=["osprey"])
        assert reply["hits"][0]["title"] == "Osprey"
        assert any("vectors" in note for note in reply["notes"])
        kind, message = await host.refusal("search_library", queries=["osprey"], mode="dense")
        assert kind == "unavailable" and "vectors" in message
        status = await host.record("library_status")
        assert status["collections"][0]["documents"] == len(BIRDS)
    finally:
        library.close()


def _earlier_snapshots_do_not_lie(library: Library) -> None:
    """The osprey was there from the third commit on: a kept snapshot says so, or says that it cannot."""
    for generation in (1, 4, 8):
        try:
            hits = search(library, ["osprey"], mode="lexical", as_of=generation).hits
        except CarrelError as error:
            assert "kept" in str(error) or "again" in str(error) or "doctor" in str(error)
        else:
            assert len([hit for hit in hits if "osprey" in hit.passage.text]) == (PARTS if generation >= 3 else 0)


def test_the_damage_done_here_is_damage(whole: Path, tmp_path: Path) -> None:
    """Without help an index damaged like this does answer wrongly or fail: the tests above test something."""
    import tantivy

    shutil.copytree(lexical(whole), tmp_path / "lexical")
    for path in (tmp_path / "lexical").glob("*.term"):
        truncate(path)
    with pytest.raises(Exception) as told:
        tantivy.Index.open(str(tmp_path / "lexical")).searcher()
    assert not isinstance(told.value, CarrelError)
