"""Settings: one frozen value, read from the environment, a TOML file or a mapping."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from email.utils import parseaddr
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from dinnerkit.errors import SettingError
from dinnerkit.ports.connections import Connections, check_durable, reading_one
from dinnerkit.ports.urls import mask_url, parse_url, path_url
from dinnerkit.queues import QUEUES, queue_shares

PREFIX = "DINNERKIT_"

NOT_SETTINGS = frozenset({"SETTINGS", "MONGOD", "DEBUG", "REQUIRE_SERVICES", "TEST_DATABASE"})
"""Names after the prefix that mean something to a command or to the tests, and are no settings."""

BACKENDS = ("database", "cache", "queue", "gateway", "mail", "limiter", "bus", "search", "sessions", "media", "captcha")
"""The settings that are backend URLs; each is the kind's entry-point group too: ``dinnerkit.cache``."""

OTHER_URLS = ("analytics_database",)
"""Settings that are URLs too, and may be empty."""

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


def _setting(default: Any, help: str, *, secret: bool = False, least: int | None = None, most: int | None = None) -> Any:  # noqa: A002
    return field(default=default, metadata={"help": help, "secret": secret, "least": least, "most": most})


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """What a Kit is opened with. Make one by :meth:`load`, or by hand with keyword arguments.

    Backend URLs that are left empty become the embedded ones, which keep their files under ``data``.

    Raises:
        SettingError: a value is malformed; the message names the setting and what is allowed.
    """

    secret_key: str = _setting("", "signs tokens and tickets; kept in DATA/secret-key when the database is embedded", secret=True)
    data: str = _setting("", "folder of the embedded parts; default: the embedded database's, else ./dinnerkit-data")
    database: str = _setting("", "embedded://PATH or mongodb://…/NAME; default: embedded, under DATA")
    database_max_pool: int = _setting(100, "the most connections of a process to each server of the database", least=1, most=10_000)
    database_min_pool: int = _setting(10, "how many of them are kept ready; none where it is embedded", least=0, most=10_000)
    database_idle_seconds: int = _setting(30, "after which other connections that nothing uses are closed", least=1, most=86_400)
    database_selection_seconds: int = _setting(
        5, "how long an operation waits for a server that can do it, and for a free connection", least=1, most=300
    )
    database_socket_seconds: int = _setting(45, "how long a server may be silent within one operation", least=1, most=3600)
    database_compressors: str = _setting("", "what goes over the network is compressed by the first that both have: zstd, snappy, zlib")
    database_secondaries: bool = _setting(False, "ask secondaries of the replica set for public lists, and for the figures")
    analytics_database: str = _setting(
        "", "mongodb:// URL of the member that counts the figures, which may be hidden; default: the database itself"
    )
    cache: str = _setting("memory://", "where values are cached: memory:// or disk://PATH")
    queue: str = _setting("", "where the hints to the workers lie; default: SQLite, under DATA")
    gateway: str = _setting("", "who takes the payments; default: a sandbox, under DATA")
    mail: str = _setting("console://", "how mails are sent: console://, folder://PATH, smtp://USER:PASSWORD@HOST")
    limiter: str = _setting("memory://", "where the rate limits are counted")
    bus: str = _setting("database://", "how news reach all processes at once: database://, memory:// or a mongodb:// URL")
    search: str = _setting("database://", "where events are searched: database://, or a mongodb:// URL")
    sessions: str = _setting("database://", "where it is kept which browsers are signed in: database://, or a mongodb:// URL")
    media: str = _setting("", "where photos are kept: disk://PATH, or s3://… with dinnerkit-s3; default: under DATA")
    captcha: str = _setting(
        "none://", "what tells people from robots: none://, proof-of-work://, turnstile://SITE-KEY?secret=SECRET, hcaptcha://…"
    )
    captcha_spared: int = _setting(
        5, "forms an hour of an address that are taken without a captcha, where it is away or scripts don't run", least=0, most=1000
    )
    queues: str = _setting("", "which queues workers take, and how many jobs at a time: emails=5 payments; default: all")
    jobs: str = _setting("", "installed packages whose jobs run here, by the names that dinnerkit plugins shows")
    drain_seconds: int = _setting(25, "how long a worker that is to stop lets its jobs end", least=0, most=3600)
    rate_limit: str = _setting("1000 per 15 minutes", "requests for each user or address, or off")
    rate_limit_lease: bool = _setting(True, "count several requests of a busy caller at a time, where the limiter can")
    lane: str = _setting("auto", "answer public reads from memory, ahead of Flask: on, off, or auto, which is in the default app alone")
    lane_bytes: int = _setting(16_777_216, "how much of them each process keeps", least=1_048_576, most=17_179_869_184)
    live_connections: int = _setting(800, "the most WebSockets of each web process; ulimit -n must be larger", least=1, most=50_000)
    public_url: str = _setting("http://127.0.0.1:8000", "the address in mails")
    mail_from: str = _setting("dinnerkit <no-reply@localhost>", "the sender of mails")
    hold_seconds: int = _setting(600, "how long seats are held for a payment", least=1, most=86_400)
    offer_seconds: int = _setting(86_400, "how long a place from the waiting list is offered", least=1, most=1_209_600)
    platform_fee_basis_points: int = _setting(0, "what the platform keeps of each price, in hundredths of a percent", least=0, most=10_000)
    payout_delay_hours: int = _setting(24, "how long after a dinner's beginning its host is paid", least=0, most=8760)
    access_token_seconds: int = _setting(900, "life of an access token", least=1, most=86_400)
    refresh_token_seconds: int = _setting(2_592_000, "life of a refresh token", least=60, most=31_536_000)
    max_body_bytes: int = _setting(262_144, "the largest request body", least=1024, most=104_857_600)
    max_photo_bytes: int = _setting(10_485_760, "the largest file that a host may send as a photo", least=65_536, most=33_554_432)
    trusted_proxies: int = _setting(0, "how many proxies in front set X-Forwarded-*", least=0, most=10)
    log_level: str = _setting("info", "debug, info, warning or error")
    log_format: str = _setting("auto", "auto, console or json")
    demo: bool = _setting(False, "show the invented people's tables to everyone; set by the demo")
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in SETTING_NAMES:
            object.__setattr__(self, name, _convert(name, getattr(self, name)))
        if not self.data:
            object.__setattr__(self, "data", self._default_data())
        for name, url in self._embedded().items():
            if not getattr(self, name):
                object.__setattr__(self, name, url)
        for name in (*BACKENDS, *filter(self.__getattribute__, OTHER_URLS)):
            _checked(name, getattr(self, name))
        check_durable(self.database)
        self.shares()
        self.backend_url("analytics_database")
        self._connections()
        _web_address("public_url", self.public_url)
        _sender("mail_from", self.mail_from)
        _one_of("log_level", self.log_level, ("debug", "info", "warning", "error"))
        _one_of("lane", self.lane, ("auto", "on", "off"))
        _one_of("log_format", self.log_format, ("auto", "console", "json"))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, (value, _) in self.shown().items())
        return f"Settings({values})"

    def backend_url(self, kind: str) -> str:
        """The URL by which the backend of that kind is opened: the setting's, and for the databases how connections to them are held.

        Raises:
            SettingError: the analytics database is not one that can be read alone.
        """
        url: str = getattr(self, kind)
        if kind == "analytics_database" and url:
            return replace(self._connections(), ready=0, selection_seconds=1).applied(reading_one(url))
        return self._connections().applied(url) if kind == "database" else url

    def shares(self) -> dict[str, int]:
        """How many jobs of each queue a worker runs side by side.

        Raises:
            SettingError: ``queues`` names one that there is not, or a number that is not from 1 to 256.
        """
        try:
            return queue_shares(self.queues.replace(",", " ").split() or QUEUES)
        except SettingError as error:
            raise SettingError(f"queues: {error.message}") from error

    def plugin_jobs(self) -> list[str]:
        """The names of the packages whose jobs run here, each once."""
        return list(dict.fromkeys(self.jobs.replace(",", " ").split()))

    def _connections(self) -> Connections:
        return Connections(
            most=self.database_max_pool,
            ready=self.database_min_pool,
            idle_seconds=self.database_idle_seconds,
            selection_seconds=self.database_selection_seconds,
            socket_seconds=self.database_socket_seconds,
            compressors=self.database_compressors,
        )

    def _default_data(self) -> str:
        if self.database.startswith("embedded://"):
            return str(parse_url(self.database).path)
        return str(Path("dinnerkit-data").absolute())

    def _embedded(self) -> dict[str, str]:
        return {
            "database": path_url("embedded", self.data),
            "queue": path_url("sqlite", f"{self.data}/queue.db"),
            "gateway": path_url("sandbox", f"{self.data}/gateway.db"),
            "media": path_url("disk", self.data),
        }

    @classmethod
    def load(
        cls,
        mapping: Mapping[str, Any] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        file: str | Path | None = None,
    ) -> Settings:
        """Read the settings; what comes later wins: defaults, the TOML file, the environment, ``mapping``.

        Args:
            mapping: names as in this class, or ``DINNERKIT_…`` as in a Flask config, where names without the prefix are not ours.
            environ: instead of the process's environment.
            file: a TOML file with the names of this class; default: the one that ``DINNERKIT_SETTINGS`` names, if any.

        Raises:
            SettingError: a setting is unknown or malformed, or the file can't be read.
        """
        environ = os.environ if environ is None else environ
        file = file or environ.get(f"{PREFIX}SETTINGS")
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        sources = [
            (str(file), _from_file(Path(file)) if file else {}),
            ("the environment", {k.removeprefix(PREFIX).lower(): v for k, v in environ.items() if _is_setting(k)}),
            ("the program", _from_mapping(mapping or {})),
        ]
        for origin, found in sources:
            for name, value in found.items():
                _known(name, origin)
                values[name] = value
                origins[name] = origin
        return cls(**values, origins=MappingProxyType(origins))

    def shown(self) -> dict[str, tuple[str, str]]:
        """Each setting's name with its value, secrets masked, and where it came from."""
        return {name: (_masked(name, getattr(self, name)), self.origins.get(name, "default")) for name in SETTING_NAMES}


