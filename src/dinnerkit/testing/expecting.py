"""How the contracts say what a backend did wrong."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
E = TypeVar("E", bound=Exception)

_PATIENCE = 60.0
"""Seconds after which a call counts as hung; far above any time-out that a bench would set."""


class ContractBroken(AssertionError):
    """The backend did something else than its contract says; the message is a sentence about it."""


def expect(kept: object, broken: str) -> None:
    """Hold the backend to it.

    No ``assert``: it says more than a comparison does, and holds under ``python -O`` too.

    Raises:
        ContractBroken: it does not hold.
    """
    if not kept:
        raise ContractBroken(broken)


def refusal(kind: type[E], what: str, call: Callable[[], object]) -> E:
    """The error of that kind with which the backend refuses.

    Raises:
        ContractBroken: it answers, or raises something else; ``what`` was asked of it.
    """
    try:
        answer = call()
    except kind as refused:
        return refused
    except Exception as error:
        raise ContractBroken(f"{what}: it raised {type(error).__name__} ({error}) where {kind.__name__} is due") from error
    raise ContractBroken(f"{what}: it answered {answer!r} where {kind.__name__} is due")


def needed(given: T | None, what: str) -> T:
    """What the bench gives for a test; the test is skipped where it gives nothing."""
    if not given:
        pytest.skip(f"this bench has no {what}")
    return given


def in_time(what: str, call: Callable[[], T]) -> T:
    """The answer of ``call``, or its error, given that it comes at all.

    Raises:
        ContractBroken: it hangs.
    """
    (outcome,) = at_once([call], what)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def refused_soon(kind: Any, where: str, what: str, call: Callable[[], object], seconds: float) -> None:
    """The backend refuses within so many seconds, by an error of that kind.

    Raises:
        ContractBroken: it answers, raises something else, or makes whoever asks wait; ``where`` says how its service is, such as ``the
            service was silent``, and ``what`` was done, such as ``it was pinged``.
    """
    started = time.monotonic()
    refusal(kind, f"{where}, and {what}", partial(in_time, what, call))
    took = time.monotonic() - started
    expect(took < seconds, f"{where}, and it took {took:.2f} s to fail when {what}; a request waits for it")


def at_once(calls: Sequence[Callable[[], T]], what: str) -> list[T | Exception]:
    """What each of ``calls`` answers or raises, in their order, when all run at the same time in threads of their own.

    Raises:
        ContractBroken: one of them hangs.
    """
    ended: SimpleQueue[tuple[int, T | Exception]] = SimpleQueue()
    start = threading.Barrier(len(calls))

    def run(number: int) -> None:
        start.wait()
        try:
            ended.put((number, calls[number]()))
        except Exception as error:  # noqa: BLE001 - the test judges it
            ended.put((number, error))

    for number in range(len(calls)):
        threading.Thread(target=run, args=(number,), daemon=True).start()
    try:
        return [outcome for _, outcome in sorted((ended.get(timeout=_PATIENCE) for _ in calls), key=lambda found: found[0])]
    except Empty:
        raise ContractBroken(f"{what}: no answer after {_PATIENCE:.0f} s") from None


def all_answered(outcomes: Sequence[T | Exception], what: str) -> list[T]:
    """The answers, given that none is an error.

    Raises:
        ContractBroken: one is.
    """
    answers: list[T] = []
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise ContractBroken(f"{what}: it raised {type(outcome).__name__} ({outcome})") from outcome
        answers.append(outcome)
    return answers


def closes_twice(close: Callable[[], object]) -> None:
    """Close it, and once more.

    Raises:
        ContractBroken: the second time it raises.
    """
    close()
    try:
        close()
    except Exception as error:
        raise ContractBroken(f"closing it a second time raised {type(error).__name__} ({error})") from error


def told_by(call: Callable[[], object]) -> list[str]:
    """All that is told where ``call`` fails: the error, those that it came from, and its details."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must keep the secrets
        return [*traceback.format_exception(error), str(getattr(error, "details", ""))]
    return []


def keeps_secrets(told: Sequence[str], secrets: Sequence[str]) -> None:
    """Look for secrets in what was told.

    Raises:
        ContractBroken: one is there; the message masks it.
    """
    leaks = [where for where in told if any(secret in where for secret in secrets)]
    if leaks:
        masked = leaks[0]
        for secret in secrets:
            masked = masked.replace(secret, f"{secret[:4]}…")
        raise ContractBroken(f"a secret of the backend's is in what it tells: {masked}")
