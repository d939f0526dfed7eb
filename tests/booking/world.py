"""A whole dinnerkit on a real database, whose clock is moved, whose worker turns when told to, and which can die at any command."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

from cachelib import SimpleCache
from huey import MemoryHuey
from huey.api import Huey
from pymongo.database import Database

from dinnerkit.accounts.secrecy import Keys
from dinnerkit.backends.bus.memory import MemoryBus
from dinnerkit.backends.captcha.nothing import NoCaptcha
from dinnerkit.backends.limiter import MemoryLimiterStorage
from dinnerkit.backends.media import disk
from dinnerkit.backends.sessions import DatabaseSessions
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.companions import CompanionService
from dinnerkit.booking.deposits import DepositSweep
from dinnerkit.booking.no_shows import NoShows
from dinnerkit.booking.paying import PayingService, PayResult
from dinnerkit.booking.reminders import Reminders
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.booking.sweep import BookingSweep
from dinnerkit.booking.tickets import Tickets
from dinnerkit.booking.transferring import TransferService
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.delivery.relay import Relay
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.documents import DOCUMENTS
from dinnerkit.events.rules import EventDetails, Location, RefundPolicy, TableSize, Venue
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seats import Seats
from dinnerkit.events.service import EventService
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.kit import Backends, Kit
from dinnerkit.money import Money
from dinnerkit.payment.service import PaymentService
from dinnerkit.payment.webhooks import WebhookInbox
from dinnerkit.ports.json_tasks import JsonTasks
from dinnerkit.settings import Settings
from dinnerkit.testing import StandingClock
from dinnerkit.vouchers.service import VoucherService
from tests.booking.killing import KillableDatabase, KillableGateway, Killer
from tests.teeth.broken_searches import Sound as MemorySearch

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
HOLD = timedelta(minutes=10)
OFFER = timedelta(hours=24)
CHECK = timedelta(seconds=30)
HOST = Principal("host", Role.HOST)
PRICE = Money(3500, "EUR")

VISA = "pm_card_visa"
DECLINED = "pm_card_chargeDeclined"
SECURE = "pm_card_authenticationRequired"

TABLES = ("webhooks", "refunds", "disputes", "charges", "payouts", "accounts")
"""Those of the gateway's books."""


class MemoryQueue:
    """Queues whose tasks are lost with the process, as huey may lose them."""

    def __init__(self) -> None:
        self.queues: dict[str, Huey] = {}

    def huey(self, name: str) -> Huey:
        if name not in self.queues:
            self.queues[name] = MemoryHuey(name, results=False, serializer=JsonTasks())
        return self.queues[name]

    def ping(self) -> None: ...

    def close(self) -> None: ...


