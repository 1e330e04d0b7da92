"""The library keeps what it acknowledged, in all arms or in none, for every process that has it open."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from carrel.errors import BadRequest, CarrelError, IncompatibleIndex, NotFound, Refused, Unavailable
from carrel.index import Library
from carrel.records import Document, EvidenceRef
from carrel.retrieve import search
from kit import FOX, WordEncoder, text_document

Make = Callable[..., Library]


def refs(library: Library, query: str, **options: object) -> list[str]:
    return [hit.passage.doc_id for hit in search(library, [query], granularity="document", **options).hits]  # type: ignore[arg-type]


def test_an_added_document_is_found_by_words_at_once(library: Library, fox: Document) -> None:
    added = library.add([fox])
    assert (added.added, added.replaced, added.unchanged) == (1, 0, 0)
    assert refs(library, "rodents") == [fox.doc_id]


def test_adding_the_same_again_changes_nothing(library: Library, fox: Document) -> None:
    library.add([fox])
    again = library.add([fox])
    assert (again.added, again.unchanged, again.passages) == (0, 1, 0)
    assert again.generation == library.generation() == 1
    assert library.collections()[0].documents == 1


def test_a_new_text_of_a_source_replaces_the_old_which_stays_readable(library: Library, fox: Document) -> None:
    library.add([fox])
    newer = text_document(FOX.replace("rodents", "lizards"), "Foxes")
    assert library.add([newer]).replaced == 1
    assert refs(library, "rodents lizards") == [newer.doc_id]
    assert "rodents" in library.document(fox.doc_id).text


def test_an_older_text_that_comes_back_is_found_again(library: Library, fox: Document) -> None:
    newer = text_document(FOX.replace("rodents", "lizards"), "Foxes")
    for document in (fox, newer, fox):
        library.add([document])
    assert refs(library, "rodents") == [fox.doc_id]
    assert library.collections()[0].documents == 1


def test_a_removed_document_is_not_found_but_its_references_still_open(library: Library, fox: Document) -> None:
    library.add([fox])
    assert library.remove("default", [fox.doc_id]).documents == (fox.doc_id,)
    assert refs(library, "rodents") == []
    assert library.resolve(EvidenceRef(fox.doc_id, 2, 7)).text == "Foxes"


def test_a_forgotten_document_is_erased_unless_another_collection_holds_it(library: Library, fox: Document) -> None:
    library.add([fox])
    library.add([fox], "second")
    assert library.remove("default", [fox.doc_id], forget=True).forgotten == 0
    assert library.remove("second", [fox.doc_id], forget=True).forgotten == 1
    with pytest.raises(NotFound):
        library.document(fox.doc_id)


def test_every_span_of_a_stored_text_resolves_indexed_or_not(library: Library) -> None:
    document = text_document("Ünïcödé 𝔘𝔫𝔦 — a text with characters of every width: 語言處理.", "Widths")
    library.keep(document)
    for start in range(0, len(document.text) - 4, 3):
        assert library.resolve(EvidenceRef(document.doc_id, start, start + 4)).text == document.text[start : start + 4]


def test_a_span_past_the_end_is_the_callers_mistake(library: Library, fox: Document) -> None:
    library.keep(fox)
    with pytest.raises(BadRequest, match="ends after the document"):
        library.resolve(EvidenceRef(fox.doc_id, 0, 10**6))


def test_passage_texts_in_hits_are_the_spans_they_name(library: Library, fox: Document, owl: Document) -> None:
    library.add([fox, owl])
    hits = search(library, ["birds of prey hunt rodents"]).hits
    assert len(hits) == 2
    for hit in hits:
        passage = hit.passage
        assert library.document(passage.doc_id).text[passage.start : passage.end] == passage.text


def test_vectors_follow_and_are_resumed_by_whoever_opens_the_folder_next(
    make_library: Make, fox: Document, owl: Document
) -> None:
    first = make_library(encoder=WordEncoder(), background=False)
    first.add([fox, owl])
    assert first.coverage("default")["dense"] == 0.0
    first.close()
    second = make_library(encoder=WordEncoder(), background=False)
    assert second.encode("default") == second.collections()[0].passages
    assert second.coverage("default") == {"lexical": 1.0, "dense": 1.0}
    assert second.encode("default") == 0
    assert refs(second, "barn owl hearing", mode="dense")[0] == owl.doc_id


def test_the_background_thread_fills_in_vectors(make_library: Make, fox: Document) -> None:
    written = threading.Event()

    class Telling(WordEncoder):
        def encode(self, texts):  # type: ignore[no-untyped-def]
            written.set()
            return super().encode(texts)

    library = make_library(encoder=Telling())
    library.add([fox])
    assert written.wait(20)
    library.close()  # waits for the batch in hand
    assert make_library(encoder=WordEncoder(), background=False).pending("default") == 0


def test_vectors_lost_from_disk_are_noticed_and_made_again(make_library: Make, tmp_path: Path, fox: Document) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    library.add([fox])
    library.encode("default")
    library.close()
    shutil.rmtree(tmp_path / "data" / "collections" / "default.1" / "dense")
    again = make_library(encoder=WordEncoder(), background=False)
    assert again.encode("default") == again.collections()[0].passages
    assert refs(again, "rodents", mode="dense") == [fox.doc_id]


def test_a_lost_lexical_index_is_rebuilt_from_the_store(make_library: Make, tmp_path: Path, fox: Document) -> None:
    library = make_library()
    library.add([fox])
    library.close()
    shutil.rmtree(tmp_path / "data" / "collections" / "default.1" / "lexical")
    assert refs(make_library(), "rodents") == [fox.doc_id]


def test_another_encoder_is_refused_with_the_way_out_and_words_still_work(make_library: Make, fox: Document) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    library.add([fox])
    library.encode("default")
    library.close()
    other = make_library(encoder=WordEncoder("other-16", 16), background=False)
    with pytest.raises(IncompatibleIndex, match=r"words-32.*--encoder"):
        search(other, ["rodents"])
    assert refs(other, "rodents", mode="lexical") == [fox.doc_id]


def test_without_a_model_hybrid_search_is_lexical_and_says_so(make_library: Make, fox: Document) -> None:
    def missing() -> WordEncoder:
        raise Unavailable("the encoder is not installed; run: carrel models install")

    library = Library(make_library().data, encoder=missing, background=False)  # type: ignore[arg-type]
    library.add([fox])
    ranking = search(library, ["rodents"])
    assert ranking.hits[0].passage.doc_id == fox.doc_id
    assert "carrel models install" in ranking.notes[0]
    with pytest.raises(Unavailable):
        search(library, ["rodents"], mode="dense")
    library.close()


def test_two_libraries_on_one_folder_see_each_others_commits(make_library: Make, fox: Document, owl: Document) -> None:
    one, other = make_library(), make_library()
    one.add([fox])
    assert refs(other, "rodents") == [fox.doc_id]
    other.add([owl])
    assert refs(one, "barn") == [owl.doc_id]
    assert one.generation() == other.generation() == 2


def test_writers_of_several_threads_queue_and_lose_nothing(make_library: Make) -> None:
    libraries = [make_library(), make_library()]
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for turn in range(5):
                libraries[number % 2].add([text_document(f"zebra {number} {turn}", f"note {number}-{turn}")])
        except BaseException as error:  # noqa: BLE001 - whatever a thread raises fails the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(search(libraries[0], ["zebra"], k=50).hits) == 20


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """A process that dies right after an addition was acknowledged, and in the middle of the next one."""
    script = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from carrel import ingest
        from carrel.index import Library, kept
        library = Library(Path(sys.argv[1]))
        library.add([ingest.note("The okapi is striped.", title="one")])
        with library.store.write():
            kept.put(library.store, ingest.note("half done", title="two"), 0.0)
            os.kill(os.getpid(), 9)
        """
    )
    data = tmp_path / "data"
    finished = subprocess.run([sys.executable, "-c", script, str(data)], check=False, timeout=60)
    assert finished.returncode == -9
    library = Library(data)
    assert len(refs(library, "okapi")) == 1
    assert library.collections()[0].documents == 1
    assert library.store.value("SELECT count(*) FROM documents") == 1
    library.close()


