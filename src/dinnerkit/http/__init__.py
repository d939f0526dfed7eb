"""What every route shares: problem details, authentication, idempotency, rate limits, cached answers, documentation.

A domain's ``api.py`` looks like this::

    blueprint = ApiBlueprint("events", __name__, description="Dinners that people book.")

    @blueprint.route("/events", methods=["POST"])           # relative to /v1
    @requires(Role.HOST)                                     # 401, 403; documents the bearer token
    @idempotent                                              # Idempotency-Key; operation_id() inside
    @blueprint.arguments(NewEventSchema)                     # 422
    @blueprint.response(201, EventSchema)
    def create_event(body: NewEvent) -> Event:
        \"\"\"Make a draft.\"\"\"
        return service(EventService).create(current_principal(), body)

The order of the decorators matters: who asks, then whether this was answered before, then what is asked. Errors are raised, never returned.
"""
