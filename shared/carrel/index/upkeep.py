"""Looking after a data folder: is everything as it was written, do store and arms agree, and what can be mended?"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from carrel.documents import SPLITTER_VERSION, split
from carrel.errors import CarrelError, NotFound, Unavailable, Unsupported
from carrel.index import catalogue, kept, members
from carrel.index.catalogue import Collection
from carrel.index.lexical import DamagedArm, LexicalArm
from carrel.index.library import Library
from carrel.index.sparse import SparseArm
from carrel.index.trials import take_up
from carrel.records import document_id

__all__ = ["Finding", "examine", "repair"]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, in words; ``mended`` when it no longer is."""

    words: str
    mended: bool = False


def examine(library: Library, say: Say = lambda words: None) -> list[Finding]:
    """Everything that is wrong with a data folder, changing nothing. Reads every byte of it once."""
    return list(_examined(library, say, mend=False))


def repair(library: Library, say: Say = lambda words: None) -> list[Finding]:
    """Find what is wrong and mend it: damaged arms are made anew from the store, counters counted again, passages
    cut by another splitter cut anew, and documents whose text the disk has altered erased, so that their sources can be
    added again. Raises Unavailable while another process holds a collection for long."""
    found = list(_examined(library, say, mend=True))
    if all(each.mended for each in found):
        library.store.clear_problems()
    return found


def _examined(library: Library, say: Say, *, mend: bool) -> Iterator[Finding]:
    yield from (Finding(words, mended=mend) for words in library.problems())
    say("the store")
    if faults := library.store.verify():
        if mend:
            library.store.reindex()
        left = library.store.verify() if mend else faults
        yield from (Finding(words, mended=words not in left) for words in faults)
        if left:
            yield Finding("restore store.sqlite from a copy; the collections that can still be read can be exported")
            return
    yield from _texts(library, say, mend=mend)
    for collection in library.collections():
        say(f"collection {collection.name}")
        for part in (_counters, _passages, _lexical, _dense, _sparse):
            yield from _unless_dropped(library, collection, part(library, collection, mend=mend))
    say("token vectors")
    yield from (Finding(f"the token vectors: {words}", mended=mend) for words in library.tokens.verify(mend=mend))
    yield from _strays(library, mend=mend)


def _texts(library: Library, say: Say, *, mend: bool) -> Iterator[Finding]:
    say("the texts")
    for doc_no, doc_id, source, title in library.store.rows("SELECT doc_no, doc_id, source, title FROM documents"):
        try:
            sound = document_id(source, kept.span(library.store, doc_no, 0)) == doc_id
        except CarrelError:
            sound = False
        if not sound:
            if mend:
                _erase(library, str(doc_id))
            yield Finding(f"the text of '{title}' is damaged; add its source again: {source}", mended=mend)


def _erase(library: Library, doc_id: str) -> None:
    for name in library.members_of(doc_id):
        library.remove(name, [doc_id], forget=True)
    with library.store.change():
        for doc_no in kept.numbers(library.store, [doc_id]).values():
            kept.erase(library.store, doc_no, library.generation())


def _counters(library: Library, collection: Collection, *, mend: bool) -> Iterator[Finding]:
    with library.store.snapshot():  # both as of one moment: others may be adding
        now = catalogue.same(library.store, collection)
        counted = members.counted(library.store, collection.number)
    told = (now.documents, now.passages, now.encoded)
    if counted != told:
        if mend:
            with library.store.change():
                library.store.run(
                    "UPDATE collections SET documents=?, passages=?, encoded=? WHERE collection_no=?",
                    (*members.counted(library.store, collection.number), collection.number),
                )
        yield Finding(f"the counters of '{collection.name}' say {told} and there are {counted}", mended=mend)


def _passages(library: Library, collection: Collection, *, mend: bool) -> Iterator[Finding]:
    if collection.splitter == SPLITTER_VERSION:
        return
    if mend:
        with library.store.write() as generation:
            there = catalogue.collection(library.store, collection.name)
            for doc_no in members.everyone(library.store, there.number):
                (doc_id,) = library.store.rows("SELECT doc_id FROM documents WHERE doc_no=?", (doc_no,))[0]
                document = kept.document(library.store, doc_id)
                members.cut_anew(library.store, generation, there, doc_no, document, split(document))
            library.store.run(
                "UPDATE collections SET splitter=? WHERE collection_no=?", (SPLITTER_VERSION, there.number)
            )
        library.catch_up(collection.name)
    words = f"passages of '{collection.name}' were cut by an earlier version ({collection.splitter})"
    yield Finding(f"{words}; --repair cuts them anew", mended=mend)


