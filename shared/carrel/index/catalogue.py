"""The collections: what each is made of, how large it is, how far its history is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from carrel.errors import BadRequest, CarrelError, NotFound
from carrel.index.store import Store

__all__ = [
    "Collection",
    "check_name",
    "collection",
    "collections",
    "drop_if_empty",
    "ensure",
    "names",
    "not_dropped",
    "note_set_aside",
    "note_vectors",
    "same",
    "weighed",
]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_COLUMNS = (
    "collection_no, name, analyser, splitter, language, model, encoder, fingerprint, documents, passages, encoded, "
    "vectors, journalled, horizon, readable, words_erased, vectors_erased, "
    "(SELECT CAST(value AS INTEGER) FROM meta WHERE key='batch of '||collection_no), "
    "coalesce((SELECT value FROM meta WHERE key='sparse of '||collection_no), ''), "
    "coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key='sparse erased of '||collection_no), 0), "
    "coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key='set aside of '||collection_no), 0)"
)
_NOTED = "key IN ('batch of '||?1, 'sparse of '||?1, 'sparse erased of '||?1, 'set aside of '||?1)"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as its manifest row says.

    ``model``: the encoder it was made for (empty: whichever the server runs). ``encoder`` and ``fingerprint``: what
    made its vectors, empty before the first. ``encoded`` of ``passages`` have one; ``vectors`` is how many the dense
    arm must at least hold, and ``batch`` the last one written there (None: not noted), which tells an older copy.
    ``journalled``: the generation that last changed it; ``horizon``: the oldest one whose snapshot the store can still
    resolve; ``readable``: the oldest that still answers as it did (a text erased since, or an index made anew, ends
    that). ``words_erased`` and ``vectors_erased`` count erasures of which an arm may still hold something.
    ``set_aside``: passages that get no vector, for the encoder failed on them.
    """

    number: int
    name: str
    analyser: str
    splitter: str
    language: str
    model: str
    encoder: str
    fingerprint: str
    documents: int
    passages: int
    encoded: int
    vectors: int
    journalled: int
    horizon: int
    readable: int
    words_erased: int
    vectors_erased: int
    batch: int | None
    sparse: str
    sparse_erased: int
    set_aside: int

    @property
    def oldest(self) -> int:
        """The oldest snapshot that ``as_of`` may ask for."""
        return max(self.horizon, self.readable, 1)

    @property
    def waiting(self) -> int:
        """Passages that wait for a vector."""
        return self.passages - self.encoded - self.set_aside


def check_name(name: str) -> None:
    """Raises BadRequest unless ``name`` is a valid collection name."""
    if _NAME.fullmatch(name) is None:
        raise BadRequest("a collection name is lower-case letters, digits, '-' and '_', at most 64, e.g. 'my-notes'")


def names(store: Store) -> list[str]:
    """All names, sorted."""
    return [str(name) for (name,) in store.rows("SELECT name FROM collections ORDER BY name")]


def collections(store: Store) -> tuple[Collection, ...]:
    """Every collection, by name."""
    return tuple(Collection(*row) for row in store.rows(f"SELECT {_COLUMNS} FROM collections ORDER BY name"))


def collection(store: Store, name: str) -> Collection:
    """One collection. Raises NotFound, naming those there are."""
    check_name(name)
    row = store.row(f"SELECT {_COLUMNS} FROM collections WHERE name=?", (name,))
    if row is None:
        raise _missing(store, name)
    return Collection(*row)


def same(store: Store, there: Collection) -> Collection:
    """This very collection as it is now. Raises NotFound once it was dropped, even if another has its name since."""
    row = store.row(f"SELECT {_COLUMNS} FROM collections WHERE collection_no=?", (there.number,))
    if row is None:
        raise _missing(store, there.name)
    return Collection(*row)


@contextmanager
def not_dropped(store: Store, there: Collection) -> Iterator[None]:
    """What goes wrong inside because the collection was dropped meanwhile is NotFound, and no damage."""
    try:
        yield
    except (CarrelError, OSError, RuntimeError, ValueError):  # the files went away under whoever was reading them
        same(store, there)
        raise


def _missing(store: Store, name: str) -> NotFound:
    known = names(store)
    if name in known:
        return NotFound(f"collection '{name}' was removed and made anew meanwhile; try again")
    there = f"; there are: {', '.join(known[:10])}" if known else "; add documents to make it"
    return NotFound(f"there is no collection '{name}'{there}")


def ensure(
    store: Store, name: str, splitter: str, *, analyser: str, language: str = "", model: str = "", sparse: str = ""
) -> Collection:
    """Make the collection if it is new. One that an earlier splitter began keeps its passages, and that splitter's name
    (`carrel doctor` tells, and cuts all anew); what is added to it is cut by this program's."""
    made = store.run(
        "INSERT OR IGNORE INTO collections(name, analyser, splitter, language, model, readable) "
        "SELECT ?,?,?,?,?, value+1 FROM meta WHERE key='generation'",  # before that it did not exist
        (name, analyser, splitter, language, model),
    )
    if sparse and made.rowcount:
        for key, value in (("sparse of ", sparse), ("sparse erased of ", "0")):
            store.run("INSERT INTO meta SELECT ?||collection_no, ? FROM collections WHERE name=?", (key, value, name))
    return collection(store, name)


def weighed(store: Store) -> list[Collection]:
    """The collections with a learned-sparse arm."""
    if not store.rows("SELECT 1 FROM meta WHERE key>'sparse of ' AND key<'sparse of :' LIMIT 1"):
        return []
    return [each for each in collections(store) if each.sparse]


def note_vectors(store: Store, there: Collection, vectors: int, batch: int) -> None:
    """Note what the dense arm must at least hold, inside `Store.change`."""
    store.run("UPDATE collections SET vectors=? WHERE collection_no=?", (vectors, there.number))
    store.run("INSERT OR REPLACE INTO meta VALUES('batch of '||?, ?)", (there.number, str(batch)))


def note_set_aside(store: Store, collection_no: int, more: int) -> None:
    """Count passages that were set aside, or (below 0) that no longer are, inside `Store.change`."""
    store.run(
        "INSERT INTO meta VALUES('set aside of '||?1, CAST(max(?2, 0) AS TEXT)) ON CONFLICT(key) DO UPDATE SET "
        "value=CAST(max(CAST(value AS INTEGER)+?2, 0) AS TEXT)",
        (collection_no, more),
    )


def drop_if_empty(store: Store, name: str, generation: int) -> bool:
    """Forget a collection and its snapshots, as part of commit ``generation``, unless a document is in it."""
    there = collection(store, name)
    if there.documents:
        return False
    for table in ("passages", "members", "files", "collections"):
        store.run(f"DELETE FROM {table} WHERE collection_no=?", (there.number,))
    store.run(f"DELETE FROM meta WHERE {_NOTED}", (there.number,))
    store.run("DELETE FROM journal WHERE collection_no=? AND generation<?", (there.number, generation))
    return True
