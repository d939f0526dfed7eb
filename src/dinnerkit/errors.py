"""The tree of errors that dinnerkit raises on purpose.

    DinnerkitError
    ├── Invalid            the caller's input is wrong; nothing was changed
    │   └── SettingError   a setting is missing, unknown or malformed
    ├── Unauthenticated    nobody, or nobody we know, is asking
    ├── Forbidden          we know who asks, and they may not
    ├── NotFound           it does not exist, or not for the one who asks
    ├── Conflict           it exists, and its state does not allow this
    ├── PaymentRequired    the payment was refused
    ├── TooLarge           a limit on a size was passed
    ├── Unavailable        a backend can't be reached or can't work now
    └── BackendFault       a backend did something else than it was asked to

Each concrete error has a stable ``code`` that clients may rely on. Only ``dinnerkit.http.problems`` knows how they look over HTTP.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DinnerkitError(Exception):
    """What every deliberate error of dinnerkit derives from.

    Attributes:
        code: stable machine-readable name, documented in ``docs/errors.md``.
        message: one plain sentence for a person.
        details: further values worth showing to a client, such as ``{"seats_left": 0}``; JSON types only, never secrets.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details


class Invalid(DinnerkitError):
    """The caller's input is wrong; nothing was changed.

    ``fields`` in the details, where present, maps a dotted field name to what is wrong with it.
    """

    code: ClassVar[str] = "invalid"


class SettingError(Invalid):
    """A setting is missing, unknown or malformed; the message names it and says what is allowed."""

    code: ClassVar[str] = "bad_setting"


class Unauthenticated(DinnerkitError):
    """The request needs a user and has none."""

    code: ClassVar[str] = "unauthenticated"


class Forbidden(DinnerkitError):
    """The user is known and is not allowed to do this."""

    code: ClassVar[str] = "forbidden"


class NotFound(DinnerkitError):
    """The thing does not exist, or must not be seen to exist by the one who asks."""

    code: ClassVar[str] = "not_found"


class Conflict(DinnerkitError):
    """The thing exists and its present state does not allow the request."""

    code: ClassVar[str] = "conflict"


class PaymentRequired(DinnerkitError):
    """The payment was refused by the gateway."""

    code: ClassVar[str] = "payment_declined"


class TooLarge(DinnerkitError):
    """A limit on a size was passed."""

    code: ClassVar[str] = "too_large"


class Unavailable(DinnerkitError):
    """A backend can't be reached, or can't do its work now; trying again later may help."""

    code: ClassVar[str] = "unavailable"


class BackendFault(DinnerkitError):
    """A backend did something else than it was asked to; trying again won't help, and a person must look."""

    code: ClassVar[str] = "backend_fault"
