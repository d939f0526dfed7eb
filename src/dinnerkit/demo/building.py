"""How a world is made: its people, its events, everything that happens at them, and its seated nights."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

from dinnerkit.accounts.errors import EmailTaken
from dinnerkit.accounts.people import People
from dinnerkit.accounts.service import AccountService
from dinnerkit.delivery.relay import Relay
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.demo.background import BackgroundWork
from dinnerkit.demo.desk import HostsDesk
from dinnerkit.demo.logbook import Logbook
from dinnerkit.demo.plan import Plan
from dinnerkit.demo.playing import Stage
from dinnerkit.demo.plots import Script
from dinnerkit.demo.telling import Telling
from dinnerkit.errors import Invalid, Unavailable
from dinnerkit.events.seats import Seats
from dinnerkit.kit import Kit
from dinnerkit.ports.local_gateway import LocalWebhooks

WEBHOOK_SECONDS = 0.3
"""How late the sandbox's webhooks come in the demo."""

_THREADS = 12
_TICK_SECONDS = 0.2
_QUIET_SECONDS = 2 * WEBHOOK_SECONDS
_PATIENCE_SECONDS = 180.0


class Builder:
    """Makes a world, or what is missing of it.

    Args:
        kit: opened on the world's settings.
        plan: what is to happen.
        book: the world's logbook.
        background: the process that does the background work.
        telling: who is told how far it is.
    """

    def __init__(self, kit: Kit, plan: Plan, book: Logbook, background: BackgroundWork, telling: Telling) -> None:
        self._kit = kit
        self._plan = plan
        self._book = book
        self._background = background
        self._telling = telling
        self._stopping = Event()
        self._stage = Stage(kit, book.keys, self._step)
        self._desk = HostsDesk(kit, book.keys, self._stage)
        self._steps = 0

    def build(self) -> None:
        """Make it.

        Raises:
            Invalid: the database holds something else.
            Unavailable: the background work has stopped.
        """
        self._settle_people()
        with self._crew() as crew:
            self._announce(crew)
            self._play(crew)
        self._let_settle()

    def _settle_people(self) -> None:
        task = self._telling.task("People move in", len(self._plan.accounts))
        known = self._kit.service(People).find([str(account.id) for account in self._plan.accounts])
        task.advance(len(known))
        shown = {self._plan.guest, self._plan.host, self._plan.admin}
        wanted = (replace(one, password=self._book.password) if one.id in shown else one for one in self._plan.accounts)
        try:
            made = self._kit.service(AccountService).import_users(one for one in wanted if one.id not in known)
        except EmailTaken as error:
            raise Invalid("the database is in use by something else than this demo; name an empty one") from error
        task.advance(len(made))
        task.done()

    def _announce(self, crew: ThreadPoolExecutor) -> None:
        task = self._telling.task("Dinners are announced", len(self._plan.scripts))
        for _ in crew.map(self._stage.announce, (script.event for script in self._plan.scripts)):
            task.advance()
        task.done()

    def _play(self, crew: ThreadPoolExecutor) -> None:
        """Play all scripts, and let the hosts see to their events meanwhile."""
        booking = self._telling.task("Seats are booked and paid for", self._plan.visits)
        seating = self._telling.task("Match nights are seated", len(self._plan.nights))
        playing: dict[Future[None], Script] = {crew.submit(self._stage.play, script): script for script in self._plan.scripts}
        since, before = time.monotonic(), 0
        while playing or self._desk.busy:
            time.sleep(_TICK_SECONDS)
            for future in [future for future in playing if future.done()]:
                future.result()
                self._desk.add(playing.pop(future))
                if not playing:
                    booking.done()
            steps, published = self._steps, self._desk.look()
            booking.advance(steps - before)
            seating.advance(published)
            since = self._patient(since, progress=steps > before or published > 0)
            before = steps
        seating.done()

    def _let_settle(self) -> None:
        """Wait until every mail is sent, every webhook was heard, and every hold that ran out is over."""
        deliveries, relay, seats = self._kit.service(DeliveryService), self._kit.service(Relay), self._kit.service(Seats)
        gateway = self._kit.backends.gateway
        before = deliveries.waiting()
        task = self._telling.task("Mails are sent", before)
        since = quiet = time.monotonic()
        while time.monotonic() - quiet < _QUIET_SECONDS:
            time.sleep(_TICK_SECONDS / 2)
            webhook = isinstance(gateway, LocalWebhooks) and next(iter(gateway.due_webhooks(1)), None)
            moved = relay.run()
            waiting = deliveries.waiting()
            if moved or waiting or webhook or next(seats.overdue(), None):
                quiet = time.monotonic()
            task.advance(max(0, before - waiting))
            since = self._patient(since, progress=waiting != before)
            before = waiting
        task.done()

    def _patient(self, since: float, *, progress: bool) -> float:
        """The moment of the last progress.

        Raises:
            Unavailable: that was too long ago, or nobody works.
        """
        self._background.check()
        now = time.monotonic()
        if progress:
            return now
        if now - since > _PATIENCE_SECONDS:
            raise Unavailable(f"nothing has happened for {_PATIENCE_SECONDS:.0f} s; run it again to go on")
        return since

    def _step(self) -> None:
        """Count a booking, from whichever thread: that one more or less is seen of it does no harm.

        Raises:
            Stopped: no more are wanted.
        """
        if self._stopping.is_set():
            raise Stopped
        self._steps += 1

    @contextmanager
    def _crew(self) -> Iterator[ThreadPoolExecutor]:
        """Threads that stop at their next step when this one fails or is interrupted."""
        crew = ThreadPoolExecutor(_THREADS, thread_name_prefix="demo")
        try:
            yield crew
        finally:
            self._stopping.set()
            crew.shutdown(cancel_futures=True)


class Stopped(Exception):
    """The making of the world was stopped."""
