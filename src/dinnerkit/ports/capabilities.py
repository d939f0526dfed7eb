"""What only some backends can do: the capability protocols of each kind, and which of them a class has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import get_annotations

from dinnerkit.ports.bus import UsesDatabase
from dinnerkit.ports.cache import Claims
from dinnerkit.ports.captcha import BoundToActions, UsesKey
from dinnerkit.ports.checkout import Checkout
from dinnerkit.ports.database import KeepsIndexes
from dinnerkit.ports.gateway import Disputes, Listings, PayoutListings, Payouts, RefundHistory
from dinnerkit.ports.limiter import Leases
from dinnerkit.ports.local_gateway import LocalAuthentication, LocalDisputes, LocalWebhooks
from dinnerkit.ports.media import DirectDownloads, DirectUploads
from dinnerkit.ports.queue import Priorities
from dinnerkit.ports.search import Distances, Facets, Rebuilding, Suggestions, Tolerant
from dinnerkit.ports.search_people import PeopleSearch

CAPABILITIES: dict[str, tuple[type, ...]] = {
    "bus": (UsesDatabase,),
    "cache": (Claims,),
    "captcha": (BoundToActions, UsesDatabase, KeepsIndexes, UsesKey),
    "gateway": (
        Checkout,
        RefundHistory,
        Disputes,
        Listings,
        Payouts,
        PayoutListings,
        LocalWebhooks,
        LocalAuthentication,
        LocalDisputes,
    ),
    "limiter": (Leases,),
    "media": (DirectUploads, DirectDownloads),
    "queue": (Priorities,),
    "search": (Facets, Suggestions, Tolerant, Distances, Rebuilding, PeopleSearch, UsesDatabase),
    "sessions": (UsesDatabase, KeepsIndexes),
}
"""The protocols by kind; what a backend without one of them does instead stands in the port's prose."""


def capabilities(kind: str, backend: type) -> tuple[str, ...]:
    """The names of the capabilities that backends of that class have, such as ``refund-history``.

    A capability that is a flag, like ``facets``, is one where the class says True.
    """
    return tuple(_name(protocol) for protocol in CAPABILITIES.get(kind, ()) if all(_has(backend, member) for member in _members(protocol)))


def _members(protocol: type) -> Iterator[str]:
    yield from (name for name in {**vars(protocol), **get_annotations(protocol)} if not name.startswith("_"))


def _has(backend: type, member: str) -> bool:
    return getattr(backend, member, False) is not False


def _name(protocol: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", protocol.__name__).lower()
