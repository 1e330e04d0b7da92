"""Collections as files: copied inside a data folder, exported to one archive, imported from it anywhere.

The archive is a zip of ``manifest.json`` (what it is, counts, SHA-256 of each part), ``documents.jsonl`` (texts and
facts), ``passages.jsonl`` (spans, as they were cut) and, when there are vectors, ``digests.npy`` (int64, n) and
``vectors.npy`` (float32, n x dimension). Any program can read it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from carrel.documents import SPLITTER_VERSION
from carrel.errors import BadRequest, NotFound, Refused, Unavailable
from carrel.index import kept, lookups, members
from carrel.index.catalogue import Collection
from carrel.index.library import Library
from carrel.records import Document, Link, Section, document_id

__all__ = ["Archived", "copy_collection", "export_collection", "import_collection"]

_FORMAT = 1
_BATCH = 256  # documents per commit
_VECTORS = 8_192  # vectors moved at once
_LONGEST_LINE = 512 * 1024 * 1024  # bytes of one document with everything known of it
_PARTS = ("documents.jsonl", "passages.jsonl", "digests.npy", "vectors.npy")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Archived:
    """What was moved: documents, passages and vectors of a collection."""

    collection: str
    documents: int
    passages: int
    vectors: int


def copy_collection(library: Library, source: str, target: str) -> Archived:
    """Make collection ``target`` of what ``source`` holds now, vectors included. Raises BadRequest when it exists."""
    there = library.collection(source)
    _must_be_new(library, target)
    library.create(target, language=there.language, model=there.model)
    for batch in _batches(library, there):
        library.add(batch, target)
    return _with_vectors(library, target, _copied_vectors(library, there, library.collection(target)))


def export_collection(
    library: Library, name: str, path: Path, progress: Progress = lambda done, total: None
) -> Archived:
    """Write a collection to one archive, whole or not at all. Raises NotFound, or Refused when the file is there or
    cannot be written."""
    there = library.collection(name)
    if path.exists():
        raise Refused("that file is there already; name another, or remove it first")
    draft = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            did = _write(library, there, archive, progress)
        draft.replace(path)
    except OSError as error:
        raise Refused(f"the archive cannot be written ({error.strerror or 'unknown reason'})") from error
    finally:
        draft.unlink(missing_ok=True)
    return did


def import_collection(
    library: Library, path: Path, name: str = "", progress: Progress = lambda done, total: None
) -> Archived:
    """Make a collection of an archive, under its own name or another.

    Everything is checked against its hash before anything is added. Begun again after an interruption it goes on where
    it was. Raises BadRequest for what is no archive, is damaged or would mix with a collection made otherwise, and
    NotFound when the file is not there.
    """
    if not path.is_file():
        raise NotFound("there is no such archive")
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _checked(archive)
            target = name or str(manifest["collection"])
            library.create(target, language=str(manifest["language"]), model=str(manifest["model"]))
            _read_documents(library, archive, target, int(manifest["documents"]), progress)
            return _with_vectors(library, target, _read_vectors(library, archive, manifest, target))
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError, TypeError) as error:
        raise BadRequest("that is not a Carrel archive, or it is damaged; export it again") from error
    except OSError as error:
        raise Refused(f"the archive cannot be read ({error.strerror or 'unknown reason'})") from error


# -- inside a data folder ----------------------------------------------------------------------------------------------


def _must_be_new(library: Library, name: str) -> None:
    with contextlib.suppress(NotFound):
        library.collection(name)
        raise BadRequest(f"collection '{name}' is there already; choose another name, or remove it first")


def _batches(library: Library, there: Collection) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for document in _documents(library, there):
        batch.append(document)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _documents(library: Library, there: Collection) -> Iterator[Document]:
    """The current members, with the tags they have in this collection."""
    for doc_no in members.everyone(library.store, there.number):
        (doc_id, tags) = library.store.rows(
            "SELECT d.doc_id, m.tags FROM documents d CROSS JOIN members m ON m.doc_no=d.doc_no AND m.collection_no=? "
            "AND m.ended IS NULL WHERE d.doc_no=?",
            (there.number, doc_no),
        )[0]
        yield replace(kept.document(library.store, doc_id), tags=tuple(json.loads(tags)))


def _copied_vectors(library: Library, there: Collection, target: Collection) -> int:
    import numpy as np

    if not there.fingerprint:
        return 0
    old, new = (library.arms.vectors(each, there.fingerprint) for each in (there, target))
    wanted = lookups.digests(library.store, target.number, lookups.NOW, None)
    count = 0
    for start in range(0, len(wanted), _VECTORS):
        digests, vectors = old.vectors(np.asarray(wanted[start : start + _VECTORS]))
        if len(digests):
            new.write(digests, vectors)
        count += len(digests)
    if count:
        new.tidy()
    _note_encoder(library, target, there.encoder, there.fingerprint)
    return count


def _note_encoder(library: Library, target: Collection, encoder: str, fingerprint: str) -> None:
    with library.store.change():
        library.store.run(
            "UPDATE collections SET encoder=?, fingerprint=? WHERE collection_no=? AND fingerprint IN ('', ?)",
            (encoder, fingerprint, target.number, fingerprint),
        )


def _with_vectors(library: Library, name: str, vectors: int) -> Archived:
    """Mark the passages whose vectors have come along, and have the others made."""
    with contextlib.suppress(Unavailable):
        library.adopt_vectors(name)
    library.encode_in_background()
    found = library.collection(name)
    return Archived(name, found.documents, found.passages, vectors)


# -- writing -----------------------------------------------------------------------------------------------------------


def _write(library: Library, there: Collection, archive: zipfile.ZipFile, progress: Progress) -> Archived:
    hashes: dict[str, str] = {}
    counts = {"documents": 0, "passages": 0, "vectors": 0}
    with library.store.snapshot():
        with _part(archive, "documents.jsonl", hashes) as write:
            for document in _documents(library, there):
                write(_line(_document_record(document)))
                counts["documents"] += 1
                progress(counts["documents"], there.documents)
        with _part(archive, "passages.jsonl", hashes) as write:
            for row in members.spans(library.store, there.number):
                write(_line(dict(zip(("doc_id", "start", "end", "heading", "digest"), row, strict=True))))
                counts["passages"] += 1
        counts["vectors"] = _write_vectors(library, there, archive, hashes)
    manifest = {
        "format": _FORMAT,
        **{key: getattr(there, key) for key in ("analyser", "splitter", "language", "model", "encoder", "fingerprint")},
        "collection": there.name,
        "snapshot": there.journalled,
        **counts,
        "sha256": hashes,
    }
    archive.writestr("manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False))
    return Archived(there.name, counts["documents"], counts["passages"], counts["vectors"])


@contextlib.contextmanager
def _part(archive: zipfile.ZipFile, name: str, hashes: dict[str, str]) -> Iterator[Callable[[bytes], None]]:
    digest = hashlib.sha256()
    # A fixed date: equal collections make equal archives.
    with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as file:

        def write(content: bytes) -> None:
            digest.update(content)
            file.write(content)

        yield write
    hashes[name] = digest.hexdigest()


def _write_vectors(library: Library, there: Collection, archive: zipfile.ZipFile, hashes: dict[str, str]) -> int:
    import numpy as np

    if not there.fingerprint:
        return 0
    arm = library.arms.vectors(there, there.fingerprint)
    wanted = lookups.digests(library.store, there.number, lookups.NOW, None)
    digests = wanted[arm.has(wanted)] if len(wanted) else wanted
    if not len(digests):
        return 0
    dimension = arm.vectors(digests[:1])[1].shape[1]
    with _part(archive, "digests.npy", hashes) as write:
        write(_npy_header(np.dtype(np.int64), (len(digests),)) + digests.tobytes())
    with _part(archive, "vectors.npy", hashes) as write:
        write(_npy_header(np.dtype(np.float32), (len(digests), dimension)))
        for start in range(0, len(digests), _VECTORS):
            asked = digests[start : start + _VECTORS]
            found, vectors = arm.vectors(asked)
            write(vectors[np.argsort(found)].tobytes())
    return len(digests)


def _npy_header(kind: Any, shape: tuple[int, ...]) -> bytes:
    import io

    import numpy as np

    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    )
    return header.getvalue()


def _document_record(document: Document) -> dict[str, Any]:
    return {**asdict(document), "metadata": dict(document.metadata)}


def _line(record: Mapping[str, Any]) -> bytes:
    # ASCII, so that even half a surrogate pair survives.
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


# -- reading -----------------------------------------------------------------------------------------------------------


def _checked(archive: zipfile.ZipFile) -> dict[str, Any]:
    with archive.open("manifest.json") as file:
        manifest = json.loads(file.read(1_000_000))
    if manifest["format"] != _FORMAT:
        raise BadRequest("that archive was written by a newer version of Carrel; use that one")
    hashes = manifest["sha256"]
    if set(hashes) - set(_PARTS) or not {"documents.jsonl", "passages.jsonl"} <= set(hashes):
        raise BadRequest("that is not a Carrel archive, or it is damaged; export it again")
    for name, wanted in hashes.items():
        with archive.open(name) as file:
            if _hash(file) != wanted:
                raise BadRequest("the archive is damaged: a part of it does not have the hash its manifest names")
    return dict(manifest)


def _hash(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _read_documents(library: Library, archive: zipfile.ZipFile, target: str, total: int, progress: Progress) -> None:
    batch: list[Document] = []
    done = 0
    with archive.open("documents.jsonl") as file:
        while line := file.readline(_LONGEST_LINE):
            batch.append(_read_document(json.loads(line)))
            done += 1
            if len(batch) == _BATCH:
                library.add(batch, target)
                batch = []
                progress(done, total)
    if batch:
        library.add(batch, target)
    progress(done, total)


def _read_document(record: Mapping[str, Any]) -> Document:
    if document_id(record["source"], record["text"]) != record["doc_id"]:
        raise BadRequest("the archive is damaged: a document's text is not the one its reference names")
    return Document(
        **{
            **record,
            "sections": tuple(Section(**{**each, "path": tuple(each["path"])}) for each in record["sections"]),
            "links": tuple(Link(**each) for each in record["links"]),
            **{key: tuple(record[key]) for key in ("authors", "tags", "page_starts")},
        }
    )


def _read_vectors(library: Library, archive: zipfile.ZipFile, manifest: Mapping[str, Any], target: str) -> int:
    import numpy as np

    if not manifest["vectors"] or manifest["splitter"] != SPLITTER_VERSION:
        return 0
    there = library.collection(target)
    if there.fingerprint not in ("", manifest["fingerprint"]):
        return 0  # made here with another encoder: its vectors are made anew
    arm, count = library.arms.vectors(there, str(manifest["fingerprint"])), 0
    with tempfile.TemporaryDirectory(prefix="carrel-import-") as folder:
        digests, vectors = (
            np.load(archive.extract(name, folder), mmap_mode="r", allow_pickle=False)
            for name in ("digests.npy", "vectors.npy")
        )
        if len(digests) != len(vectors) or digests.dtype != np.int64 or vectors.dtype != np.float32:
            raise BadRequest("the archive is damaged: its vectors are not what its manifest says")
        for start in range(0, len(digests), _VECTORS):
            part = np.array(digests[start : start + _VECTORS])
            new = ~arm.has(part)
            if new.any():
                arm.write(part[new], np.array(vectors[start : start + _VECTORS])[new])
            count += len(part)
    arm.tidy()
    _note_encoder(library, there, str(manifest["encoder"]), str(manifest["fingerprint"]))
    return count
