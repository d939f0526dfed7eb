"""The captcha port: tells people who fill in a form from programs that fill in thousands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

LONGEST_ANSWER = 8192
"""The longest answer that a backend is ever given."""

ACTIONS = ("register", "login", "password-reset")
"""What is done with a form that has a captcha. A backend takes any other word of small letters and hyphens too."""


class Verdict(StrEnum):
    """What an answer is worth."""

    PASSED = "passed"
    FAILED = "failed"
    """It is no answer to anything that was asked for this action at this site."""
    OVER = "over"
    """It was one, and was given before, or comes too late."""


@dataclass(frozen=True, slots=True)
class CaptchaForm:
    """What a page, or a program, needs in order to answer once.

    Attributes:
        kind: how an answer is found, for programs that have a widget of their own: such as ``altcha`` or ``turnstile``.
        settings: what the backend's module is told, as JSON: a site key, or a challenge. Everybody can read it, so it holds no secret.
        sources: what the page must let in for the module, by the directive of the Content-Security-Policy: ``script-src``, ``frame-src``,
            ``style-src``, ``connect-src`` or ``img-src``, each with origins. No other page lets them in.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@runtime_checkable
class Captcha(Protocol):
    """Asks whoever fills in a form for something that costs a program more than it costs them, and judges the answer.

    What a backend must guarantee:

    - an answer passes once, for the action that it was made for where the backend can tell (:class:`BoundToActions`), at this site and
      before its time is over; whoever shows it at the same time, to whichever process, one of them passes;
    - nobody who has not been asked by ``form`` can make an answer that passes. What an answer holds comes from a stranger: whatever it is,
      up to :data:`LONGEST_ANSWER` characters, the verdict on rubbish is ``FAILED``, and never an error, which would be taken for an outage;
    - a service that can't be asked, or does not know our secret, is ``Unavailable``, within three seconds, however slowly it answers: a
      person waits. It is never a verdict: whether people get in then is the core's to decide (below), and not the backend's;
    - secrets are in no form, no error, no log and no representation; nor is an answer, nor the address that it came from.

    It is safe to use from several threads and greenlets, and is opened anew in a forked child. One that needs a place for what was
    answered, or a key, has the capability :class:`~dinnerkit.ports.bus.UsesDatabase` or :class:`UsesKey`.

    What the core does: it asks where accounts are made, where links to a new password are mailed, and where it is signed in to an address
    for which wrong passwords were tried. A page can send a form without an answer, where no scripts run or the widget did not come; such
    forms, and those that come while a backend is away, are let through up to ``DINNERKIT_CAPTCHA_SPARED`` times an hour for each address
    (5; 0 is none: fail closed), and refused then. A backend that has just been away is left alone for some seconds.
    """

    @property
    def module(self) -> str:
        """The source of an ES module for the page, which serves it from its own origin; empty where nothing is ever asked.

        It loads by reference what a provider has at its own address, and exports ``ask(place, settings, answered)``. That puts what there
        is to see into the element ``place``, calls ``answered(text)`` with each answer and ``answered("")`` once that is worth nothing any
        more, and resolves when whoever looks can answer, or has nothing to do. It throws an ``Error`` whose message they are shown where
        they can't.
        """
        ...

    def form(self, action: str) -> CaptchaForm | None:
        """What is asked of whoever is about to do this; None where nothing is, and then no answer is verified.

        Raises:
            Unavailable: it can't be asked now.
        """
        ...

    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        """Judge an answer, and use it up.

        Args:
            answer: what the module answered; not empty.
            action: what is to be done.
            address: of whoever does it, as far as the server knows; a backend may leave it out of account.

        Raises:
            Unavailable: nobody can tell now.
        """
        ...

    def ping(self) -> None:
        """Find out whether answers could be judged.

        Raises:
            Unavailable: they could not.
        """
        ...

    def close(self) -> None:
        """Give back connections."""
        ...


@runtime_checkable
class UsesKey(Protocol):
    """The power of a backend that signs what it gives away: it is given a key of its own before it is used.

    The key has 32 bytes, is derived from ``DINNERKIT_SECRET_KEY``, and is the same in all processes and after a restart.
    """

    def use_key(self, key: bytes) -> None:
        """Take this key."""
        ...


@runtime_checkable
class BoundToActions(Protocol):
    """The power to tell for which action an answer was made, where ``bound_to_actions`` is true.

    Without it an answer to one form passes at another, once.
    """

    bound_to_actions: bool
