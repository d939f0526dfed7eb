"""The Flask extension: dinnerkit inside an app that somebody else wrote."""

from __future__ import annotations

import re
import weakref
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.metadata import version
from typing import Any

from flask import Flask

from dinnerkit.accounts.api import resolve_bearer
from dinnerkit.accounts.secrecy import Keys
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.analytics.collector import PlatformCollector
from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.delivery.relay import Relay
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.errors import SettingError
from dinnerkit.http import docs, health
from dinnerkit.http.blueprint import Api, ApiBlueprint, answer_unknown_urls
from dinnerkit.http.idempotency_store import IdempotencyStore
from dinnerkit.http.lane.direct import Direct
from dinnerkit.http.lane.mounting import open_lane
from dinnerkit.http.lane.purging import Purges
from dinnerkit.http.lane.shared import Shared
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.mount import Mount, UserResolver, install
from dinnerkit.kit import Kit
from dinnerkit.live.connection import Hall
from dinnerkit.live.limits import Connections
from dinnerkit.live.rooms import Rooms
from dinnerkit.live.service import LiveService
from dinnerkit.live.switchboard import Switchboard
from dinnerkit.payment.reconciliation.service import Reconciliation
from dinnerkit.ports.offload import Offload, inline
from dinnerkit.ports.urls import parse_url
from dinnerkit.secret_key import secret_key
from dinnerkit.settings import Settings

_LIVE_CREW = 8
"""How many threads read how things are for the live connections, and who their users are."""

API_MODULES = ("accounts", "events", "photos", "vouchers", "booking", "payment", "matching", "delivery", "live", "search")
"""The domains with routes, each under ``/v1``."""

ALL_MODULES = (*API_MODULES, "operations", "docs")
"""The domains; then ``operations``, which is ``/health/…`` and ``/metrics``, and ``docs``, which is ``/openapi.json`` and ``/docs``."""

_DESCRIPTION = "Dinners among strangers: find an event, book a seat, pay, and sit with people whom you are likely to enjoy."
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class Dinnerkit:
    """Puts dinnerkit into a Flask app; keeps nothing of the app in itself.

        app = Flask(__name__)
        Dinnerkit(app, url_prefix="/dinners")

    All of ours lies under the prefix: ``/dinners/v1/events``, ``/dinners/health/ready``, ``/dinners/docs``. The app's own routes, error
    handlers, sessions, rate limits and configuration stay as they are.

    Args:
        app: the app; or call :meth:`init_app` later.
        settings: instead of those of the environment and, over these, the ``DINNERKIT_…`` of ``app.config``.
        url_prefix: where everything of ours begins, such as ``"/dinners"``.
        modules: whose routes are mounted, of :data:`ALL_MODULES`. The services of the others work all the same.
        user_resolver: says on whose behalf a request to our routes comes, where the app signs its users in by itself. It takes the request
            and returns a :class:`dinnerkit.identity.Principal`, or None for nobody. The principal's ``user_id`` is the app's own id for
            the user, a string of at most 64 characters, under which bookings and seats are kept. So that mails reach the user and
            ``/v1/me`` knows them, tell of each user once, and again when the address changes:
            ``kit.service(AccountService).adopt(user_id, email=…, name=…)``. By default the bearer tokens of ``/v1/auth/login`` count;
            with a resolver of your own they don't.
        whole_app: whether nothing is on the app but what is ours. Then ``lane=auto`` means on.
        offload: where CPU-heavy work runs, so that it does not hold up an event loop.
        kit: one that is open already; whoever opened it closes it. By default one is opened, and closed with the app.
    """

    def __init__(
        self,
        app: Flask | None = None,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        url_prefix: str = "",
        modules: Collection[str] = ALL_MODULES,
        user_resolver: UserResolver = resolve_bearer,
        whole_app: bool = False,
        offload: Offload = inline,
        kit: Kit | None = None,
    ) -> None:
        self._settings = settings
        self._url_prefix = _checked_prefix(url_prefix)
        self._modules = _checked_modules(modules)
        self._user_resolver = user_resolver
        self._whole_app = whole_app
        self._offload = offload
        self._kit = kit
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> Kit:
        """Mount dinnerkit on the app; returns the Kit, with the services for the app's own code.

        Raises:
            SettingError: a setting is wrong.
            Unavailable: a backend can't be reached.
            RuntimeError: the app has a Dinnerkit already.
        """
        kit = self._kit or _open(app, self._settings, self._offload)
        api = Api(title="dinnerkit", version=version("dinnerkit"), description=_DESCRIPTION)
        services = {**kit.services, **_http_services(kit, api), Kit: kit}
        bodies = kit.settings.max_body_bytes, kit.settings.max_photo_bytes + _AROUND_A_FILE
        install(app, Mount(services, self._user_resolver, self._url_prefix, *bodies))
        api.init_app(app)
        for name in self._modules:
            blueprint, root = _part(name)
            api.register_blueprint(blueprint, url_prefix=f"{self._url_prefix}{root}" or None)
        answer_unknown_urls(app)
        if self._has_lane(kit.settings):
            open_lane(
                app,
                kit.service(Purges),
                services[RequestLimits],
                services[Metrics],
                kit.clock,
                kit.settings.lane_bytes,
                kit.service(Shared),
                Direct(app, services, services[RequestLimits], kit.service(SignInService).authenticate)
                if self._is_alone() and "wsgi_app" not in vars(app)
                else None,
            )
        return kit

    def _has_lane(self, settings: Settings) -> bool:
        """Whether public reads are answered ahead of Flask.

        That goes past whatever else the app does with a request: its own hooks, and who it says the caller is. And what another process
        changes must be heard.
        """
        if settings.lane != "auto":
            return settings.lane == "on"
        return self._is_alone() and parse_url(settings.bus).scheme != "memory"

    def _is_alone(self) -> bool:
        """Whether nobody but us has to do with our requests, as far as that is known before the first of them."""
        return self._whole_app and self._user_resolver is resolve_bearer


