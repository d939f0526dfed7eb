"""The routes of queues, jobs and dead letters, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from werkzeug.wrappers import Response

from dinnerkit.delivery.jobs import Jobs
from dinnerkit.delivery.schemas import DeadLetterQuery, DeadLetterSchema, JobsQuery, JobsSchema, QueuesSchema
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.http.auth import requires
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.conditional import private_json
from dinnerkit.http.paging import decode_cursor, encode_cursor
from dinnerkit.http.schemas import page_schema
from dinnerkit.http.services import service
from dinnerkit.identity import Role
from dinnerkit.storage import Row

blueprint = ApiBlueprint("delivery", __name__, description="Background jobs, and those that failed for good.")

_SHOWN = ("handler", "queue", "kind", "data", "attempts", "error", "created_at", "died_at")


@blueprint.route("/admin/queues")
@requires(Role.ADMIN)
@blueprint.response(200, QueuesSchema)
def list_queues() -> Response:
    """List the named queues, with what waits and what became of the rest."""
    return private_json({"items": Jobs(service(DeliveryService)).queues()})


@blueprint.route("/admin/queues/<queue>/jobs")
@requires(Role.ADMIN)
@blueprint.arguments(JobsQuery, location="query")
@blueprint.response(200, JobsSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def list_jobs(query: dict[str, Any], queue: str) -> Response:
    """List jobs of a queue: the oldest that wait or run, or the last that finished or failed for good."""
    return private_json({"items": Jobs(service(DeliveryService)).of(queue, query["state"], query["limit"])})


@blueprint.route("/admin/dead-letters")
@requires(Role.ADMIN)
@blueprint.arguments(DeadLetterQuery, location="query")
@blueprint.response(200, page_schema(DeadLetterSchema))
def list_dead_letters(query: dict[str, Any]) -> Response:
    """List what failed for good, oldest first."""
    limit = query["limit"]
    after = decode_cursor(query["cursor"], datetime, str) if query["cursor"] else None
    letters = service(DeliveryService).dead_letters(limit=limit + 1, after=after and (after[0], after[1]), queue=query["queue"])
    last = letters[limit - 1] if len(letters) > limit else None
    items = [_presented(letter) for letter in letters[:limit]]
    return private_json({"items": items, "next": encode_cursor(last["died_at"], last["_id"]) if last else None})


@blueprint.route("/admin/dead-letters/<letter_id>")
@requires(Role.ADMIN)
@blueprint.response(200, DeadLetterSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def show_dead_letter(letter_id: str) -> Response:
    """Show one that failed for good."""
    return private_json(_presented(service(DeliveryService).dead_letter(letter_id)))


@blueprint.route("/admin/dead-letters/<letter_id>/retry", methods=["POST"])
@requires(Role.ADMIN)
@blueprint.response(202)
@blueprint.alt_response(404, "NOT_FOUND")
def retry_dead_letter(letter_id: str) -> None:
    """Deliver it again, with all its attempts before it."""
    service(DeliveryService).retry(letter_id)


@blueprint.route("/admin/dead-letters/<letter_id>", methods=["DELETE"])
@requires(Role.ADMIN)
@blueprint.response(204)
@blueprint.alt_response(404, "NOT_FOUND")
def discard_dead_letter(letter_id: str) -> None:
    """Forget it."""
    service(DeliveryService).discard(letter_id)


def _presented(letter: Row) -> dict[str, Any]:
    return {"id": letter["_id"]} | {name: letter[name] for name in _SHOWN}
