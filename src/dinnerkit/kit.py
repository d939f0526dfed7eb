"""The Kit: the opened backends and the services on top of them, without Flask."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import structlog
from pymongo.database import Database

from dinnerkit.accounts.addresses import Addresses
from dinnerkit.accounts.attempts import Attempts
from dinnerkit.accounts.people import People
from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.secrecy import Keys, SignedTokens
from dinnerkit.accounts.unsubscribing import Unsubscribing
from dinnerkit.accounts.wiring import account_services
from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.booking.afterwards import Afterwards
from dinnerkit.booking.agreement import BookingAgreement
from dinnerkit.booking.calendar import BookingCalendar
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.companions import CompanionService
from dinnerkit.booking.deposits import DepositSweep
from dinnerkit.booking.discounting import DiscountService
from dinnerkit.booking.following import Following
from dinnerkit.booking.handlers import booking_handlers
from dinnerkit.booking.host_payouts import HostPayouts
from dinnerkit.booking.no_shows import NoShows
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.reading import BookingReader
from dinnerkit.booking.reminders import Reminders
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.statements import Statements
from dinnerkit.booking.store import BookingStore
from dinnerkit.booking.sweep import BookingSweep
from dinnerkit.booking.tickets import Tickets
from dinnerkit.booking.transferring import TransferService
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.clock import Clock, utcnow
from dinnerkit.delivery.relay import Relay
from dinnerkit.delivery.schedules import JobDesk, job_handlers
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.documents import DOCUMENTS, SENDERS
from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.events.feed import HostFeed
from dinnerkit.events.photos import EventPhotos
from dinnerkit.events.seats import Seats
from dinnerkit.events.service import EventService
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.http.lane.purging import Purges
from dinnerkit.http.lane.shared import Shared
from dinnerkit.live.announcing import Announcer
from dinnerkit.live.service import LiveService
from dinnerkit.matching.best_fit import BestFit
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.feedback.service import FeedbackService
from dinnerkit.matching.guest_list import GuestList
from dinnerkit.matching.handlers import matching_handlers
from dinnerkit.matching.service import SeatingService
from dinnerkit.messages import Handler
from dinnerkit.notifications.alarms import MoneyAlarms
from dinnerkit.notifications.handlers import notification_handlers
from dinnerkit.notifications.service import NotificationService
from dinnerkit.notifications.writing import MailWriter
from dinnerkit.payment.authentication import AuthenticationService
from dinnerkit.payment.checkout import CheckoutService
from dinnerkit.payment.deposits import DepositService
from dinnerkit.payment.disputes import DisputeService
from dinnerkit.payment.handlers import payment_handlers, payout_handlers
from dinnerkit.payment.ledger.checking import LedgerCheck
from dinnerkit.payment.ledger.service import Ledger
from dinnerkit.payment.payouts.accounts import PayeeAccounts
from dinnerkit.payment.payouts.service import PayoutService
from dinnerkit.payment.reconciliation.service import Reconciliation
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.service import PaymentService
from dinnerkit.payment.webhooks import WebhookInbox
from dinnerkit.photos.apart import decoded
from dinnerkit.photos.handlers import photo_handlers
from dinnerkit.photos.service import PhotoFiles, PhotoService
from dinnerkit.photos.working import PhotoWork
from dinnerkit.plugins import open_backend, open_jobs
from dinnerkit.ports.bus import Bus, UsesDatabase
from dinnerkit.ports.cache import Cache, ShieldedCache
from dinnerkit.ports.captcha import Captcha, UsesKey
from dinnerkit.ports.database import DatabaseBackend, KeepsIndexes
from dinnerkit.ports.gateway import Gateway
from dinnerkit.ports.jobs import Job
from dinnerkit.ports.limiter import LimiterStorage
from dinnerkit.ports.mailer import Mailer
from dinnerkit.ports.media import MediaStore
from dinnerkit.ports.offload import Offload, inline
from dinnerkit.ports.queue import Queue
from dinnerkit.ports.search import Search
from dinnerkit.ports.sessions import SessionStore
from dinnerkit.search.handlers import search_handlers
from dinnerkit.search.wiring import search_services
from dinnerkit.secondaries import Secondaries
from dinnerkit.secret_key import secret_key
from dinnerkit.settings import BACKENDS, Settings
from dinnerkit.storage import Row, ensure_indexes
from dinnerkit.vouchers.service import VoucherService
from dinnerkit.vouchers.uses import VoucherUses

S = TypeVar("S")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backends:
    """The opened backends, one of each kind."""

    database: DatabaseBackend
    cache: Cache
    queue: Queue
    gateway: Gateway
    mail: Mailer
    limiter: LimiterStorage
    bus: Bus
    search: Search
    sessions: SessionStore
    media: MediaStore
    captcha: Captcha
    analytics: DatabaseBackend | None = None
    """Where the figures are counted, if not in the database."""


class Kit:
    """Everything that dinnerkit is, ready to use.

        with Kit.open(Settings.load()) as kit:
            kit.service(BookingService).reserve(user_id, event_id, 2, booking_id=new_id())

    A Kit may be used from several threads and greenlets. After a fork, open a new one.

    Attributes:
        settings: what it was opened with.
        backends: the opened backends.
        clock: what tells the services the time.
        services: all services, by their type.
    """

    def __init__(self, settings: Settings, backends: Backends, *, clock: Clock = utcnow, offload: Offload = inline) -> None:
        """Put the services on backends that are open; :meth:`open` opens them too."""
        self.settings = settings
        self.backends = backends
        self.clock = clock
        self._closing = ExitStack()
        self._beside = (backends.bus, backends.search, backends.sessions, backends.captcha)
        for backend in self._beside:
            if isinstance(backend, UsesDatabase):
                backend.use(backends.database.database)
        if isinstance(backends.captcha, UsesKey):
            backends.captcha.use_key(Keys(secret_key(settings)).derive("captcha"))
        self.services = self._wire(offload)

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock = utcnow, offload: Offload = inline) -> Self:
        """Open the backends that the settings name.

        Args:
            settings: see :class:`dinnerkit.settings.Settings`.
            clock: what tells the services the time.
            offload: where CPU-heavy work runs, so that it does not hold up an event loop.

        Raises:
            SettingError: a URL or an option is wrong, or its plugin is missing.
            Unavailable: a backend can't be reached.
        """
        with ExitStack() as opened:
            found: dict[str, Any] = {}
            for kind in BACKENDS:
                found[kind] = open_backend(kind, settings.backend_url(kind))
                if hasattr(found[kind], "close"):
                    opened.callback(found[kind].close)
            if settings.analytics_database:
                found["analytics"] = open_backend("database", settings.backend_url("analytics_database"))
                opened.callback(found["analytics"].close)
            kit = cls(settings, Backends(**found), clock=clock, offload=offload)
            kit.backends.database.ping()
            kit.ensure_indexes()
            kit.service(Addresses).complete()
            opened.callback(kit.service(Purges).close)
            kit._closing = opened.pop_all()
        return kit

    def close(self) -> None:
        """Close the backends."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def database(self) -> Database[Row]:
        """The database of all documents."""
        return self.backends.database.database

    def service(self, kind: type[S]) -> S:
        """The service of that type.

        Raises:
            KeyError: there is none.
        """
        return cast("S", self.services[kind])

    def ensure_indexes(self) -> list[str]:
        """Create the indexes that are missing; the names of all."""
        names = ensure_indexes(self.database, DOCUMENTS)
        for backend in self._beside:
            if isinstance(backend, KeepsIndexes):
                try:
                    names += backend.ensure_indexes()
                except Unavailable as error:  # it is in a database of its own, which must not keep the app from starting
                    log.warning("indexes_not_made", backend=type(backend).__name__, error=error.message)
        return names

    def _wire(self, offload: Offload) -> dict[type[Any], Any]:
        settings, database, clock = self.settings, self.database, self.clock
        gateway = self.backends.gateway
        services: dict[type[Any], Any] = account_services(
            database,
            self.backends.sessions,
            self.backends.captcha,
            secret_key=secret_key(settings),
            clock=clock,
            offload=offload,
            access_token_seconds=settings.access_token_seconds,
            refresh_token_seconds=settings.refresh_token_seconds,
            captcha_spared=settings.captcha_spared,
        )
        people = People(database)
        shared = Shared(self.backends.cache)
        purges = Purges(self.backends.bus, shared)
        announcer = Announcer(self.backends.bus, purges)
        secondaries = Secondaries(database, on=settings.database_secondaries)
        events = EventService(database, clock, announcer.event_changed, secondaries)
        store = BookingStore(database, clock)
        seatings = SeatingService(database, events, store, people, clock)
        feedback = FeedbackService(database, store, seatings, people, clock)
        guest_list = GuestList(database, people, feedback)
        feed = HostFeed(database, Keys(secret_key(settings)).derive("feeds"), clock)
        best_fit = BestFit(events, store, seatings, guest_list, offload)
        seats = Seats(database, clock, settings.offer_seconds, announcer.seats_changed, best_fit.order)
        payments = PaymentService(database, gateway, clock, settings.platform_fee_basis_points)
        refunds = RefundService(database, gateway, clock)
        deposits = DepositService(database, clock)
        disputes = DisputeService(database, gateway, clock)
        ledger = Ledger(database, clock)
        payees = PayeeAccounts(database, gateway, clock, settings.public_url)
        payouts = PayoutService(database, payees, clock)
        host_payouts = HostPayouts(payouts, seats, clock, settings.payout_delay_hours)
        ledger_check = LedgerCheck(database, ledger, clock)
        waitlist = Waitlist(database, clock)
        following = Following(store, seats, clock)
        keys = Keys(secret_key(settings))
        attempts = Attempts(database, keys, clock)
        uses = VoucherUses(database, attempts, clock)
        photos, media = EventPhotos(database, clock, announcer.event_changed), self.backends.media
        photo_work = PhotoWork(photos, media, decoded, clock, settings.max_photo_bytes)
        waiting = WaitingList(store, seats, waitlist, uses, clock)
        bookings = BookingService(store, seats, uses, refunds, waiting, following, clock, settings.hold_seconds)
        paying = PayingService(store, bookings, seats, uses, payments, refunds, waiting, following, clock, settings.hold_seconds)
        transfers = TransferService(
            store, bookings, seats, waiting, following, events, people, attempts, SignedTokens(keys, "transfer"), clock
        )
        companions = CompanionService(
            store, bookings, events, people, attempts, SignedTokens(keys, "companion"), clock, settings.public_url
        )
        seating_work = SeatingWork(database, events, store, guest_list, clock, announcer.seating_goes_on)
        calendar = BookingCalendar(bookings, events, clock, settings.public_url)
        writer = MailWriter(settings.mail_from, settings.public_url, clock)
        notifications = NotificationService(
            people,
            services[RecoveryService],
            services[Unsubscribing],
            store,
            calendar,
            transfers,
            seatings,
            feedback,
            writer,
            self.backends.mail,
            clock,
        )
        indexing, people_indexing, *asked = search_services(self.backends.search, database, events, clock, announcer.index_changed)
        handlers = [
            *payment_handlers(payments, refunds, disputes, ledger),
            *payout_handlers(payouts, payees, ledger),
            *booking_handlers(bookings, paying, payments, host_payouts, seats, waiting, following, transfers),
            *matching_handlers(seating_work, seatings),
            *search_handlers(indexing, people_indexing),
            *photo_handlers(photo_work),
            *notification_handlers(notifications, MoneyAlarms(people, writer, self.backends.mail)),
        ]
        added = [open_jobs(name, self) for name in settings.plugin_jobs()]
        handlers += [handler for each in added for handler in each.handlers]
        made = (
            secondaries,
            people,
            events,
            seats,
            PhotoService(events, photos, media, attempts, settings.max_photo_bytes),
            PhotoFiles(media),
            photo_work,
            waitlist,
            waiting,
            transfers,
            companions,
            DiscountService(store, bookings, seats, uses, payments),
            BookingReader(database, bookings, waiting, clock),
            VoucherService(database, events, clock),
            uses,
            payments,
            refunds,
            disputes,
            deposits,
            ledger,
            ledger_check,
            payees,
            payouts,
            host_payouts,
            Reconciliation(database, gateway, payments, refunds, disputes, payouts, ledger, ledger_check, clock),
            BookingAgreement(database, store, clock),
            Statements(ledger, seats),
            WebhookInbox(database, gateway, clock),
            AuthenticationService(gateway),
            CheckoutService(gateway),
            store,
            bookings,
            calendar,
            CheckIn(store, bookings, events, people, Tickets(keys.derive("tickets")), clock),
            paying,
            NoShows(store, seats, clock),
            Reminders(store, clock),
            Afterwards(store, clock),
            following,
            DepositSweep(store, seats, deposits, clock),
            BookingSweep(store, bookings, paying, seats, uses, clock),
            seatings,
            seating_work,
            best_fit,
            feed,
            feedback,
            notifications,
            AnalyticsService(
                database,
                ShieldedCache(self.backends.cache),
                clock,
                self.backends.analytics.database if self.backends.analytics else secondaries.lagging,
            ),
            indexing,
            people_indexing,
            *asked,
            announcer,
            purges,
            shared,
            LiveService(events, bookings, seatings),
            *self._deliveries(handlers, [job for each in added for job in each.jobs], announcer),
        )
        return services | {type(service): service for service in made}

    def _deliveries(
        self, handlers: Sequence[Handler[Any]], jobs: Sequence[Job], announcer: Announcer
    ) -> tuple[DeliveryService, JobDesk, Relay]:
        everything = [*handlers, *job_handlers(jobs)]
        twice = [name for name, count in Counter(handler.name for handler in everything).items() if count > 1]
        if twice:
            raise SettingError(f"jobs: more than one handler or job is named {', '.join(twice)}")
        deliveries = DeliveryService(self.database, self.backends.queue, everything, self.clock)
        desk = JobDesk(self.database, deliveries.dispatcher, jobs, self.clock)
        by_kind: dict[str, list[Handler[Any]]] = defaultdict(list)
        for handler in handlers:
            by_kind[handler.message.kind].append(handler)
        return deliveries, desk, Relay(self.database, SENDERS, by_kind, deliveries.dispatcher, self.clock, announcer.overhear)
