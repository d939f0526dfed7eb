"""What a gateway asks of a guest on a page, so that pages can take payments without knowing the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from dinnerkit.money import Money


@dataclass(frozen=True, slots=True)
class OfferedMethod:
    """A payment method that a guest may choose by its name: what ``charge`` takes, how it is called, and a word on it."""

    method: str
    name: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class CheckoutForm:
    """What a page shows so that a guest can pay one sum: methods to choose from, which needs no script, or the gateway's own form.

    Attributes:
        offered: the methods to choose from; empty where the gateway's module asks for one.
        hint: a word on all of them, such as that no real money moves.
        settings: what the gateway's module is told, as JSON. Everybody can read it, so it holds no secret.
        sources: what the page must let in for the module, by the directive of the Content-Security-Policy: ``script-src``, ``frame-src``,
            ``connect-src`` or ``img-src``, each with origins. No other page lets them in.
    """

    offered: tuple[OfferedMethod, ...] = ()
    hint: str = ""
    settings: Mapping[str, str | int] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@runtime_checkable
class Checkout(Protocol):
    """Capability of a gateway whose payment methods a page can ask a guest for.

    Without it the pages say that payment is taken elsewhere: by an app that uses the API.
    """

    @property
    def checkout_module(self) -> str:
        """The source of an ES module for the page, empty where no form needs one. The pages serve it from their own origin.

        It loads by reference what the gateway has at its own address, and exports two functions, which throw an ``Error`` whose message the
        guest is shown:

        - ``ask(place, settings, look)`` puts the form into the element ``place``, in the colours of ``look``, and resolves, once the form
          is there, to a function ``method(back)``. That resolves to the payment method that ``charge`` takes; ``back`` is the address to
          come back to from wherever the gateway sends the guest.
        - ``authenticate(settings, secret)`` lets the guest authenticate the payment with that client secret, and resolves once they have
          answered, whatever they did: how the payment stands is asked of the gateway. It throws only where they could not be asked.
        """
        ...

    def checkout_form(self, money: Money) -> CheckoutForm | None:
        """What to show to whoever pays ``money``; None where the gateway lacks what that takes."""
        ...
