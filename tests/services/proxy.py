"""The proxy that ships for the authors of backends, by which the tests of services reach theirs."""

from __future__ import annotations

from dinnerkit.testing.proxy import DELAY, Proxy, proxy

__all__ = ["DELAY", "Proxy", "proxy"]
