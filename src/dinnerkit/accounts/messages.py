"""What accounts tell. Messages name the user and carry no secret: whoever sends a mail asks for the token when it is sent.

The ids of a request or a change tell one occasion from the next, so that each has a mail of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dinnerkit.messages import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class UserRegistered(Message):
    """Somebody has registered, and waits for the mail that verifies the address."""

    kind: ClassVar[str] = "accounts.user_registered"

    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationRequested(Message):
    """A user asks for the verification mail again."""

    kind: ClassVar[str] = "accounts.verification_requested"

    user_id: str
    request_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordResetRequested(Message):
    """Somebody who says that they are the user has forgotten the password."""

    kind: ClassVar[str] = "accounts.password_reset_requested"

    user_id: str
    request_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FindabilityChanged(Message):
    """Whether the user may be found by those who are like them has changed, or by which traits."""

    kind: ClassVar[str] = "accounts.findability_changed"

    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordChanged(Message):
    """The user has a new password; all sessions have ended."""

    kind: ClassVar[str] = "accounts.password_changed"

    user_id: str
    change_id: str