SETTING_NAMES = tuple(item.name for item in fields(Settings) if item.name != "origins")
_FIELDS = {item.name: item for item in fields(Settings)}


def _is_setting(variable: str) -> bool:
    name = variable.removeprefix(PREFIX)
    return variable.startswith(PREFIX) and name not in NOT_SETTINGS and not name.startswith("TEST_")


def _from_mapping(mapping: Mapping[str, Any]) -> dict[str, Any]:
    prefixed = {key.removeprefix(PREFIX).lower(): value for key, value in mapping.items() if _is_setting(key)}
    foreign = any(key.isupper() for key in mapping)
    return prefixed if prefixed or foreign else dict(mapping)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingError(f"the settings file {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"the settings file {path} is not TOML: {error}") from error


def _known(name: str, origin: str) -> None:
    if name in SETTING_NAMES:
        return
    shown = f"{PREFIX}{name.upper()}" if origin == "the environment" else name
    near = difflib.get_close_matches(name, SETTING_NAMES, n=1)
    hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(SETTING_NAMES)}"
    raise SettingError(f"unknown setting {shown} in {origin}; {hint}")


def _convert(name: str, value: Any) -> Any:
    default = _FIELDS[name].default
    if isinstance(default, bool):
        return _boolean(name, value)
    if isinstance(default, int):
        return _whole_number(name, value)
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str):
        raise SettingError(f"{name} is a text, not {value!r}")
    return value


