"""The lexical arm on disk: immutable snapshots, each sealed by a manifest, and a pointer to the current one.

    current              which snapshot is current; replaced in one step
    snapshots/12-9a…/    the files of one generation, and `manifest`: their sizes and checksums
    sound                files found good, as name, size and time of change, so that opening need not read them again
    work-…               a writer's, while it writes; left behind by a kill, swept away by the next writer

tantivy's segment files never change, so snapshots share them by hard link.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from carrel.index.lexical.nouns import DamagedArm, Mark
from carrel.index.lexical.seals import SEGMENTS, Stamp, checksum, damage, kind, seal, stamp, trouble, unseal

__all__ = ["Manifest", "Shelf", "generations", "live_files", "mark_of"]

_NAME = re.compile(r"(\d+)-([0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot holds: rows that live and that are deleted, and each file's size and checksum."""

    mark: Mark
    analyser: str
    engine: str
    passages: int
    dead: int
    files: Mapping[str, tuple[int, int]]

    @property
    def name(self) -> str:
        """The snapshot's folder."""
        return f"{self.mark.generation}-{self.mark.nonce:016x}"


class Shelf:
    """The snapshots of one arm. Methods under "writing" need the collection's lock, the others need none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._snapshots = folder / "snapshots"

    # reading ----------------------------------------------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """The folder of a snapshot."""
        return self._snapshots / name

    def pointer(self) -> tuple[int, int, int] | None:
        """What changes whenever another snapshot becomes current; None while there is none."""
        try:
            found = (self.folder / "current").stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise trouble(error, "pointer") from error
        return found.st_ino, found.st_size, found.st_mtime_ns

    def current(self) -> str:
        """The current snapshot's name, "" when there is none. Raises DamagedArm."""
        try:
            content = (self.folder / "current").read_bytes()
        except FileNotFoundError:
            if (self.folder / SEGMENTS).exists():
                raise damage("was written by another version of Carrel") from None
            return ""
        except OSError as error:
            raise trouble(error, "pointer") from error
        name = unseal(content, "pointer").get("snapshot", "")
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise damage("has a damaged pointer")
        return name

    def names(self) -> list[str]:
        """The snapshots up to the current one, by generation. Raises DamagedArm."""
        while True:
            pointer, current = self.pointer(), self.current()
            if not current:
                return []
            try:
                listed = self._listed()
            except DamagedArm:
                if self.pointer() == pointer:
                    raise
                continue  # renewed at this moment
            last = mark_of(current).generation
            earlier = [name for name in listed if _NAME.fullmatch(name) and mark_of(name).generation < last]
            return [*sorted(earlier, key=mark_of), current]

    def manifest(self, name: str) -> Manifest:
        """What the snapshot holds. Raises DamagedArm."""
        try:
            content = (self.path(name) / "manifest").read_bytes()
        except OSError as error:
            raise trouble(error, "manifest") from error
        try:
            fields = unseal(content, "manifest")
            files = {file: (int(size), int(crc)) for file, (size, crc) in fields.pop("files").items()}
            manifest = Manifest(mark=Mark(*fields.pop("mark")), files=files, **fields)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise damage("has a manifest of another form") from error
        if manifest.name != name:
            raise damage("has a manifest that belongs to another snapshot")
        return manifest

    def check(self, manifest: Manifest) -> dict[str, Stamp]:
        """Make sure that the snapshot's files are what was written; those known to be good are not read again.

        Returns their stamps. Raises DamagedArm, or Unavailable when a file cannot be looked at.
        """
        folder, known = self.path(manifest.name), self._sound()
        stamps = {file: stamp(folder / file) for file in manifest.files}
        unknown = [file for file, found in stamps.items() if known.get(_key(manifest, file)) != found]
        for file, (size, crc) in manifest.files.items():
            if stamps[file][0] != size or (file in unknown and checksum(folder / file) != crc):
                raise damage(f"has a {kind(file)} file that is not what was written")
        if unknown:
            self._remember(manifest, stamps)
        return stamps

    def problems(self) -> list[str]:
        """Read every file of every snapshot; what is wrong, in words."""
        try:
            names = self.names()
        except DamagedArm as error:
            return [str(error)]
        read: dict[int, int] = {}  # inode -> checksum: files that snapshots share are read once
        found = {name: self._problems_of(name, read) for name in names}
        there = set(self.names()) if any(found.values()) else set()  # what was dropped meanwhile is no problem
        return [problem for name, problems in found.items() if name in there for problem in problems]

    def _problems_of(self, name: str, read: dict[int, int]) -> list[str]:
        snapshot = f"snapshot {mark_of(name).generation}"
        try:
            manifest = self.manifest(name)
        except DamagedArm:
            return [f"{snapshot}: the manifest is damaged or missing"]
        found: list[str] = []
        for file, (size, crc) in manifest.files.items():
            path = self.path(name) / file
            try:
                inode = path.stat().st_ino
                if inode not in read:
                    read[inode] = checksum(path)
                if read[inode] == crc and path.stat().st_size == size:
                    continue
            except (DamagedArm, FileNotFoundError):
                pass
            found.append(f"{snapshot}: a {kind(file)} file is damaged or missing")
        return found

    # writing ----------------------------------------------------------------------------------------------------------

    def workplace(self, start: Manifest | None) -> tuple[Path, bool]:
        """A new folder with the files of ``start``, and whether they are shared (False: they had to be copied)."""
        self._snapshots.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob("work-*"):
            _remove(left)
        work = self._fresh("commit")
        work.mkdir()
        shared = [_link(self.path(start.name) / file, work / file) for file in start.files] if start else []
        return work, all(shared)

    def publish(self, work: Path, manifest: Manifest) -> None:
        """Make the finished folder the current snapshot, in one step.

        Snapshots of the same and of later generations belong to a history that the store has left: they go.
        """
        for stray in work.iterdir():
            if stray.name not in manifest.files:
                _remove(stray)
        segments = (work / SEGMENTS).read_bytes()
        (work / SEGMENTS).unlink()  # tantivy makes it for its owner's eyes alone, unlike the others
        (work / SEGMENTS).write_bytes(segments)
        fields = {name: getattr(manifest, name) for name in Manifest.__slots__}
        (work / "manifest").write_bytes(seal(fields))
        if self.path(manifest.name).exists():
            self.drop([manifest.name])
        work.rename(self.path(manifest.name))
        self._remember(manifest, {file: stamp(self.path(manifest.name) / file) for file in manifest.files})
        self._replace("current", seal({"snapshot": manifest.name}))
        keep = {*self.names()}
        self.drop([name for name in self._listed() if name not in keep])

    def drop(self, names: Iterable[str]) -> None:
        """Remove snapshots; whoever has one open goes on reading it."""
        for name in names:
            trash = self._fresh(name)
            with suppress(OSError):  # where open files cannot be removed, the next writer tries again
                self.path(name).rename(trash)
                _remove(trash)

    def forget(self) -> None:
        """Remember only the files of snapshots that are there."""
        kept: set[str] = set()
        for name in self.names():
            with suppress(DamagedArm):
                manifest = self.manifest(name)
                kept |= {_key(manifest, file) for file in manifest.files}
        sound = {key: found for key, found in self._sound().items() if key in kept}
        with suppress(OSError):
            self._replace("sound", seal(sound))

    def renew(self) -> None:
        """Take everything away; whoever has it open goes on reading. Raises OSError when the pointer stays."""
        (self.folder / "current").unlink(missing_ok=True)
        (self.folder / SEGMENTS).unlink(missing_ok=True)
        for entry in self.folder.iterdir() if self.folder.is_dir() else ():
            _remove(entry)

    # ------------------------------------------------------------------------------------------------------------------

    def _listed(self) -> list[str]:
        try:
            return [entry.name for entry in self._snapshots.iterdir()]
        except OSError as error:
            raise trouble(error, "snapshots") from error

    def _sound(self) -> dict[str, Stamp]:
        try:
            noted = unseal((self.folder / "sound").read_bytes(), "note")
            return {key: (size, time) for key, (size, time) in noted.items()}
        except (OSError, DamagedArm, TypeError, ValueError):
            return {}

    def _remember(self, manifest: Manifest, stamps: Mapping[str, Stamp]) -> None:
        """Note that these files are good. A note that cannot be written only costs time later."""
        sound = self._sound() | {_key(manifest, file): found for file, found in stamps.items()}
        with suppress(OSError):
            self._replace("sound", seal(sound))

    def _replace(self, name: str, content: bytes) -> None:
        temporary = self._fresh(name)
        try:
            temporary.write_bytes(content)
            temporary.replace(self.folder / name)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def _fresh(self, name: str) -> Path:
        return self.folder / f"work-{name}-{os.getpid()}-{threading.get_ident()}"


