"""Starts writers and readers as processes, kills them, starts them again, and listens to what they say."""

from __future__ import annotations

import contextlib
import os
import random
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

__all__ = ["Herd", "Plan"]

AIMS = ("ingest", "replace", "delete", "words", "encode", "vectors", "optimise", "settle", "open", "search")
"""What kills are aimed at; see `benchmarks.faults.pipe`."""
_AIMED = (2, 2, 3, 3, 1, 4, 6, 1, 1, 1)  # how often; ``words`` and ``vectors`` are the writes of the arms themselves

_AIM_SECONDS = 4.0  # how long a phase is waited for
_SILENCE = 90.0  # seconds without a word: the process hangs
_STOPPING = 60.0  # seconds a worker may take to finish what it is at
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many of what, and from which seed."""

    folder: Path
    writers: int = 4
    readers: int = 4
    seed: int = 1

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def ledgers(self) -> Path:
        return self.folder / "ledgers"


@dataclass(slots=True)
class _Worker:
    kind: str
    number: int
    process: subprocess.Popen[bytes] | None = None
    lives: int = 0
    phases: list[str] = field(default_factory=list)
    heard: float = 0.0
    unread: bytes = b""
    begun: Counter[str] = field(default_factory=Counter)  # of this life

    @property
    def pipe(self) -> IO[bytes]:
        assert self.process is not None and self.process.stdout is not None
        return self.process.stdout


class Herd:
    """All workers of a run. ``errors`` holds what went wrong as ``(kind, words)``, ``done`` counts what was done,
    ``begun`` the phases that were begun, ``kills`` the phases that ended with a kill."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._chance = random.Random(plan.seed)
        self._selector = selectors.DefaultSelector()
        self._workers = [_Worker("writer", number) for number in range(plan.writers)]
        self._workers += [_Worker("reader", number) for number in range(plan.readers)]
        self.errors: list[tuple[str, str]] = []
        self.done: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        self.begun: Counter[str] = Counter()
        plan.ledgers.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Start every worker."""
        for worker in self._workers:
            self._start(worker)

    def kill_one(self) -> None:
        """Kill somebody: at a random instant, or shortly after the start of a phase; rarely, everybody at once."""
        if self._chance.random() < 0.04:
            self.listen(self._chance.uniform(0.0, 0.5))
            self._kill(self._workers, "everybody")
            return
        if self._chance.random() < 0.3:
            self.listen(self._chance.uniform(0.0, 0.8))
            victim = self._chance.choice(self._workers)
        else:
            victim = self._first_to_begin(self._chance.choices(AIMS, _AIMED)[0])
            time.sleep(self._chance.choice((0.0, 0.001, 0.005, 0.02)) * self._chance.random())
        self._kill([victim], "")

    def listen(self, seconds: float) -> None:
        """Hear what the workers say for so long."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self._hear(left)
        self._check_alive()

    def stop(self) -> None:
        """Ask every worker to finish, and wait until they have. One that has just begun settles its ledger first."""
        ends = time.monotonic() + _STOPPING
        while any(not worker.begun["open"] for worker in self._workers) and time.monotonic() < ends:
            self._hear(0.2)
        for worker in self._workers:
            if worker.process is not None:
                worker.process.send_signal(signal.SIGTERM)
        ends = time.monotonic() + _STOPPING
        while any(worker.process is not None for worker in self._workers) and time.monotonic() < ends:
            self._hear(0.2)
        for worker in self._workers:
            if worker.process is not None:
                self.errors.append(("hang", f"{worker.kind} {worker.number} did not stop; see its .err file"))
                self._end(worker, signal.SIGABRT)

    def close(self) -> None:
        """Leave no process behind, whatever happened."""
        for worker in self._workers:
            if worker.process is not None:
                self._end(worker, signal.SIGKILL)
        self._selector.close()

    # ------------------------------------------------------------------------------------------------------------------

    def _start(self, worker: _Worker) -> None:
        plan, worker.lives = self._plan, worker.lives + 1
        command = [sys.executable, "-m", "benchmarks.faults.worker", worker.kind, str(worker.number)]
        command += ["--data", str(plan.data), "--ledgers", str(plan.ledgers), "--writers", str(plan.writers)]
        command += ["--seed", f"{plan.seed}.{worker.kind}.{worker.number}.{worker.lives}"]
        with (plan.folder / f"{worker.kind}{worker.number}.err").open("ab") as errors:
            # A group of its own, so that a kill also takes whatever it may have started.
            worker.process = subprocess.Popen(
                command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=errors, bufsize=0, start_new_session=True
            )
        os.set_blocking(worker.pipe.fileno(), False)
        worker.phases, worker.unread, worker.heard, worker.begun = [], b"", time.monotonic(), Counter()
        self._selector.register(worker.pipe, selectors.EVENT_READ, worker)

    def _first_to_begin(self, phase: str) -> _Worker:
        """Whoever begins this phase next; anybody, if nobody does for long."""
        ends = time.monotonic() + _AIM_SECONDS
        before = [worker.begun[phase] for worker in self._workers]
        while time.monotonic() < ends:
            self._hear(0.05)
            begun = [w for w, seen in zip(self._workers, before, strict=True) if w.begun[phase] > seen]
            if begun:
                return self._chance.choice(begun)
        self._check_alive()
        return self._chance.choice(self._workers)

    def _kill(self, victims: list[_Worker], called: str) -> None:
        alive = [victim for victim in victims if victim.process is not None]
        for victim in alive:
            assert victim.process is not None
            os.killpg(victim.process.pid, signal.SIGKILL)
        for victim in alive:
            assert victim.process is not None
            victim.process.wait()
            self._read(victim)  # what it said before it died; its phase at death is among it
            if not called:
                self.kills[victim.phases[-1] if victim.phases else "between"] += 1
            self._forget(victim)
        if called:
            self.kills[called] += 1
        for victim in alive:
            self._start(victim)

    def _hear(self, seconds: float) -> None:
        for key, _ in self._selector.select(max(seconds, 0.0)):
            worker: _Worker = key.data
            if not self._read(worker):
                self._ended(worker)

    def _read(self, worker: _Worker) -> bool:
        """Take in what a worker has said; False once it has closed its end."""
        while True:
            try:
                said = worker.pipe.read(65_536)
            except BlockingIOError:
                return True
            if said is None:
                return True
            if not said:
                return False
            worker.heard = time.monotonic()
            *lines, worker.unread = (worker.unread + said).split(b"\n")
            for line in lines:
                self._take(worker, line.decode("utf-8", "replace"))

    def _take(self, worker: _Worker, line: str) -> None:
        sign, rest = line[:1], line[1:]
        if sign == "+":
            worker.phases.append(rest)
            worker.begun[rest] += 1
            self.begun[rest] += 1
        elif sign == "-":
            with contextlib.suppress(ValueError):
                worker.phases.remove(rest)
        elif sign == "=":
            self.done[rest] += 1
        elif sign == "!":
            kind, _, words = rest.partition(" ")
            self.errors.append((kind, f"{worker.kind} {worker.number}: {words}"))
        else:
            self.errors.append(("harness", f"{worker.kind} {worker.number} said something else"))

    def _ended(self, worker: _Worker) -> None:
        """A worker went by itself: well, if it was asked to."""
        assert worker.process is not None
        code = worker.process.wait()
        self._forget(worker)
        if code:
            self.errors.append(("died", f"{worker.kind} {worker.number} with status {code}; see its .err file"))

    def _check_alive(self) -> None:
        for worker in self._workers:
            if worker.process is None:
                self._start(worker)
            elif time.monotonic() - worker.heard > _SILENCE:
                self.errors.append(("hang", f"{worker.kind} {worker.number} in {worker.phases}; see its .err file"))
                self._end(worker, signal.SIGABRT)
                self._start(worker)

    def _end(self, worker: _Worker, by: int) -> None:
        assert worker.process is not None
        os.killpg(worker.process.pid, by)
        worker.process.wait()
        self._forget(worker)

    def _forget(self, worker: _Worker) -> None:
        self._selector.unregister(worker.pipe)
        worker.pipe.close()
        worker.process = None