def _boolean(name: str, value: Any) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise SettingError(f"{name} is true or false, not {value!r}")
    return text in _TRUE


def _whole_number(name: str, value: Any) -> int:
    least, most = _FIELDS[name].metadata["least"], _FIELDS[name].metadata["most"]
    try:
        number = int(str(value))
    except ValueError:
        number = None
    if number is None or isinstance(value, bool) or not least <= number <= most:
        raise SettingError(f"{name} is a whole number from {least} to {most}, not {value!r}")
    return number


def _checked(name: str, url: str) -> None:
    try:
        parse_url(url)
    except SettingError as error:
        raise SettingError(f"{name}: {error.message}") from error


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SettingError(f"{name} is one of {', '.join(allowed)}, not {value!r}")


def _web_address(name: str, value: str) -> None:
    try:
        parts = urlsplit(value)
        right = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and not parts.query and not parts.fragment
    except ValueError:
        right = False
    if not right:
        raise SettingError(f"{name} is an address such as https://dinners.example, not {value!r}")


def _sender(name: str, value: str) -> None:
    user, _, host = parseaddr(value)[1].rpartition("@")
    if not user or not host:
        raise SettingError(f"{name} is a sender such as 'Dinners <no-reply@dinners.example>', not {value!r}")


def _masked(name: str, value: Any) -> str:
    if _FIELDS[name].metadata["secret"]:
        return "***" if value else ""
    return mask_url(value) if name in {*BACKENDS, *OTHER_URLS} else str(value)
