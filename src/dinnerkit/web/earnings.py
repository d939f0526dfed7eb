"""What a host has earned, what was paid out, and where to."""

from __future__ import annotations

from flask import Blueprint, Response, request

from dinnerkit.accounts.people import People
from dinnerkit.errors import DinnerkitError, Forbidden
from dinnerkit.http.problems import status_of
from dinnerkit.http.services import service
from dinnerkit.identity import Role
from dinnerkit.money import Money
from dinnerkit.payment.ledger.service import Ledger
from dinnerkit.payment.payouts.accounts import PayeeAccounts
from dinnerkit.payment.payouts.service import PayoutService
from dinnerkit.texts import sentence
from dinnerkit.web.forms import show
from dinnerkit.web.sessions import signed_in

blueprint = Blueprint("earnings", __name__, url_prefix="/hosting/earnings")

_SHOWN = 50
_COUNTRY_LENGTH = 2


@blueprint.before_request
def hosts_only() -> None:
    """Let nobody else in."""
    if not signed_in().may(Role.HOST):
        raise Forbidden("Only hosts earn something.")


@blueprint.route("")
def mine() -> Response:
    """Show what is owed to the host, what was paid out, and how the account for it stands."""
    return _page()


@blueprint.route("/account", methods=["POST"])
def account() -> Response:
    """Open the host's account at the payment service, and show where to go on with it."""
    accounts, payee = service(PayeeAccounts), signed_in().user_id
    contact = service(People).contact(payee)
    country = request.form.get("country", "").strip().upper()[: _COUNTRY_LENGTH + 1]
    try:
        accounts.open(payee, country=country, email=contact.email if contact else "")
        return _page(accounts.onboarding_url(payee))
    except DinnerkitError as error:
        return _page(error=error)


def _page(url: str | None = None, error: DinnerkitError | None = None) -> Response:
    payee, accounts = signed_in().user_id, service(PayeeAccounts)
    return show(
        "earnings.html",
        status=status_of(error) if error else 200,
        owed=[Money(amount, currency) for currency, amount in sorted(service(Ledger).owed(payee).items()) if amount],
        payouts=[
            {"sent_at": row["sent_at"], "money": Money(row["amount"], row["currency"]), "failed": row["status"] == "failed"}
            for row in service(PayoutService).of_payee(payee)
            if row.get("sent_at")
        ][:_SHOWN],
        supported=accounts.supported,
        account=accounts.find(payee),
        url=url,
        problem=sentence(error.message) if error else "",
    )
