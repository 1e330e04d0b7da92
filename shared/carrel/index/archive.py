"""Collections as files: copied inside a data folder, exported to one archive, imported from it anywhere.

The archive is a zip of ``manifest.json`` (what it is, counts, SHA-256 of each part), ``documents.jsonl`` (texts and
facts), ``passages.jsonl`` (spans, as they were cut) and, when there are vectors, ``digests.npy`` (int64, n) and
``vectors.npy`` (float32, n x dimension). Any program can read it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from carrel.documents import SPLITTER_VERSION
from carrel.errors import BadRequest, CarrelError, NotFound, Refused, Unavailable
from carrel.index import catalogue, kept, lookups, members
from carrel.index.catalogue import Collection
from carrel.index.dense.arrays import flush_folder
from carrel.index.library import Library
from carrel.records import Document, document_id

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydantic import TypeAdapter

__all__ = ["Archived", "copy_collection", "export_collection", "import_collection"]

_FORMAT = 1
_BATCH = 256  # documents per commit
_VECTORS = 8_192  # vectors moved at once
_LONGEST_LINE = 512 * 1024 * 1024  # bytes of one document with everything known of it
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_WIDEST = 16_384  # dimensions of a vector
_STRAY = 1e-3  # how far a vector's length may lie from 1
_PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # the others tell of damage each in a way of its own
_THERE = "that file is there already; name another, or remove it first"

Progress = Callable[[int, int], None]
_Vectors = tuple["NDArray[np.int64]", "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class _Manifest:
    """``manifest.json``."""

    format: int
    analyser: str
    splitter: str
    language: str
    encoder: str
    fingerprint: str
    collection: str
    snapshot: int
    documents: int
    passages: int
    vectors: int
    sha256: dict[str, str]
    sparse: str = ""


@dataclass(frozen=True, slots=True)
class Archived:
    """What was moved: documents, passages and vectors of a collection."""

    collection: str
    documents: int
    passages: int
    vectors: int


def copy_collection(library: Library, source: str, target: str, *, sparse: str = "") -> Archived:
    """Make collection ``target`` of what ``source`` holds now, vectors included; with ``sparse``, another
    learned-sparse model is given to it.

    Raises BadRequest when it exists, and NotFound when either is dropped meanwhile. Where it raises, or is interrupted,
    there is no copy: half of one would pass for the whole.
    """
    there = library.collection(source)
    _must_be_new(library, target)
    made = library.create(target, language=there.language, model=there.model, sparse=sparse or there.sparse)
    copied: list[str] = []
    try:
        with _filling(library, made), catalogue.not_dropped(library.store, there):
            for batch in _batches(library, there):
                copied += [document.doc_id for document in batch]
                library.add(batch, target)
            _copy_sparse(library, there, library.collection(target))
            archived = _with_vectors(library, target, _copied_vectors(library, there, library.collection(target)))
            catalogue.same(library.store, there)
            return archived
    except BaseException:
        with contextlib.suppress(CarrelError):
            library.remove(target, copied, drop=True)
        raise


def export_collection(
    library: Library, name: str, path: Path, progress: Progress = lambda done, total: None
) -> Archived:
    """Write a collection to one archive, whole or not at all. Raises NotFound, or Refused when the file is there or
    cannot be written."""
    there = library.collection(name)
    if path.exists():
        raise Refused(_THERE)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")  # each its own: two may export at once
    try:
        with (
            catalogue.not_dropped(library.store, there),
            zipfile.ZipFile(draft, "w") as archive,
        ):
            did = _write(library, there, archive, progress)
            catalogue.same(library.store, there)  # or its vectors may have gone before they were read
        if path.exists():
            raise Refused(_THERE)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
        flush_folder(path.parent)
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
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="carrel-import-") as folder:
            manifest = _checked(archive)
            doc_ids = {_read_document(record).doc_id for record in _records(archive)}  # all, before anything is added
            vectors = _unpacked_vectors(archive, manifest, Path(folder))
            target = name or manifest.collection
            _must_not_mix(library, target, doc_ids)
            made = library.create(target, language=manifest.language, sparse=manifest.sparse)
            with _filling(library, made):
                _read_documents(library, archive, target, manifest.documents, progress)
                fresh = not made.documents
                count = _take_vectors(library, manifest, vectors, target, fresh=fresh) if vectors else 0
                return _with_vectors(library, target, count)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError, RuntimeError) as error:
        raise BadRequest("that is not a Carrel archive, or it is damaged; export it again") from error
    except OSError as error:
        raise Refused(f"the archive cannot be read ({error.strerror or 'unknown reason'})") from error


# -- inside a data folder ----------------------------------------------------------------------------------------------


def _must_be_new(library: Library, name: str) -> None:
    with contextlib.suppress(NotFound):
        library.collection(name)
        raise BadRequest(f"collection '{name}' is there already; choose another name, or remove it first")


def _must_not_mix(library: Library, name: str, doc_ids: set[str]) -> None:
    """An import that was interrupted may go on; a collection with documents of its own is left alone."""
    with contextlib.suppress(NotFound):
        if set(library.find(name)) - doc_ids:
            raise BadRequest(f"collection '{name}' is there already with other documents; import it under another name")


@contextlib.contextmanager
def _filling(library: Library, made: Collection) -> Iterator[None]:
    """Fill a collection that must not be dropped meanwhile: half of it, made anew otherwise, would pass for the whole.

    Raises NotFound if it was.
    """
    try:
        with catalogue.not_dropped(library.store, made):
            yield
            catalogue.same(library.store, made)
    except NotFound:
        if made.number not in {each.number for each in library.collections()}:
            library.arms.forget(made)  # vectors written since
        raise


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
        found = library.store.row(
            "SELECT d.doc_id, m.tags FROM documents d CROSS JOIN members m ON m.doc_no=d.doc_no AND m.collection_no=? "
            "AND m.ended IS NULL WHERE d.doc_no=?",
            (there.number, doc_no),
        )
        if found is None:
            continue  # it has left since
        try:
            document = kept.document(library.store, found[0])
        except NotFound:  # erased since
            continue
        yield replace(document, tags=tuple(json.loads(found[1])))


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


def _copy_sparse(library: Library, there: Collection, target: Collection) -> None:
    """Take the sparse vectors along, unless somebody is already making them; others are made as for any collection."""
    if there.sparse != target.sparse or not there.sparse:
        return
    wanted = lookups.digests(library.store, target.number, lookups.NOW, None)
    with contextlib.suppress(Unavailable), library.arms.exclusive("encode", 0.0):
        for head in library.arms.sparse.here(there).values():
            if head is not None:
                library.arms.sparse.at(target, head.fingerprint).take(
                    library.arms.sparse.at(there, head.fingerprint), wanted
                )


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
        there = catalogue.same(library.store, there)
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
        **{key: getattr(there, key) for key in ("analyser", "splitter", "language", "encoder", "fingerprint")},
        "sparse": there.sparse,
        "collection": there.name,
        "snapshot": there.journalled,
        **counts,
        "sha256": hashes,
    }
    archive.writestr(_part_info("manifest.json"), json.dumps(manifest, indent=1, ensure_ascii=False))
    return Archived(there.name, counts["documents"], counts["passages"], counts["vectors"])


def _part_info(name: str) -> zipfile.ZipInfo:
    """Of a fixed date and not packed, as each zlib packs in its own way: equal collections make equal archives."""
    return zipfile.ZipInfo(name)


@contextlib.contextmanager
def _part(archive: zipfile.ZipFile, name: str, hashes: dict[str, str]) -> Iterator[Callable[[bytes], None]]:
    digest = hashlib.sha256()
    with archive.open(_part_info(name), "w", force_zip64=True) as file:

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


def _checked(archive: zipfile.ZipFile) -> _Manifest:
    """The manifest, once every part has the hash it names. ValueError and KeyError mean that it is none."""
    if any(info.compress_type not in _PACKINGS for info in archive.infolist()):
        raise ValueError("not packed as an archive is")
    with archive.open("manifest.json") as file:
        manifest = _read_manifest(file.read(1_000_000))
    parts = {"documents.jsonl", "passages.jsonl"} | ({"digests.npy", "vectors.npy"} if manifest.vectors else set())
    if set(manifest.sha256) != parts:
        raise ValueError("the parts are not those of an archive")
    for name, wanted in manifest.sha256.items():
        with archive.open(name) as file:
            if _hash(file) != wanted:
                raise BadRequest("the archive is damaged: a part of it does not have the hash its manifest names")
    return manifest


def _read_manifest(content: bytes) -> _Manifest:
    from pydantic import TypeAdapter

    facts = json.loads(content)
    if not isinstance(facts, dict):
        raise ValueError("not a table of facts")
    if facts.get("format", 0) != _FORMAT:
        raise BadRequest("that archive was written by another version of Carrel; use that one")
    manifest = TypeAdapter(_Manifest).validate_json(content, strict=True)
    if manifest.vectors and not _FINGERPRINT.fullmatch(manifest.fingerprint):
        raise ValueError("not the fingerprint of an encoder")
    return manifest


def _hash(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _records(archive: zipfile.ZipFile) -> Iterator[bytes]:
    with archive.open("documents.jsonl") as file:
        while line := file.readline(_LONGEST_LINE):
            yield line


def _read_documents(library: Library, archive: zipfile.ZipFile, target: str, total: int, progress: Progress) -> None:
    batch: list[Document] = []
    done = 0
    for record in _records(archive):
        batch.append(_read_document(record))
        done += 1
        if len(batch) == _BATCH:
            library.add(batch, target)
            batch = []
            progress(done, total)
    if batch:
        library.add(batch, target)
    progress(done, total)


@lru_cache(maxsize=1)
def _document_type() -> TypeAdapter[Document]:
    from pydantic import TypeAdapter

    return TypeAdapter(Document)


def _read_document(record: bytes) -> Document:
    """A document as the archive has it. ValueError for what is none, BadRequest for one under another's reference."""
    document = _document_type().validate_json(record, strict=True)
    if document_id(document.source, document.text) != document.doc_id:
        raise BadRequest("the archive is damaged: a document's text is not the one its reference names")
    length, at = len(document.text), 0
    for section in document.sections:
        if not at <= section.start <= section.end <= length:
            raise ValueError("a section lies outside the text")
        at = section.start
    if list(document.page_starts) != sorted(document.page_starts) or not all(
        0 <= start <= length for start in document.page_starts
    ):
        raise ValueError("a page begins outside the text")
    return document