def mark_of(name: str) -> Mark:
    """The mark in a snapshot's name."""
    generation, nonce = name.split("-")
    return Mark(int(generation), int(nonce, 16))


def generations(names: Iterable[str]) -> str:
    """The generations of these snapshots in words: "3, 5 to 9"."""
    runs: list[list[int]] = []
    for number in sorted({mark_of(name).generation for name in names}):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [f"{first}" if first == last else f"{first} to {last}" for first, last in runs]
    return ", ".join(shown if len(shown) < 9 else [*shown[:3], "…", *shown[-4:]])


def live_files(work: Path) -> tuple[list[str], int, int]:
    """The files that the segment list in ``work`` needs, and how many rows live and deleted they hold."""
    present = {entry.name for entry in work.iterdir()}
    files, rows, dead = [SEGMENTS], 0, 0
    for segment in json.loads((work / SEGMENTS).read_bytes())["segments"]:
        stem, deletes = segment["segment_id"].replace("-", ""), segment["deletes"]
        files += sorted(file for file in present if file.startswith(f"{stem}.") and not file.endswith(".del"))
        rows += segment["max_doc"]
        if deletes:
            files.append(f"{stem}.{deletes['opstamp']}.del")
            dead += deletes["num_deleted_docs"]
    return files, rows - dead, dead


def _key(manifest: Manifest, file: str) -> str:
    # Segment files have random names and are the same in every snapshot; each snapshot has its own list of segments.
    return f"{manifest.name}/{file}" if file == SEGMENTS else file


def _link(origin: Path, copy: Path) -> bool:
    """Share a file where the file system can, else copy it; the writer replaces the list of segments."""
    if origin.name != SEGMENTS:
        with suppress(OSError):
            os.link(origin, copy)
            return True
    shutil.copy2(origin, copy)
    return origin.name == SEGMENTS


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink()
