"""Collections as files: what is exported is imported elsewhere, whole, checked, with its vectors."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from carrel.errors import BadRequest, NotFound, Refused, Unavailable
from carrel.index import Library
from carrel.index import archive as archiving
from carrel.index.archive import copy_collection, export_collection, import_collection
from carrel.index.upkeep import examine
from carrel.retrieve import search
from kit import FOX, OWL, WordEncoder, text_document

Make = Callable[..., Library]


@pytest.fixture
def source(make_library: Make) -> Library:
    library = make_library("source", encoder=WordEncoder(), background=False)
    library.create("birds", language="en")
    library.add([text_document(FOX, "Foxes"), text_document(OWL, "Owls")], "birds")
    library.encode("birds")
    return library


@pytest.fixture
def archive(source: Library, tmp_path: Path) -> Path:
    path = tmp_path / "birds.zip"
    did = export_collection(source, "birds", path)
    assert (did.documents, did.passages, did.vectors) == (2, 5, 5)
    return path


def tampered(archive: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """The archive with one part changed."""
    other = archive.with_name("tampered.zip")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(other, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info, change(content) if info.filename == name else content)
    return other


def test_an_archive_brings_documents_passages_and_vectors_to_another_folder(archive: Path, make_library: Make) -> None:
    encoder = WordEncoder()
    library = make_library("target", encoder=encoder, background=False)
    did = import_collection(library, archive)
    assert (did.collection, did.documents, did.passages, did.vectors) == ("birds", 2, 5, 5)
    assert search(library, ["barn owl mice"], collection="birds", mode="dense").hits[0].title == "Owls"
    assert library.encode("birds") == 0  # nothing had to be encoded
    assert library.coverage("birds")["dense"] == 1.0
    assert examine(library) == []


def test_an_archive_brings_its_vectors_where_no_encoder_is(archive: Path, make_library: Make) -> None:
    import_collection(make_library("target"), archive)
    encoder = WordEncoder()
    later = make_library("target", encoder=encoder, background=False)
    assert later.encode("birds") == 0 and encoder.encoded == 0
    assert search(later, ["barn owl mice"], collection="birds", mode="dense").hits[0].title == "Owls"


def test_references_hold_across_folders(archive: Path, source: Library, make_library: Make) -> None:
    library = make_library("target")
    import_collection(library, archive, "elsewhere")
    ref = search(source, ["rodents"], collection="birds").hits[0].passage.ref
    assert library.resolve(ref).text == source.resolve(ref).text


def test_an_interrupted_import_goes_on_where_it_was(archive: Path, make_library: Make) -> None:
    library = make_library("target")
    library.create("birds", language="en")
    library.add([text_document(FOX, "Foxes")], "birds")
    assert import_collection(library, archive).documents == 2


def test_equal_collections_make_equal_archives(archive: Path, source: Library, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    export_collection(source, "birds", again)
    assert again.read_bytes() == archive.read_bytes()
    with zipfile.ZipFile(again) as parts:  # whatever the day
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(
    "error", [Unavailable("the data folder's disk is full"), KeyboardInterrupt()], ids=["full", "^C"]
)
def test_a_copy_that_is_cut_short_leaves_no_half_of_one(
    source: Library, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(archiving, "_BATCH", 1)
    add, added = source.add, []

    def once(*arguments: object, **options: object) -> object:
        if added:
            raise error
        added.append(arguments)
        return add(*arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as full, pytest.raises(type(error)):
        full.setattr(source, "add", once)
        copy_collection(source, "birds", "copy")
    assert [each.name for each in source.collections()] == ["birds"]
    assert copy_collection(source, "birds", "copy").documents == 2


def test_a_copy_has_everything_and_lives_on_its_own(source: Library) -> None:
    did = copy_collection(source, "birds", "spare")
    assert (did.documents, did.passages, did.vectors) == (2, 5, 5)
    source.remove("birds", list(source.find("birds")), drop=True)
    assert search(source, ["barn owl mice"], collection="spare", mode="dense").hits[0].title == "Owls"
    assert source.encode("spare") == 0
    assert examine(source) == []


def test_a_copy_does_not_overwrite(source: Library) -> None:
    with pytest.raises(BadRequest, match="there already"):
        copy_collection(source, "birds", "birds")


def test_an_export_does_not_overwrite_and_leaves_no_half_file(source: Library, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there already"):
        export_collection(source, "birds", archive)
    with pytest.raises(NotFound):
        export_collection(source, "fish", tmp_path / "fish.zip")
    with pytest.raises(Refused, match="cannot be written"):
        export_collection(source, "birds", tmp_path / "no" / "folder.zip")
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != "") == ["birds.zip"]


def test_a_changed_part_is_refused_before_anything_is_added(archive: Path, make_library: Make) -> None:
    library = make_library("target")
    for name in ("documents.jsonl", "passages.jsonl", "vectors.npy"):
        with pytest.raises(BadRequest, match="damaged"):
            import_collection(library, tampered(archive, name, lambda content: content[:-3] + b"x\n "))
    assert library.collections() == ()


def test_a_text_under_another_texts_reference_is_refused(archive: Path, make_library: Make) -> None:
    def forge(content: bytes) -> bytes:
        return content.replace(b"500 grams", b"900 grams")

    forged = tampered(archive, "documents.jsonl", forge)
    with zipfile.ZipFile(forged) as parts:
        digest = hashlib.sha256(parts.read("documents.jsonl")).hexdigest()

    def resign(content: bytes) -> bytes:
        manifest = json.loads(content)
        manifest["sha256"]["documents.jsonl"] = digest
        return json.dumps(manifest).encode()

    shutil.copy(forged, forged.with_name("forged.zip"))
    with pytest.raises(BadRequest, match="not the one its reference names"):
        import_collection(make_library("target"), tampered(forged.with_name("forged.zip"), "manifest.json", resign))


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x05\x06" + b"\0" * 18], ids=["empty", "junk", "an empty zip"])
def test_what_is_no_archive_is_refused(content: bytes, make_library: Make, tmp_path: Path) -> None:
    path = tmp_path / "file.zip"
    path.write_bytes(content)
    with pytest.raises(BadRequest, match="not a Carrel archive"):
        import_collection(make_library(), path)


def test_a_missing_archive_is_not_found(make_library: Make, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        import_collection(make_library(), tmp_path / "none.zip")


def test_a_collection_has_its_own_language(make_library: Make) -> None:
    library = make_library()
    library.create("deutsch", language="de")
    library.add([text_document("Die Häuser stehen leer.", "Stadt")], "deutsch")
    library.add([text_document("Die Häuser stehen leer.", "Stadt")], "default")
    stemmed, guessed = search(library, ["Haus"], collection="deutsch"), search(library, ["Haus"])
    assert stemmed.hits and not any("nothing has" in note for note in stemmed.notes)
    assert any("nothing has 'Haus'" in note for note in guessed.notes)
    assert not search(library, ["die"], collection="deutsch").hits and search(library, ["die"]).hits
    with pytest.raises(BadRequest, match="made otherwise"):
        library.create("deutsch", language="fr")
    with pytest.raises(BadRequest, match="unknown language"):
        library.create("other", language="klingon")


def resigned(archive: Path, name: str, change: Callable[[bytes], bytes], **facts: object) -> Path:
    """The archive with one part changed and the hashes put right, as a liar would; ``facts`` replace the manifest's."""
    changed = tampered(archive, name, change)
    with zipfile.ZipFile(changed) as parts:
        manifest = json.loads(parts.read("manifest.json"))
        for part in manifest["sha256"]:
            manifest["sha256"][part] = hashlib.sha256(parts.read(part)).hexdigest()
    manifest.update(facts)
    again = archive.with_name("resigned.zip")
    shutil.move(changed, again)
    return tampered(again, "manifest.json", lambda _: json.dumps(manifest).encode())


