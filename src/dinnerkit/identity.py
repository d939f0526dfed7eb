"""Who is asking: the roles, and the principal that a request or a command acts for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a user may do; each role may do all that the ones before it may."""

    GUEST = "guest"
    HOST = "host"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what ``needed`` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Principal:
    """A user on whose behalf something is done."""

    user_id: str
    role: Role = Role.GUEST

    def may(self, needed: Role) -> bool:
        """Whether this user's role covers ``needed``."""
        return self.role.covers(needed)
