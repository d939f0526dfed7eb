"""A signal to stop arrives wherever Python happens to be."""

from __future__ import annotations

import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from dinnerkit.demo.interruption import interruptible

pytestmark = pytest.mark.timeout(0)  # which is an alarm too; no test here waits longer than ten seconds

STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """The process's own handlers and hook are as before, and no alarm is left."""
    before = [*map(signal.getsignal, (*STOPS, signal.SIGALRM)), sys.unraisablehook]
    yield
    assert [*map(signal.getsignal, (*STOPS, signal.SIGALRM)), sys.unraisablehook] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


class Mortal:
    """Sends its own process a signal when it ends."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


def send_in_a_moment(number: signal.Signals) -> None:
    threading.Timer(0.05, signal.pthread_kill, (threading.main_thread().ident, number)).start()


def end_a_mortal(number: signal.Signals) -> None:
    Mortal(number)


def end_what_is_watched(number: signal.Signals) -> None:
    thing = threading.Event()
    watch = weakref.ref(thing, lambda _: signal.raise_signal(number))
    del thing
    assert watch() is None


@pytest.mark.parametrize("number", STOPS)
@pytest.mark.parametrize("sent", [signal.raise_signal, send_in_a_moment, end_a_mortal, end_what_is_watched])
def test_a_signal_arrives_as_a_keyboard_interrupt(
    sent: Callable[[signal.Signals], None], number: signal.Signals, capfd: pytest.CaptureFixture[str]
):
    def work() -> None:
        with interruptible():
            sent(number)
            threading.Event().wait(10)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert capfd.readouterr().err == ""


def test_what_else_goes_wrong_in_a_destructor_is_told_as_before():
    told: list[object] = []

    class Broken:
        def __del__(self) -> None:
            raise ValueError("a fault of its own")

    before, sys.unraisablehook = sys.unraisablehook, lambda what: told.append(str(what.exc_value))
    try:
        with interruptible():
            Broken()
    finally:
        sys.unraisablehook = before
    assert told == ["a fault of its own"]


def test_another_thread_is_left_alone():
    seen: list[object] = []

    def enter() -> None:
        with interruptible():
            seen.extend(map(signal.getsignal, STOPS))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == list(map(signal.getsignal, STOPS))
