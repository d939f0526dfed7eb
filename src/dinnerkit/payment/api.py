"""The payment routes: what gateways tell, the sandbox's stand-in for the guest's bank, and where hosts are paid."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from dinnerkit.accounts.people import People
from dinnerkit.http.auth import current_principal, requires
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.bodies import raw_body
from dinnerkit.http.conditional import private_json
from dinnerkit.http.limits import unlimited
from dinnerkit.http.services import service
from dinnerkit.identity import Role
from dinnerkit.payment.authentication import AuthenticationService
from dinnerkit.payment.errors import NoPayoutAccount
from dinnerkit.payment.payouts.accounts import PayeeAccount, PayeeAccounts
from dinnerkit.payment.schemas import AuthenticatedSchema, AuthenticationSchema, NewPayoutAccountSchema, PayoutAccountSchema
from dinnerkit.payment.webhooks import WebhookInbox

blueprint = ApiBlueprint("payment", __name__, description="What gateways tell.")


@blueprint.route("/payments/webhooks/<gateway>", methods=["POST"])
@unlimited
@blueprint.response(204)
@blueprint.alt_response(400, "BAD_REQUEST")
@blueprint.alt_response(404, "NOT_FOUND")
def receive_webhook(gateway: str) -> None:
    """Take a gateway's notification: verified over its raw body, stored, worked on later.

    400: `bad_signature`.
    """
    service(WebhookInbox).receive(gateway, raw_body(request), dict(request.headers))


@blueprint.route("/payments/authentications", methods=["POST"])
@blueprint.arguments(AuthenticationSchema)
@blueprint.response(200, AuthenticatedSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def authenticate_payment(body: dict[str, Any]) -> Response:
    """Answer an authentication as the guest's bank would; only the sandbox gateway takes it (404 elsewhere).

    Whoever has the client secret may answer, as with the real gateways. The booking follows when the gateway's notification comes.
    """
    charge = service(AuthenticationService).answer(body["client_secret"], approve=body["approve"])
    return private_json({"status": charge.status})


@blueprint.route("/host/payout-account", methods=["POST"])
@requires(Role.HOST)
@blueprint.arguments(NewPayoutAccountSchema)
@blueprint.response(200, PayoutAccountSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def open_payout_account(body: dict[str, Any]) -> Response:
    """Have me paid as a host: opens my account at the gateway if there is none, and says where I tell what it must know.

    The `url` works once, soon; ask again for another. 409: `payouts_unsupported`.
    """
    payee, accounts = current_principal().user_id, service(PayeeAccounts)
    contact = service(People).contact(payee)
    if contact is None:
        raise NoPayoutAccount("without an e-mail address there can be no account")
    accounts.open(payee, country=body["country"], email=contact.email)
    url = accounts.onboarding_url(payee)
    return private_json(_presented(accounts.get(payee), url))


@blueprint.route("/host/payout-account")
@requires(Role.HOST)
@blueprint.response(200, PayoutAccountSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def show_payout_account() -> Response:
    """Show how my account for payouts stands, as the gateway told last.

    404: `no_payout_account`.
    """
    return private_json(_presented(service(PayeeAccounts).get(current_principal().user_id), None))


def _presented(account: PayeeAccount, url: str | None) -> dict[str, Any]:
    return {"country": account.country, "ready": account.ready, "missing": list(account.missing), "url": url}
