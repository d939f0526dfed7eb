"""Requests that come again byte for byte, and are answered without being read again.

A head that was plain, without a body, is plain whenever it comes, and asks for the same. So where the app says how it answers such a
request again, nothing is parsed and no environ is made. The app has its say each time: it may decline, and then the request takes the
usual way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeAlias

from gunicorn.glogging import Logger
from werkzeug.middleware.proxy_fix import ProxyFix

from dinnerkit.serving.answers import Prepared

Again: TypeAlias = Callable[[str], tuple[Prepared, Sequence[tuple[str, str]], bytes] | None]
"""Answers once more, to who asks from that address: what is prepared, the headers of its own, and the body.

None where the app is to be asked.
"""

LONGEST = 2048
MOST = 1024
_SLOTS = 4096


class Repeats:
    """What is known of heads that came more than once: so many, the first ones forgotten first.

    A head is remembered when it comes for the second time, so that heads that never come again take no place from others.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Again] = {}
        self._seen = [0] * _SLOTS
        self.get = self._known.get

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def learn(self, head: bytes, again: Again) -> None:
        """Take note of how a request with this head is answered."""
        if len(head) > LONGEST:
            return
        mark = hash(head)
        slot = mark % _SLOTS
        if self._seen[slot] != mark:
            self._seen[slot] = mark
            return
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[head] = again


@dataclass(frozen=True, slots=True)
class Alone:
    """The fast lane of an app, where it is all that stands before the app, but for who reads what proxies tell.

    Attributes:
        outermost: what Flask calls first, as long as nobody has put something else there.
        ahead: how a request with that environ, which it may change, is answered without the app; None where it is for the app.
        by_head: whether all that matters for that is said by the head.
    """

    outermost: Any
    ahead: Callable[[dict[str, Any], Any], Again | None]
    by_head: bool


def app_alone(wsgi: Any) -> Alone | None:
    """The fast lane of a Flask app, if it is all that stands before the app; None where something else may want to see each request."""
    outermost: Any = getattr(wsgi, "__dict__", {}).get("wsgi_app")
    by_flask = getattr(getattr(type(wsgi), "__call__", None), "__module__", "") == "flask.app"  # noqa: B004 - whose it is, not whether
    if not by_flask:
        return None
    if type(outermost).__module__ == "dinnerkit.http.lane.lane":
        return Alone(outermost, outermost.ahead, by_head=True)
    inner: Any = outermost.app if type(outermost) is ProxyFix else None
    if type(inner).__module__ == "dinnerkit.http.lane.lane":
        reading_forwarded: Any = copy(outermost)
        reading_forwarded.app = inner.ahead  # which takes an environ and one thing more, as an app does
        return Alone(outermost, reading_forwarded, by_head=False)
    return None


def nobody_looks(cfg: Any, log: Any) -> bool:
    """Whether gunicorn's hooks and logs want nothing of each request."""
    silent = getattr(log, "no_access_log", False) or (type(log).access is Logger.access and not log.access_log_enabled)
    hooks = all(getattr(cfg, name) is cfg.settings[name].default for name in ("pre_request", "post_request"))
    return bool(silent and hooks and not log.error_log.isEnabledFor(logging.DEBUG))