def test_an_arm_left_behind_by_a_kill_catches_up_at_the_next_search(tmp_path: Path, fox: Document) -> None:
    library = Library(tmp_path / "data")
    library.catch_up = lambda *_, **__: None  # type: ignore[method-assign]  # the store commits, then the lights go out
    library.add([fox])
    library.close()
    again = Library(tmp_path / "data")
    assert refs(again, "rodents") == [fox.doc_id]
    again.close()


def test_a_folder_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Refused, match="--data"):
        Library(tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(Refused, match="--data"):
        Library(tmp_path / "locked")


def test_a_file_that_is_not_a_store_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(IncompatibleIndex, match="damaged or not Carrel's"):
        Library(tmp_path)


def test_a_store_of_a_later_format_is_refused_and_left_alone(make_library: Make, tmp_path: Path) -> None:
    make_library().close()
    with sqlite3.connect(tmp_path / "data" / "store.sqlite") as connection:
        connection.execute("UPDATE meta SET value='99' WHERE key='format'")
    connection.close()
    with pytest.raises(IncompatibleIndex, match="format 99"):
        Library(tmp_path / "data")


@pytest.mark.parametrize("name", ["", "Notes", "../etc", "a b", "x" * 65, "-a"])
def test_a_collection_name_that_could_be_a_path_is_refused(library: Library, fox: Document, name: str) -> None:
    with pytest.raises(BadRequest, match="collection name"):
        library.add([fox], name)


def test_an_unknown_collection_is_not_an_empty_one(library: Library, fox: Document) -> None:
    library.add([fox])
    with pytest.raises(NotFound, match="there are: default"):
        search(library, ["fox"], collection="elsewhere")


def test_jobs_outlive_the_process_and_a_silent_one_is_called_interrupted(make_library: Make) -> None:
    now = [1000.0]
    library = make_library(clock=lambda: now[0])
    job = library.jobs.begin("add", "default")
    library.jobs.report(job, state="running", done=3, total=9, report={})
    other = make_library(clock=lambda: now[0])
    assert (other.jobs.get(job).state, other.jobs.get(job).done) == ("running", 3)
    now[0] += 1000
    assert other.jobs.get(job).state == "interrupted"
    with pytest.raises(NotFound):
        other.jobs.get("job_00000000")


def test_a_closed_library_says_so(make_library: Make) -> None:
    library = make_library()
    library.close()
    with pytest.raises(CarrelError, match="closed"):
        library.collections()
