"""The month's bill, line by line, in whole cents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from dinnerkit.capacity.prices import Prices

_CENTS = 100
BYTES_OF_GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """What something costs a month, in cents, rounded up."""

    what: str
    how: str
    cents: int


@dataclass(frozen=True, slots=True)
class Bill:
    """All lines; its total is their sum."""

    currency: str
    lines: tuple[Line, ...]

    @property
    def cents(self) -> int:
        """The total."""
        return sum(line.cents for line in self.lines)


def bill_of(prices: Prices, servers: Sequence[tuple[str, str, int]], *, stored_gb: float, sent_gb: float, connections: int) -> Bill:
    """What a month costs.

    Args:
        prices: what each thing costs.
        servers: what they are, their role, and how many.
        stored_gb: on disks.
        sent_gb: to the internet, in the month.
        connections: open ones at the load balancer.
    """
    hours = Decimal(prices.hours)
    lines = []
    for what, role, count in servers:
        server = prices.servers[role]
        lines.append(Line(what, f"{count:,} × {server.type} × {hours:f} h × {server.hour}", _cents(count * hours * server.hour)))
    lines.append(Line("storage", f"{stored_gb:,.0f} GB × {prices.storage_gb_month}", _cents(Decimal(stored_gb) * prices.storage_gb_month)))
    balancer = prices.balancer
    units = max(connections / balancer.unit_connections, sent_gb / float(hours or 1) / balancer.unit_gb)
    lines.append(
        Line(
            "load balancer",
            f"{hours:f} h × ({balancer.hour} + {units:.1f} units × {balancer.unit_hour})",
            _cents(hours * (balancer.hour + Decimal(units) * balancer.unit_hour)),
        )
    )
    lines.append(Line("traffic to the internet", f"{sent_gb:,.0f} GB, by tiers", _cents(_tiered(Decimal(sent_gb), prices))))
    return Bill(prices.currency, tuple(lines))


def _tiered(amount: Decimal, prices: Prices) -> Decimal:
    paid, below = Decimal(0), Decimal(0)
    for up_to, price in prices.traffic:
        within = amount if up_to is None else min(amount, up_to)
        paid += max(Decimal(0), within - below) * price
        below = within if up_to is None else up_to
    return paid


def _cents(amount: Decimal) -> int:
    return int((amount * _CENTS).to_integral_value(ROUND_CEILING))
