"""The blocks of a round searched by this process and others, on memory that they share.

Blocks have nobody in common, and each has a seed of its own, so the outcome does not depend on who searches which.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.solving.batches import BATCH, Batches, Places, Rules
from dinnerkit.matching.solving.terms import Columns, Singles

_AHEAD = 2
"""Batches that another process is given before it has answered for the first of them, so that it need not wait."""

_ALIGNED = 64
_PATIENCE = 10.0


class Crew:
    """Blocks searched by this process and by others.

    Args:
        columns: what people are worth to each other.
        rules: what must hold.
        noise: exponential draws.
        people: how many there are.
        processes: how many work on it, this one among them.
    """

    def __init__(self, columns: Columns, rules: Rules, noise: Singles, people: int, processes: int) -> None:
        room = np.zeros(people, np.int32)
        arrays = _named(columns, rules) | {"noise": noise, "order": room, "spot": room, "labels": room}
        self._memory = Memory.holding(arrays)
        self._shared = self._memory.arrays()
        self._columns, self._rules = tuples(self._shared)
        self._improve = importlib.import_module("dinnerkit.matching.solving.block_search").improve
        self._processes = processes
        self._workers: list[_Worker] = []

    def __enter__(self) -> Crew:
        self._workers = [_Worker(self._memory) for _ in range(self._processes - 1)]
        return self

    def __exit__(self, *reason: object) -> None:
        for worker in self._workers:
            worker.end()
        self._workers = []
        self._memory.close()

    def searched(self, labels: Places, order: Places, batches: Batches) -> Generator[float, None, None]:
        """Search all blocks; changes ``labels``, and tells the share done."""
        shared = self._shared
        shared["labels"][:] = labels
        shared["order"][:] = order
        shared["spot"][order] = np.arange(len(order), dtype=np.int32)
        waiting = [(begin, min(len(batches), begin + BATCH)) for begin in range(0, len(batches), BATCH)][::-1]
        blocks = 0
        try:
            while waiting or any(worker.busy for worker in self._workers):
                done = self._exchange(waiting, batches, order, labels)
                if waiting:
                    done.append(self._own(waiting.pop(), batches))
                blocks += sum(end - begin for begin, end in done)
                if done:
                    yield blocks / len(batches)
        finally:
            for worker in self._workers:
                worker.wait()
            labels[:] = shared["labels"]

    def _own(self, batch: tuple[int, int], batches: Batches) -> tuple[int, int]:
        shared = self._shared
        cuts, cooling, seeds = batches.part(*batch)
        task = self._columns, self._rules, shared["order"], shared["spot"]
        self._improve(*task, cuts, shared["labels"], cooling, shared["noise"], seeds, batches.lift)
        return batch

    def _exchange(self, waiting: list[tuple[int, int]], batches: Batches, order: Places, before: Places) -> list[tuple[int, int]]:
        """Take answers, waiting for one if there is nothing else to do; hand out work; take back that of a process that is gone."""
        done: list[tuple[int, int]] = []
        for worker in self._workers:
            done += worker.answers(block=not waiting and not done)
            for begin, end in worker.lost():
                people = order[batches.cuts[begin] : batches.cuts[end]]
                self._shared["labels"][people] = before[people]
                waiting.append((begin, end))
            while waiting and worker.free:
                worker.give(waiting.pop(), batches)
        return done


class Memory:
    """Arrays in memory that processes share; it is gone with the last of them, however they end."""

    def __init__(self, descriptor: int, layout: Mapping[str, Any]) -> None:
        self.descriptor = descriptor
        self.layout = layout
        self._map: mmap.mmap | None = mmap.mmap(descriptor, layout["size"]) if layout["size"] else None

    @classmethod
    def holding(cls, arrays: Mapping[str, NDArray[Any]]) -> Memory:
        """Memory with copies of some arrays."""
        places, size = {}, 0
        for name, array in arrays.items():
            places[name] = (array.dtype.str, array.shape, size)
            size += -(-array.nbytes // _ALIGNED) * _ALIGNED
        size = max(size, _ALIGNED)
        descriptor = _unnamed_file()
        os.ftruncate(descriptor, size)
        memory = cls(descriptor, {"size": size, "places": places})
        for name, view in memory.arrays().items():
            view[...] = arrays[name]
        return memory

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays, by name; changes are seen by all."""
        found = {}
        for name, (kind, shape, begin) in self.layout["places"].items():
            count = int(np.prod(shape, dtype=np.int64))
            assert self._map is not None  # noqa: S101 - there is at least a line of it
            found[name] = np.frombuffer(self._map, np.dtype(kind), count, begin).reshape(shape)
        return found

    def close(self) -> None:
        """Let go of the descriptor; the memory goes with the last array."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def tuples(shared: Mapping[str, NDArray[Any]]) -> tuple[Columns, Rules]:
    """What the search works on, out of arrays by name."""
    columns = Columns(**{name: shared[f"columns.{name}"] for name in Columns._fields if name != "base"}, base=shared["columns.base"][0])
    return columns, Rules(**{name: shared[f"rules.{name}"] for name in Rules._fields})


def _named(columns: Columns, rules: Rules) -> dict[str, NDArray[Any]]:
    named = {f"columns.{name}": np.atleast_1d(value) for name, value in columns._asdict().items()}
    return named | {f"rules.{name}": value for name, value in rules._asdict().items()}


def _unnamed_file() -> int:
    """A file without a name, in memory where the system has such a thing."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("dinnerkit-seating")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class _Worker:
    """Another process, which reads what to do from its standard input, and ends when that does."""

    def __init__(self, memory: Memory) -> None:
        self._given: list[tuple[int, int]] = []
        self._gone = False
        self._process = subprocess.Popen(  # noqa: S603 - this very Python
            # -P: what lies about in the current folder must not be taken for Python's own.
            [sys.executable, "-P", "-m", "dinnerkit.matching.solving.crew_member", str(memory.descriptor)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(memory.descriptor,),
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._send(memory.layout)

    @property
    def busy(self) -> bool:
        """Whether it owes an answer."""
        return bool(self._given)

    @property
    def free(self) -> bool:
        """Whether it can be given more."""
        return not self._gone and len(self._given) < _AHEAD

    @property
    def _output(self) -> int:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        return self._process.stdout.fileno()

    def give(self, batch: tuple[int, int], batches: Batches) -> None:
        """Hand a batch to it."""
        cuts, cooling, seeds = batches.part(*batch)
        self._given.append(batch)
        self._send({"cuts": cuts.tolist(), "cooling": cooling.tolist(), "seeds": seeds.tolist(), "lift": float(batches.lift)})

    def answers(self, *, block: bool) -> list[tuple[int, int]]:
        """The batches that it has done since it was last asked; ``block`` waits until there is one, or it is gone."""
        if not self._given or self._gone or not self._selector.select(None if block else 0):
            return []
        told = os.read(self._output, _AHEAD)
        self._gone = not told
        done, self._given = self._given[: len(told)], self._given[len(told) :]
        return done

    def lost(self) -> list[tuple[int, int]]:
        """What it can't do any more because it is gone."""
        lost, self._given = (self._given, []) if self._gone else ([], self._given)
        return lost

    def wait(self) -> None:
        """Until it has nothing left to do."""
        while self._given and not self._gone:
            self.answers(block=True)
        self._given = []

    def end(self) -> None:
        """Let it end."""
        self._selector.close()
        with suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._gone = True