class Postbox:
    """A mailer that keeps what it was handed: (address, subject), and the last mail whole."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []
        self.last: EmailMessage | None = None
        self.letters: list[EmailMessage] = []

    def send(self, mail: EmailMessage) -> None:
        self.letters.append(mail)
        self.mails.append((mail["To"], mail["Subject"]))
        self.last = mail

    def ping(self) -> None: ...

    def close(self) -> None: ...


class OpenedDatabase:
    def __init__(self, database: KillableDatabase) -> None:
        self.database = cast("Database[dict[str, Any]]", database)
        self.url = "mongodb://"

    def ping(self) -> None: ...

    def close(self) -> None: ...


class World:
    """One Kit, and what stands around it. Services keep nothing between calls, so a restart is to lose the hints and go on."""

    def __init__(self, database: Database[dict[str, Any]], folder: Path) -> None:
        self.database = database
        self.clock = StandingClock(NOW)
        self.killer = Killer(reads="DINNERKIT_TEST_THOROUGH" in os.environ)
        self.queue = MemoryQueue()
        self.postbox = Postbox()
        self.books = folder / "gateway.db"
        self.gateway = KillableGateway(self.books, webhook_delay=0.0, secret="whsec_test")
        self.gateway.killer = self.killer
        settings = Settings(secret_key="s" * 32, data=str(folder), hold_seconds=int(HOLD.total_seconds()), database="mongodb://unused/x")
        opened = OpenedDatabase(KillableDatabase(database, self.killer))
        backends = Backends(
            database=opened,
            cache=SimpleCache(),
            queue=self.queue,
            gateway=self.gateway,
            mail=self.postbox,
            limiter=MemoryLimiterStorage(),
            bus=MemoryBus(),
            search=MemorySearch(new_id()),
            sessions=DatabaseSessions(),
            media=disk(f"disk://{folder}/media"),
            captcha=NoCaptcha(),
        )
        self.kit = Kit(settings, backends, clock=self.clock)
        self.kit.ensure_indexes()
        self.events = self.kit.service(EventService)
        self.bookings = self.kit.service(BookingService)
        self.paying = self.kit.service(PayingService)
        self.payments = self.kit.service(PaymentService)
        self.waitlist = self.kit.service(WaitingList)
        self.deliveries = self.kit.service(DeliveryService)
        self.inbox = self.kit.service(WebhookInbox)
        self.store = self.kit.service(BookingStore)
        self.seats = self.kit.service(Seats)
        self.companions = self.kit.service(CompanionService)
        self.transfers = self.kit.service(TransferService)
        self.vouchers = self.kit.service(VoucherService)
        self.door = self.kit.service(CheckIn)
        self.tickets = Tickets(Keys(settings.secret_key).derive("tickets"))

    def clear(self) -> None:
        """Forget everything."""
        self.restart()
        for name in self._written_to():
            self.database[name].delete_many({})
        with closing(sqlite3.connect(self.books)) as books:
            books.executescript(f"begin; {''.join(f'delete from {name}; ' for name in TABLES)} commit")  # noqa: S608 - their names
        self.postbox.mails.clear()
        self.postbox.letters.clear()
        self.gateway.meanwhile = None
        self.gateway.__dict__.pop("cancel", None)
        self.clock.now = NOW

    def _written_to(self) -> list[str]:
        """The collections that have something in them, by one command."""
        first, *others = [document.collection_name for document in DOCUMENTS]
        one_of = {name: [{"$limit": 1}, {"$replaceWith": {"name": name}}] for name in (first, *others)}
        joined = [{"$unionWith": {"coll": name, "pipeline": one_of[name]}} for name in others]
        return [found["name"] for found in self.database[first].aggregate([*one_of[first], *joined])]

    def save(self) -> Callable[[], None]:
        """What brings back everything as it is now."""
        moment, mails = self.clock(), list(self.postbox.mails)
        rows = {document.collection_name: list(self.database[document.collection_name].find()) for document in DOCUMENTS}
        kept = sqlite3.connect(":memory:")
        _copy(self.books, kept)

        def restore() -> None:
            self.clear()
            self.clock.now = moment
            self.postbox.mails += mails
            for name, documents in rows.items():
                if documents:
                    self.database[name].insert_many(documents)
            with closing(sqlite3.connect(self.books)) as books:
                kept.backup(books)

        return restore

    def restart(self) -> None:
        """A new process after a crash: the hints in the queue are gone with the old one."""
        self.killer.disarm()
        for queue in self.queue.queues.values():
            queue.flush()

    def host_dinner(
        self,
        seats: int,
        price: Money = PRICE,
        *,
        starts_in: timedelta = timedelta(days=7),
        policy: RefundPolicy | None = None,
        deposit: Money | None = None,
    ) -> str:
        details = EventDetails(
            title="Dumplings",
            description="We fold, we steam, we eat.",
            cuisine="Sichuan",
            starts_at=self.clock() + starts_in,
            timezone="Europe/Berlin",
            city="München",
            venue=Venue("Bahnwärter Thiel", "Tumblingerstraße 45", Location(48.1228, 11.5536)),
            seats=seats,
            table_size=TableSize(1, min(6, seats)),
            price=price,
            deposit=deposit,
            refund_policy=policy or RefundPolicy(48, 50),
        )
        event_id: str = self.events.create(HOST, details)["id"]
        self.events.publish(HOST, event_id)
        return event_id

    def invite(self, *users: str) -> None:
        """Give the users an address, so that they get mails."""
        addresses = {user: f"{user}@example.org" for user in users}
        self.database["users"].insert_many(
            {"_id": user, "name": user.title(), "email": address, "email_key": address, "profile": {}}
            for user, address in addresses.items()
        )

    def reserve(self, user: str, event_id: str, guests: int = 1, booking_id: str | None = None, code: str | None = None) -> Booking:
        return self.bookings.reserve(user, event_id, guests, booking_id=booking_id or new_id(), code=code)

    def pay(self, booking: Booking, method: str = VISA, payment_id: str | None = None) -> PayResult:
        return self.paying.pay(booking.user, booking.id, method, payment_id=payment_id or new_id())

    def book(self, user: str, event_id: str, guests: int = 1, method: str = VISA) -> Booking:
        return self.pay(self.reserve(user, event_id, guests), method).booking

    def hold_for(self, booking: Booking, hold: str) -> SeatHold:
        return SeatHold(booking.event, hold, booking.id, booking.user, booking.guests, self.clock() + HOLD)

    def now(self, booking: Booking) -> Booking:
        """The booking as it is stored at present."""
        found = self.store.find(booking.id)
        assert found is not None
        return found

    def offer_of(self, user: str) -> Booking:
        """The newest booking of the user."""
        return self.bookings.page(user, limit=1)[0]

    def key_of(self, notification: dict[str, Any]) -> str:
        """Our payment's id of the charge that the gateway told of."""
        return self.gateway.retrieve(notification["data"]["charge_id"]).key

    def sweep(self) -> int:
        return self.kit.service(BookingSweep).run()

    def tick(self) -> int:
        """What a worker does in a turn, the clockwork and the deliveries that it was told of; how much that was."""
        done = self.inbox.fetch_local() + self.relay() + self.deliver()
        done += self.kit.service(DepositSweep).run()
        return done + self.sweep() + self.deliveries.sweep() + self.payments.sweep() + self.roll() + self.deliver()

    def roll(self) -> int:
        return self.waitlist.call_the_roll()

    def remind(self) -> int:
        """Let the clockwork remind, and the mails go; how many guests that was."""
        reminded = self.kit.service(Reminders).run()
        self.work()
        return reminded

    def find_no_shows(self) -> int:
        return self.kit.service(NoShows).run()

    def line(self, event_id: str) -> list[str]:
        """Who waits, in their order."""
        return self.kit.service(Waitlist).waiting(event_id)

    def relay(self) -> int:
        return self.kit.service(Relay).run()

    def deliver(self, most: int = 10_000, ran: Callable[[dict[str, Any]], object] | None = None) -> int:
        """Run the deliveries that hints tell of, at most so many; how many that was. ``ran`` is told of each."""
        count = 0
        for queue in self.queue.queues.values():
            while count < most and (task := queue.dequeue()):
                count += self.deliveries.run(task.args[0])
                if ran:
                    ran(self.database["deliveries"].find_one({"_id": task.args[0]}) or {})
        return count

    def work(self) -> None:
        """Turn until nothing is left that can be done now."""
        for _ in range(50):
            if not self.tick():
                return
        raise AssertionError("the worker does not come to rest")

    def recover(self) -> None:
        """Restart, let every wait pass, and work until nothing waits any more but offers, and those who pay for them."""
        self.restart()
        self.clock.now += HOLD + timedelta(seconds=1)
        for _ in range(50):
            self.work()
            if not self.waiting():
                return
            self.clock.now += timedelta(seconds=61)
        stuck = [row for row in self.waiting() if not self._may_be_authenticated(row)]
        assert not stuck, f"something is stuck: {stuck}"

    def _may_be_authenticated(self, row: dict[str, Any]) -> bool:
        """Whether that is a payment which its guest may still complete, as an offer lasts longer than a hold."""
        booking = self.store.find(row.get("reference", ""))
        return row.get("status") == "action_required" and booking is not None and (booking.expires_at or NOW) > self.clock()

    def waiting(self) -> list[dict[str, Any]]:
        """The deliveries and payments that are not at their end."""
        deliveries = self.database["deliveries"].find({"due_at": {"$exists": True}})
        return [*deliveries, *self.database["payments"].find({"check_at": {"$exists": True}})]


def _copy(path: Path, into: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(path)) as books:
        books.backup(into)
