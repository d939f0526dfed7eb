"""Payees' accounts at the gateway: opened once, and known as the gateway knows them."""

from __future__ import annotations

from dataclasses import dataclass

from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.payment.errors import NoPayoutAccount, PayoutsUnsupported
from dinnerkit.payment.payouts.documents import PayeeDocument
from dinnerkit.ports.gateway import Gateway, HostAccount, Payouts
from dinnerkit.storage import Row, collection


@dataclass(frozen=True, slots=True)
class PayeeAccount:
    """A payee's account: whether it can take payouts, and what the gateway still wants to know."""

    payee: str
    account: str
    country: str
    ready: bool
    missing: tuple[str, ...]


class PayeeAccounts:
    """Opens accounts, and sends payees to the gateway to say where their money shall go."""

    def __init__(self, database: Database[Row], gateway: Gateway, clock: Clock, public_url: str) -> None:
        self._payees = collection(database, PayeeDocument)
        self._gateway = gateway
        self._clock = clock
        self._home = f"{public_url.rstrip('/')}/hosting/earnings"

    @property
    def gateway(self) -> Payouts:
        """The gateway, as one that pays payees.

        Raises:
            PayoutsUnsupported: it does not.
        """
        if not isinstance(self._gateway, Payouts):
            raise PayoutsUnsupported("the gateway in use pays nobody")
        return self._gateway

    @property
    def gateway_name(self) -> str:
        """The name of the gateway in use."""
        return self._gateway.name

    @property
    def supported(self) -> bool:
        """Whether the gateway pays payees at all."""
        return isinstance(self._gateway, Payouts)

    def open(self, payee: str, *, country: str, email: str) -> PayeeAccount:
        """The payee's account, opened if there is none yet; the country of one that is there stays.

        Raises:
            PayoutsUnsupported: the gateway pays nobody.
            Invalid: the gateway pays nobody in that country.
            Unavailable: the gateway gave no answer.
        """
        gateway, found = self.gateway, self.find(payee)
        if found is not None:
            return found
        account = gateway.open_account(key=f"payee:{payee}", host_id=payee, country=country, email=email)
        made = {"account": account.id, "country": country} | self._state(account)
        self._payees.update_one({"_id": payee}, {"$setOnInsert": made}, upsert=True)
        return self.get(payee)

    def onboarding_url(self, payee: str) -> str:
        """Where the payee tells the gateway what it must know; works once, soon.

        Raises:
            NoPayoutAccount: the payee has none.
            PayoutsUnsupported: the gateway pays nobody.
            Unavailable: the gateway gave no answer.
        """
        url = self.gateway.onboarding_url(self.get(payee).account, return_url=self._home, refresh_url=self._home)
        self.sync_payee(payee)
        return url

    def find(self, payee: str) -> PayeeAccount | None:
        """The account as it was known last, or None."""
        row = self._payees.find_one({"_id": payee})
        return PayeeAccount(row["_id"], row["account"], row["country"], row["ready"], tuple(row["missing"])) if row else None

    def get(self, payee: str) -> PayeeAccount:
        """The account as it was known last.

        Raises:
            NoPayoutAccount: there is none.
        """
        found = self.find(payee)
        if found is None:
            raise NoPayoutAccount("there is no account for payouts yet")
        return found

    def sync_payee(self, payee: str) -> PayeeAccount | None:
        """Ask the gateway how the payee's account stands; None where there is none.

        Raises:
            Unavailable: the gateway gave no answer.
        """
        found = self.find(payee)
        if found is None or not self.supported:
            return found
        self._payees.update_one({"_id": payee}, {"$set": self._state(self.gateway.account(found.account))})
        return self.get(payee)

    def sync(self, account_id: str) -> None:
        """The same by the gateway's id of the account; nothing happens where it is none of ours.

        Raises:
            Unavailable: the gateway gave no answer.
        """
        row = self._payees.find_one({"account": account_id}, ("_id",))
        if row is not None:
            self.sync_payee(row["_id"])

    def _state(self, account: HostAccount) -> Row:
        return {"ready": account.ready, "missing": list(account.missing), "updated_at": self._clock()}
