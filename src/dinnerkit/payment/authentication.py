"""Authentications that are answered here, for gateways that have no bank behind them."""

from __future__ import annotations

from dinnerkit.payment.errors import NoSuchPayment
from dinnerkit.ports.gateway import Charge, Gateway
from dinnerkit.ports.local_gateway import LocalAuthentication


class AuthenticationService:
    """Passes the guest's answer on to the gateway, where that can take it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def answer(self, client_secret: str, *, approve: bool) -> Charge:
        """Approve or refuse the payment that has this secret.

        Raises:
            NoSuchPayment: the gateway authenticates guests itself.
            NotFound: no payment has that secret.
            Conflict: it needs no authentication any more.
        """
        if not isinstance(self._gateway, LocalAuthentication):
            raise NoSuchPayment("the gateway authenticates its guests itself")
        return self._gateway.authenticate(client_secret, approve=approve)
