"""The payment routes: what gateways tell, and the sandbox's stand-in for the guest's bank."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.bodies import raw_body
from dinnerkit.http.conditional import private_json
from dinnerkit.http.limits import unlimited
from dinnerkit.http.services import service
from dinnerkit.payment.authentication import AuthenticationService
from dinnerkit.payment.schemas import AuthenticatedSchema, AuthenticationSchema
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
