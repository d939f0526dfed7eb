"""Tickets: what a guest shows at the door, as a text that only we can write, and as a picture of it."""

from __future__ import annotations

import base64
import hmac
from html import escape

import segno

from dinnerkit.booking.store import Booking

LONGEST_TICKET = 100
_MAC_BYTES = 15
"""120 bits: nobody guesses them, and they end with a whole character of Base32."""

_SIDE, _HEIGHT = 320, 384
_QUIET = 4
"""The light modules that a QR code has around it (ISO/IEC 18004)."""
_WIDEST = 32
"""The characters of a title that fit in any case; a longer one is narrowed."""
_LONGEST = 48
"""The characters of a title that can still be read when they are narrowed; of a longer one the beginning is shown."""


class Tickets:
    """Writes and reads tickets.

    A ticket is the booking's id and a keyed hash of the booking and its guest, so that it is worth nothing to whom the seats belonged
    before. All its characters are in the alphanumeric set of QR codes, which makes these small.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, booking: Booking) -> str:
        """The ticket of a booking."""
        return f"{booking.id.upper()}.{self._mac(booking)}"

    def booking_id(self, ticket: str) -> str:
        """The id of the booking that a ticket claims to be of, in any case; whatever was not written by us gives some text."""
        return ticket.strip().partition(".")[0].lower()

    def valid(self, ticket: str, booking: Booking) -> bool:
        """Whether we wrote this ticket for this booking and its guest; takes the same time whatever is wrong with it."""
        given = ticket.strip().upper().encode("ascii", "replace")
        return hmac.compare_digest(given, self.of(booking).encode())

    def _mac(self, booking: Booking) -> str:
        digest = hmac.digest(self._key, f"{booking.id}:{booking.user}".encode(), "sha256")
        return base64.b32encode(digest[:_MAC_BYTES]).decode()


def drawn(ticket: str, title: str, below: str) -> bytes:
    """The ticket as an SVG picture: its QR code, and two lines for people."""
    code = segno.make_qr(ticket, error="m")
    modules = code.symbol_size(border=_QUIET)[0]
    dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(code.matrix_iter(border=_QUIET)) for x, module in enumerate(row) if module)
    size = f'viewBox="0 0 {_SIDE} {_HEIGHT}" width="{_SIDE}" height="{_HEIGHT}"'
    shown = title if len(title) <= _LONGEST else title[: _LONGEST - 1].rstrip() + "…"
    narrowed = f' textLength="{_SIDE - 32}" lengthAdjust="spacingAndGlyphs"' if len(shown) > _WIDEST else ""
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{escape(title)}</title>',
            '<rect width="100%" height="100%" fill="#fff"/>',
            f'<path transform="scale({_SIDE / modules:.4f})" d="{dark}" shape-rendering="crispEdges"/>',
            f'<g font-family="system-ui, sans-serif" text-anchor="middle" transform="translate({_SIDE // 2} {_SIDE})">',
            f'<text y="14" font-size="17" font-weight="600"{narrowed}>{escape(shown)}</text>',
            f'<text y="40" font-size="14">{escape(below)}</text></g></svg>',
        )
    ).encode()