def with_field(name: str, value: object) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        records = [json.loads(line) for line in content.splitlines()]
        records[0][name] = value
        return b"".join(json.dumps(record).encode() + b"\n" for record in records)

    return change


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tags", [1]),
        ("page_starts", ["a"]),
        ("page_starts", [99_999]),
        ("title", None),
        ("date", 7),
        ("sections", [{"heading": "", "level": 0, "start": 5, "end": 99_999, "path": []}]),
        ("metadata", {"a": {"b": 1}}),
    ],
    ids=str,
)
def test_a_record_that_is_no_document_is_refused_before_anything_is_added(
    archive: Path, make_library: Make, name: str, value: object
) -> None:
    library = make_library("target")
    with pytest.raises(BadRequest, match="not a Carrel archive"):
        import_collection(library, resigned(archive, "documents.jsonl", with_field(name, value)))
    assert library.collections() == ()


@pytest.mark.parametrize("fingerprint", ["../../../../elsewhere", "/tmp/elsewhere", "", "ab"], ids=str)
def test_an_archive_cannot_choose_where_its_vectors_lie(archive: Path, make_library: Make, fingerprint: str) -> None:
    library = make_library("target")
    with pytest.raises(BadRequest):
        import_collection(
            library, resigned(archive, "documents.jsonl", lambda content: content, fingerprint=fingerprint)
        )
    assert library.collections() == ()


