"""How a process holds its connections to the database: said by settings, carried by the URL.

What the URL says itself wins. Only URLs of the schemes that the options are known for are given them; a plugin with another scheme has
options of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from dinnerkit.errors import SettingError
from dinnerkit.ports.urls import parse_url

COMPRESSORS = ("zstd", "snappy", "zlib")
"""What the driver can compress messages by. The first of those asked for that the server has too is taken."""

POOL_OPTIONS = (
    "maxPoolSize",
    "minPoolSize",
    "maxIdleTimeMS",
    "serverSelectionTimeoutMS",
    "waitQueueTimeoutMS",
    "socketTimeoutMS",
    "compressors",
)
"""The driver's names for them, as MongoDB's specification of connection strings has them."""

_MONGODB, _EMBEDDED = ("mongodb", "mongodb+srv"), "embedded"


_NEEDED = {"w": "majority", "journal": "true", "readpreference": "primary"}
"""Options of which one value alone keeps the promises of :class:`dinnerkit.ports.database.DatabaseBackend`."""


def check_durable(url: str) -> None:
    """See to it that the database's URL has no option by which what was written could be lost, or not be seen.

    Raises:
        SettingError: it has.
    """
    parts = parse_url(url)
    for name, value in parts.options.items() if parts.scheme in _MONGODB else ():
        needed = _NEEDED.get(name.lower())
        if needed and value.lower() != needed:
            raise SettingError(f"database: {name} in its URL must be {needed}, or nobody could rely on what was written")


def reading_one(url: str) -> str:
    """The URL of a database that is only read: straight from the member that it names, which may be hidden.

    Raises:
        SettingError: it names several and does not say which of them is read.
    """
    parts = parse_url(url)
    said = {name.lower() for name in parts.options}
    if parts.scheme not in _MONGODB or said & {"directconnection", "readpreference"}:
        return url
    if parts.scheme == "mongodb+srv" or "," in parts.location or "replicaset" in said:
        raise SettingError("analytics_database: name one member alone, or say by readPreference and readPreferenceTags which one is read")
    return _with(url, {"directConnection": "true"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The connections of one process to each server.

    Attributes:
        most: how many at once; who wants another waits for one.
        ready: how many are kept open while nothing asks for them; never more than ``most``.
        idle_seconds: after which those beyond are closed.
        selection_seconds: how long an operation waits for a server that can do it, and for a connection to be free.
        socket_seconds: how long a server may be silent within one operation.
        compressors: of :data:`COMPRESSORS`, separated by commas; empty for none.
    """

    most: int
    ready: int
    idle_seconds: int
    selection_seconds: int
    socket_seconds: int
    compressors: str

    def __post_init__(self) -> None:
        unknown = [name for name in self._compressors() if name not in COMPRESSORS]
        if unknown:
            raise SettingError(f"database_compressors are of {', '.join(COMPRESSORS)}, not {unknown[0]!r}")

    def applied(self, url: str) -> str:
        """The database's URL with these options, as far as it does not say otherwise."""
        parts = parse_url(url)
        if parts.scheme not in {*_MONGODB, _EMBEDDED}:
            return url
        said = {name.lower(): value for name, value in parts.options.items()}
        added = {name: value for name, value in self._options(said, parts.scheme).items() if name.lower() not in said}
        return _with(url, added)

    def _options(self, said: dict[str, str], scheme: str) -> dict[str, str]:
        most = said.get("maxpoolsize", str(self.most))
        ready = min(self.ready, int(most)) if most.isdecimal() and int(most) else self.ready  # none at all means any number
        wait = said.get("serverselectiontimeoutms", "")
        patience = int(wait) if wait.isdecimal() else self.selection_seconds * 1000
        options = {
            "maxPoolSize": str(self.most),
            "minPoolSize": "0" if scheme == _EMBEDDED else str(ready),
            "maxIdleTimeMS": str(self.idle_seconds * 1000),
            "serverSelectionTimeoutMS": str(self.selection_seconds * 1000),
            "waitQueueTimeoutMS": str(max(1, patience // 2)),  # since the driver tries a read twice
            "socketTimeoutMS": str(self.socket_seconds * 1000),
        }
        asked = ",".join(self._compressors())
        return options | ({"compressors": asked} if asked else {})

    def _compressors(self) -> list[str]:
        return [name.strip().lower() for name in self.compressors.split(",") if name.strip()]


def _with(url: str, options: dict[str, str]) -> str:
    parts = parse_url(url)
    bare = parts.scheme != _EMBEDDED and "/" not in parts.location
    joint = "&" if parts.options else "/?" if bare else "?"
    return url.rstrip("?&") + joint + "&".join(f"{name}={quote(value, safe=',')}" for name, value in options.items()) if options else url
