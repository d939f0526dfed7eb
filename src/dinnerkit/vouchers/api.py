"""The voucher routes, for hosts."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from dinnerkit.http.auth import current_principal, requires
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.conditional import private_json
from dinnerkit.http.idempotency import idempotent, operation_id
from dinnerkit.http.paging import decode_cursor, encode_cursor
from dinnerkit.http.schemas import PageQuery, page_schema
from dinnerkit.http.services import service
from dinnerkit.identity import Role
from dinnerkit.ids import is_id
from dinnerkit.vouchers.errors import NoSuchVoucher
from dinnerkit.vouchers.presenting import presented
from dinnerkit.vouchers.schemas import NewVoucherSchema, VoucherSchema
from dinnerkit.vouchers.service import VoucherService

blueprint = ApiBlueprint("vouchers", __name__, description="Codes that take something off the price.")


@blueprint.route("/vouchers", methods=["POST"])
@requires(Role.HOST)
@idempotent
@blueprint.arguments(NewVoucherSchema)
@blueprint.response(201, VoucherSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def make_voucher(wanted: dict[str, Any]) -> Response:
    """Make a voucher for one of my events, or for all of them. 404: another host's event. 409: `code_taken`."""
    return private_json(presented(service(VoucherService).make(current_principal(), voucher_id=operation_id(), **wanted)), 201)


@blueprint.route("/vouchers")
@requires(Role.HOST)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_schema(VoucherSchema))
def list_vouchers(query: dict[str, Any]) -> Response:
    """List my vouchers, newest first; an admin's are also those that are good for everybody's events."""
    limit, cursor = query["limit"], query["cursor"]
    before = decode_cursor(cursor, str)[0] if cursor else None
    found = service(VoucherService).page(current_principal(), limit=limit + 1, before=before)
    further = encode_cursor(found[limit - 1].id) if len(found) > limit else None
    return private_json({"items": [presented(voucher) for voucher in found[:limit]], "next": further})


@blueprint.route("/vouchers/<voucher_id>")
@requires(Role.HOST)
@blueprint.response(200, VoucherSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def get_voucher(voucher_id: str) -> Response:
    """Show a voucher of mine."""
    return private_json(presented(service(VoucherService).get(current_principal(), _existing(voucher_id))))


@blueprint.route("/vouchers/<voucher_id>/stop", methods=["POST"])
@requires(Role.HOST)
@idempotent
@blueprint.response(200, VoucherSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def stop_voucher(voucher_id: str) -> Response:
    """Let nobody use a voucher of mine any more; the bookings that have it keep it."""
    return private_json(presented(service(VoucherService).stop(current_principal(), _existing(voucher_id))))


def _existing(voucher_id: str) -> str:
    """Spare the database what can't be an id."""
    if not is_id(voucher_id):
        raise NoSuchVoucher("There is no such voucher.")
    return voucher_id