def test_an_archive_does_not_mix_with_a_collection_of_its_name(archive: Path, make_library: Make) -> None:
    library = make_library("target")
    library.add([text_document("my own note", "Mine")], "birds")
    with pytest.raises(BadRequest, match="under another name"):
        import_collection(library, archive)
    assert library.collection("birds").documents == 1


def test_vectors_of_another_encoder_do_not_take_over_a_collection_that_waits_for_its_own(
    archive: Path, make_library: Make
) -> None:
    library = make_library("target")
    library.create("birds", language="en")
    library.add([text_document(FOX, "Foxes")], "birds")
    assert import_collection(library, archive).vectors == 0
    assert library.collection("birds").fingerprint == ""


@pytest.mark.parametrize("manifest", ["[]", "null", "1", '"birds"'])
def test_a_manifest_that_is_no_table_of_facts_is_refused(archive: Path, make_library: Make, manifest: str) -> None:
    with pytest.raises(BadRequest, match="not a Carrel archive"):
        import_collection(make_library("target"), tampered(archive, "manifest.json", lambda _: manifest.encode()))


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2], ids=["lzma", "bzip2"])
def test_damage_in_a_part_packed_in_another_way_is_told_as_damage(
    archive: Path, make_library: Make, method: int
) -> None:
    packed = archive.with_name("packed.zip")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(packed, "w", method) as new:
        for name in sorted(old.namelist(), reverse=True):
            new.writestr(name, old.read(name))
        offset = new.getinfo("manifest.json").header_offset
    content = bytearray(packed.read_bytes())
    start = offset + 30 + len("manifest.json") + 16  # behind both headers
    content[start : start + 40] = b"\xff" * 40
    packed.write_bytes(content)
    with pytest.raises(BadRequest, match="not a Carrel archive, or it is damaged"):
        import_collection(make_library("target"), packed)


def test_two_exports_to_one_file_at_once_do_not_mix(source: Library, tmp_path: Path) -> None:
    path = tmp_path / "birds.zip"

    def another(done: int, _: int) -> None:
        if done == 1:
            export_collection(source, "birds", path)

    with pytest.raises(Refused, match="there already"):
        export_collection(source, "birds", path, another)
    with zipfile.ZipFile(path) as whole:
        assert whole.testzip() is None
    assert list(tmp_path.glob(".*.part")) == []