def _unpacked_vectors(archive: zipfile.ZipFile, manifest: _Manifest, folder: Path) -> _Vectors | None:
    """The archive's digests and vectors, mapped from ``folder`` and looked through; None when it has none."""
    import numpy as np

    if not manifest.vectors or manifest.splitter != SPLITTER_VERSION:
        return None
    most = {"digests.npy": 8 * manifest.vectors + 1_000, "vectors.npy": 4 * _WIDEST * manifest.vectors + 1_000}
    if any(archive.getinfo(name).file_size > size for name, size in most.items()):
        raise ValueError("more vectors than the manifest says")
    digests, vectors = (np.load(archive.extract(name, folder), mmap_mode="r", allow_pickle=False) for name in most)
    if digests.dtype != np.int64 or vectors.dtype != np.float32 or digests.shape != (manifest.vectors,):
        raise ValueError("not digests and vectors")
    if vectors.ndim != 2 or len(vectors) != manifest.vectors or not (np.diff(digests) > 0).all():
        raise ValueError("not a vector for each digest")
    for start in range(0, len(vectors), _VECTORS):
        lengths = np.linalg.norm(vectors[start : start + _VECTORS], axis=1)
        if not (np.abs(lengths - 1) < _STRAY).all():
            raise ValueError("not vectors of length one")
    return digests, vectors


def _take_vectors(library: Library, manifest: _Manifest, parts: _Vectors, target: str, *, fresh: bool) -> int:
    """Put the vectors into a collection that is new, or made with the same encoder; others make their own."""
    import numpy as np

    there = library.collection(target)
    if there.fingerprint != manifest.fingerprint and (there.fingerprint or not fresh):
        return 0
    digests, vectors = parts
    arm = library.arms.vectors(there, manifest.fingerprint)
    if arm.count() and arm.facts().dimension != vectors.shape[1]:
        raise BadRequest("the archive is damaged: its vectors are not of the encoder its manifest names")
    for start in range(0, len(digests), _VECTORS):
        part = np.array(digests[start : start + _VECTORS])
        new = ~arm.has(part)
        if new.any():
            arm.write(part[new], np.array(vectors[start : start + _VECTORS])[new])
    arm.tidy()
    _note_encoder(library, there, manifest.encoder, manifest.fingerprint)
    return len(digests)