def _open(app: Flask, settings: Settings | Mapping[str, Any] | None, offload: Offload) -> Kit:
    if not isinstance(settings, Settings):
        settings = Settings.load(app.config if settings is None else settings)
    kit = Kit.open(settings, offload=offload)
    weakref.finalize(app, kit.close)  # when the app is gone, at the latest at exit
    return kit


def _http_services(kit: Kit, api: Api) -> dict[type[Any], Any]:
    """The services of the routes' shared frame."""
    figures = PlatformCollector(
        kit.service(AnalyticsService), kit.service(Relay), kit.service(DeliveryService), kit.service(Reconciliation)
    )
    found = health.Health(_probes(kit), lambda: _warnings(kit))
    return {
        IdempotencyStore: IdempotencyStore(kit.database, Keys(secret_key(kit.settings)).derive("idempotency"), kit.clock),
        RequestLimits: RequestLimits(kit.settings.rate_limit, kit.backends.limiter, ahead=kit.settings.rate_limit_lease),
        Metrics: Metrics([figures, health.BackendCollector(found)]),
        health.Health: found,
        docs.OpenApi: docs.OpenApi(api),
        **_live_services(kit),
    }


def _live_services(kit: Kit) -> dict[type[Any], Any]:
    crew = ThreadPoolExecutor(_LIVE_CREW, thread_name_prefix="dinnerkit-live-crew")
    connections = Connections(all_together=kit.settings.live_connections)
    hall = Hall(kit.service(LiveService), Rooms(kit.backends.bus, crew), connections, crew)
    return {Connections: connections, Hall: hall, Switchboard: Switchboard(hall)}


def _probes(kit: Kit) -> dict[str, health.Probe]:
    """Without its database the app can't work; without another backend it can still be read, and keeps what it has to do."""
    backends = kit.backends
    return {
        "database": health.Probe(backends.database.ping),
        "queue": health.Probe(backends.queue.ping, needed=False),
        "gateway": health.Probe(backends.gateway.ping, needed=False, watched=False),
        "mail": health.Probe(backends.mail.ping, needed=False, watched=False),
        "limiter": health.Probe(backends.limiter.ping, needed=False),
        "bus": health.Probe(backends.bus.ping, needed=False),
        "search": health.Probe(backends.search.ping, needed=False),
        "sessions": health.Probe(backends.sessions.ping, needed=False),
        "media": health.Probe(backends.media.ping, needed=False),
        "captcha": health.Probe(backends.captcha.ping, needed=False, watched=False),
        "cache": health.Probe(lambda: backends.cache.get("health"), needed=False),
    } | ({"analytics_database": health.Probe(backends.analytics.ping, needed=False)} if backends.analytics else {})


_AROUND_A_FILE = 65_536
"""Bytes that a form may have beside the file in it; and a body that is a little too large is told so by the one who knows what it is."""

_LATE_SECONDS = 600.0
"""So old a job is late: an outage that is waited for, or a queue whose workers can't keep up."""

_UNHEARD_SECONDS = 60.0
"""So long nobody takes messages from the outboxes: there is no worker."""


def _warnings(kit: Kit) -> list[str]:
    """What works, and a person should look at all the same."""
    dead = kit.service(DeliveryService).dead_letter_count()
    found = [f"{dead} dead letters wait for a person: dinnerkit dead-letters list"] if dead else []
    found += _late(kit)
    last = kit.service(Reconciliation).last()
    if last is not None and last["left"]:
        found.append(f"{last['left']} things do not agree with the gateway: dinnerkit reconcile --since 30d")
    return found


def _late(kit: Kit) -> list[str]:
    """Jobs that wait for too long."""
    found = [
        f"{queue}: {jobs} to be done, the oldest for {age / 60:.0f} minutes: dinnerkit jobs list --queue {queue}"
        for queue, (jobs, age) in kit.service(DeliveryService).backlog().items()
        if age > _LATE_SECONDS
    ]
    unheard = kit.service(Relay).age()
    if unheard > _UNHEARD_SECONDS:
        found.append(f"no worker takes what is to be done, for {unheard / 60:.0f} minutes: dinnerkit work")
    return found


def _part(name: str) -> tuple[ApiBlueprint, str]:
    """The blueprint of a module, imported now that it was chosen, and where it lies under the prefix."""
    if name in API_MODULES:
        return import_module(f"dinnerkit.{name}.api").blueprint, "/v1"
    return (health.blueprint if name == "operations" else docs.blueprint), ""


def _checked_prefix(prefix: str) -> str:
    cut = prefix.rstrip("/")
    if not _PREFIX.fullmatch(cut):
        raise SettingError(f"url_prefix is empty or a path such as /dinners, not {prefix!r}")
    return cut


def _checked_modules(modules: Collection[str]) -> tuple[str, ...]:
    unknown = [name for name in modules if name not in ALL_MODULES]
    if unknown:
        raise SettingError(f"there is no module {', '.join(unknown)}; there are {', '.join(ALL_MODULES)}")
    return tuple(name for name in ALL_MODULES if name in modules)