def _lexical(library: Library, collection: Collection, *, mend: bool) -> Iterator[Finding]:
    differs: list[str] = []
    try:
        arm = library.arms.lexical_as_it_is(collection)
        faults = arm.verify()
        differs = _disagreement(library, collection, arm)
        if mend and not faults:
            library.catch_up(collection.name)  # what only lacks commits keeps its snapshots
    except DamagedArm as error:
        faults = [str(error)]
    if mend and (faults or (differs and _disagreement(library, collection, arm))):
        library.arms.rebuild(collection.name)
    for words in (*faults, *differs):
        yield Finding(f"the lexical index of '{collection.name}': {words}", mended=mend)


def _disagreement(library: Library, collection: Collection, arm: LexicalArm) -> list[str]:
    """What an index holds otherwise than the store does."""
    if arm.mark() != library.store.mark(library.generation(collection.name)):
        return [] if _behind(library, collection, arm) else ["it is not at the store's generation"]
    now = library.collection(collection.name)
    added_since = now.journalled != arm.mark().generation
    agree = added_since or arm.facts().passages == now.passages
    return [] if agree else ["it does not hold as many passages as the store"]


def _behind(library: Library, collection: Collection, arm: LexicalArm) -> bool:
    """Whether an index only lags behind the store, as while others write: whoever searches next brings it up."""
    mark = arm.mark()
    return 0 < mark.generation < library.generation(collection.name) and library.store.knows(mark)


def _dense(library: Library, collection: Collection, *, mend: bool) -> Iterator[Finding]:
    try:
        arm, _ = library.arms.dense(collection.name)
    except (Unavailable, Unsupported):
        return  # no encoder here: nothing can be said of the vectors
    except CarrelError as error:
        yield Finding(str(error))
        return
    faults = arm.verify()
    missing = 0 if faults else library.missing_vectors(collection.name)
    if mend and (faults or missing):
        library.mend_vectors(collection.name, afresh=bool(faults))
    if missing:
        faults = [f"{missing} are missing"]
    yield from (Finding(f"the vectors of '{collection.name}': {words}", mended=mend) for words in faults)
    if aside := library.collection(collection.name).set_aside:
        if mend:
            take_up(library.store, collection)
            library.encode_in_background()
        what = f"the encoder failed on {aside} passages of '{collection.name}', which have no vector"
        yield Finding(f"{what}; --repair has them tried again", mended=mend)


def _sparse(library: Library, collection: Collection, *, mend: bool) -> Iterator[Finding]:
    """What is wrong with the learned-sparse arm; of its files much can be said without its model."""
    arms = library.arms.sparse
    bad: dict[Path, list[str]] = {}
    for path, head in arms.here(collection).items():
        arm = SparseArm(path, head.fingerprint if head else "")
        bad[path] = arm.verify()
        if not bad[path] and head and arms.overstated(collection, arm):
            bad[path] = ["some are missing"]
        with contextlib.suppress(Unavailable, Unsupported):  # without the model nobody can say whose they are
            if arms.of(collection)[0].folder != path:
                bad[path] = ["there are those of another model"]
    faulty = [path for path, faults in bad.items() if faults]
    if mend and faulty:
        library.renew_sparse(collection.name, faulty)
    for words in (words for faults in bad.values() for words in faults):
        yield Finding(f"the sparse vectors of '{collection.name}': {words}", mended=mend)


def _unless_dropped(library: Library, there: Collection, findings: Iterator[Finding]) -> Iterator[Finding]:
    """The findings, except of a collection that is dropped while it is looked at: that is no damage."""
    try:
        with catalogue.not_dropped(library.store, there):
            found = list(findings)
            catalogue.same(library.store, there)
    except NotFound:
        return
    yield from found


def _strays(library: Library, *, mend: bool) -> Iterator[Finding]:
    folder = library.data / "collections"
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    # Listed before the names are read: a collection is in the store before its folder is made.
    there = {library.arms.folder(collection) for collection in library.collections()}
    for path in found:
        if path not in there:
            if mend:
                shutil.rmtree(path, ignore_errors=True)
            yield Finding(f"the folder '{path.name}' belongs to no collection", mended=mend)
