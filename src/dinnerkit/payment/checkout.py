"""What the pages show to guests who pay: the gateway's own form, by its capability."""

from __future__ import annotations

from dinnerkit.money import Money
from dinnerkit.ports.checkout import Checkout, CheckoutForm
from dinnerkit.ports.gateway import Gateway
from dinnerkit.ports.local_gateway import LocalAuthentication


class CheckoutService:
    """Asks the gateway what a page must show, without anybody's knowing which gateway it is."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @property
    def authenticates_here(self) -> bool:
        """Whether there is no bank behind the gateway, so that a page of ours asks the guest in its place."""
        return isinstance(self._gateway, LocalAuthentication)

    @property
    def module(self) -> str:
        """The source of the gateway's module for the page; empty where it has none."""
        return self._gateway.checkout_module if isinstance(self._gateway, Checkout) else ""

    def form(self, money: Money) -> CheckoutForm | None:
        """What to show to whoever pays ``money``; None where payment is not taken on pages."""
        return self._gateway.checkout_form(money) if isinstance(self._gateway, Checkout) else None
