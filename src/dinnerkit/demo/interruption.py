"""The signals to stop, as an exception that is sure to arrive."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MOMENT = 0.01  # seconds until an interruption that was lost is raised again


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a KeyboardInterrupt; the next one of its kind has its usual effect.

    What a signal's handler raises is printed and dropped if it comes while Python runs a destructor or the callback of a weak reference, as
    nobody could catch it there. Such an interruption is raised once more a moment later, silently, until it gets through. Outside the main
    thread, to which signals come, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    raised: list[KeyboardInterrupt] = []
    report = sys.unraisablehook

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGALRM:
            signal.signal(number, signal.SIG_DFL)
        raised.append(KeyboardInterrupt())
        raise raised[-1]

    def lost(what: sys.UnraisableHookArgs) -> None:
        if what.exc_value not in raised:
            report(what)
            return
        before.setdefault(signal.SIGALRM, signal.signal(signal.SIGALRM, interrupt))
        signal.setitimer(signal.ITIMER_REAL, _MOMENT)

    before = {number: signal.signal(number, interrupt) for number in _STOP_SIGNALS}
    sys.unraisablehook = lost
    try:
        yield
    finally:
        sys.unraisablehook = report
        if signal.SIGALRM in before:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
