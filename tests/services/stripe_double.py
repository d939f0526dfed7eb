"""Stripe on this machine, with state: localstripe, and before it what localstripe lacks and Stripe documents.

A process of its own: ``python tests/services/stripe_double.py PORT [STRIPE_MOCK_URL]``. localstripe 1.15 ignores idempotency keys, gives
back more than was paid, lists oldest first and by no time, knows few test cards, no search, no disputes and no Connect, and refuses fields
that it does not know. What it does know (cards, PaymentIntents, 3-D Secure, refunds, signed webhooks) is left to it. Every request is shown
to stripe-mock first, where there is one, so that what Stripe's OpenAPI refuses is refused here too.

Tests steer it under ``/_test/``.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import ClientSession, web
from localstripe import resources
from localstripe.server import app as localstripe_app
from stripe_js import StripeJs

CARDS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_chargeDeclined": "4000000000000341",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredChargeDeclined": "4000008260003178",
    "pm_card_createDispute": "4242424242424242",
}
"""Stripe's test payment methods, with cards that do the same at localstripe."""

UNKNOWN_THERE = {"description", "expand[0]", "transfer_group"}
"""Fields of a PaymentIntent that Stripe knows and localstripe refuses."""

Answer = tuple[int, Any]
Form = dict[str, str]


@dataclass
class Double:
    """What the double knows beside localstripe's store."""

    localstripe: str
    stripe_mock: str
    session: ClientSession
    kept: dict[str, tuple[Any, Answer | None]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    searchable: bool = True
    disputes: dict[str, dict[str, Any]] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    transfers: dict[str, dict[str, Any]] = field(default_factory=dict)
    js: StripeJs = field(default_factory=StripeJs)
    names: Any = field(default_factory=itertools.count)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = dict(parse_qsl((await request.text()) if request.method == "POST" else request.query_string, keep_blank_values=True))
        if request.path.startswith("/_test/"):
            return web.json_response(self.steer(request.path.removeprefix("/_test/"), form))
        key = request.headers.get("Idempotency-Key", "")
        self.connections.add(request.transport.get_extra_info("peername") if request.transport else None)
        self.requests.append({"method": request.method, "path": request.path, "form": form, "key": key})
        fault = next((fault for fault in self.faults if re.fullmatch(fault["path"], f"{request.method} {request.path}")), None)
        if fault:
            self.faults.remove(fault)
        if fault and fault["kind"] != "drop_after":
            return self.failing(request, fault["kind"])
        status, body, headers = await self.once(request, form, key)
        if fault:
            return self.failing(request, "drop")
        return web.json_response(body, status=status, headers=headers)

    def failing(self, request: web.Request, kind: str) -> web.StreamResponse:
        if kind == "drop":
            assert request.transport
            request.transport.abort()
        status, code = {"drop": (500, ""), "error": (500, "api_error"), "busy": (429, "rate_limit"), "key": (401, "invalid_key")}[kind]
        message = f"Invalid API Key provided: {request.headers.get('Authorization', '')}" if kind == "key" else "An error of the test's"
        return web.json_response({"error": {"type": "api_error", "code": code, "message": message}}, status=status)

    async def once(self, request: web.Request, form: Form, key: str) -> tuple[int, Any, dict[str, str]]:
        """Stripe's idempotency: the first answer to a key is given again; meanwhile others conflict; another question is an error."""
        if request.method != "POST" or not key:
            return (*await self.answer(request, form), {})
        question = (request.path, sorted(form.items()))
        if key in self.kept:
            asked, answer = self.kept[key]
            if asked != question:
                return (*error(400, "idempotency_error", "Keys for idempotent requests can only be used with the same parameters"), {})
            if answer is None:
                return (*error(409, "idempotency_error", "There is another request in progress", code="idempotency_key_in_use"), {})
            return (*answer, {"Idempotent-Replayed": "true"})
        self.kept[key] = (question, None)
        try:
            answer = await self.answer(request, form)
        except BaseException:
            del self.kept[key]
            raise
        if is_validation(answer):
            del self.kept[key]
        else:
            self.kept[key] = (question, answer)
        return (*answer, {})

    async def answer(self, request: web.Request, form: Form) -> Answer:
        if self.stripe_mock and not request.path.endswith("/_authenticate"):  # that is localstripe's own
            status, body = await self.ask(self.stripe_mock, request.method, request.path, form)
            if status >= 400:
                return status, body
        for method, pattern, respond in ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                return await respond(self, form, *found.groups())
        return await self.ask(self.localstripe, request.method, request.path, form)

    async def ask(self, base: str, method: str, path: str, form: Form) -> Answer:
        headers = {"Authorization": "Bearer sk_test_double", "Content-Type": "application/x-www-form-urlencoded"}
        query = f"?{urlencode(form)}" if method == "GET" and form else ""
        data = urlencode(form) if method == "POST" else None
        async with self.session.request(method, f"{base}{path}{query}", data=data, headers=headers) as response:
            return response.status, json.loads(await response.text())

    def steer(self, what: str, form: Form) -> Any:
        match what:
            case "forget":  # as Stripe does with idempotency keys after a day
                self.kept.clear()
            case "searchable":  # what was made a moment ago is not yet
                self.searchable = form["to"] == "yes"
            case "fault":
                self.faults.append(form)
            case "ready":
                account = self.accounts[form["account"]]
                account["capabilities"], account["requirements"] = {"transfers": "active"}, {"currently_due": [], "past_due": []}
            case "reverse":
                transfer = self.transfers[form["transfer"]]
                transfer["amount_reversed"] += int(form["amount"])
                transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
            case "dispute":
                return self.dispute(form.pop("payment_intent"), **form)
            case "requests":
                return {"requests": self.requests, "connections": len(self.connections)}
        return {}

    def dispute(self, intent_id: str, status: str = "needs_response", settled_in: str = "", fee: str = "1500", booked: str = "yes") -> Any:
        """Stripe keeps a fee with what it takes, and gives both back with a dispute that is won."""
        intent = resources.PaymentIntent._api_retrieve(intent_id)
        taken = booked == "yes" and not status.startswith("warning")
        moved = [(-intent.amount, int(fee))] * taken + [(intent.amount, -int(fee))] * (taken and status == "won")
        made = {
            "id": f"du_{next(self.names)}",
            "object": "dispute",
            "amount": intent.amount,
            "balance_transactions": [
                {"object": "balance_transaction", "amount": amount, "currency": settled_in or intent.currency, "fee": kept}
                for amount, kept in moved
            ],
            "currency": intent.currency,
            "created": int(time.time()),
            "payment_intent": intent_id,
            "reason": "fraudulent",
            "status": status,
        }
        self.disputes[made["id"]] = made
        return made


def error(status: int, kind: str, message: str, **more: Any) -> Answer:
    return status, {"error": {"type": kind, "message": message, **more}}


def missing(what: str, param: str = "id") -> Answer:
    return error(404 if param == "id" else 400, "invalid_request_error", f"No such {what}", code="resource_missing", param=param)


def is_validation(answer: Answer) -> bool:
    """Whether Stripe would not have begun to work on it: such answers are not kept."""
    return answer[0] in {400, 404} and answer[1]["error"].get("param") is not None


def listed(path: str, items: list[dict[str, Any]], form: Form) -> Answer:
    """A page of a list, newest first."""
    since, until = int(form.get("created[gte]", 0)), int(form.get("created[lt]", 1 << 40))
    found = [item for item in items if since <= item["created"] < until][::-1]
    after = next((place + 1 for place, item in enumerate(found) if item["id"] == form.get("starting_after")), 0)
    limit = int(form.get("limit", 10))
    return 200, {"object": "list", "url": path, "data": found[after : after + limit], "has_more": len(found) > after + limit}


def stored(kind: Any) -> list[Any]:
    return [thing for thing in resources.store.values() if isinstance(thing, kind)]


def shown(intent: Any) -> dict[str, Any]:
    """A PaymentIntent as Stripe shows it, with the charge and its fee."""
    found = intent._export()
    charge = found.get("latest_charge")
    if charge and charge["status"] == "succeeded":
        charge["balance_transaction"] = {
            "id": f"txn_{intent.id}",
            "object": "balance_transaction",
            "currency": intent.currency,
            "fee": intent.amount // 50,
        }
    problem = found.get("last_payment_error")
    if problem and problem["code"] == "card_declined":
        problem["decline_code"] = "generic_decline"
    return json.loads(json.dumps(found, default=lambda thing: thing._export()))


async def create_intent(double: Double, form: Form) -> Answer:
    form = {name: value for name, value in form.items() if name not in UNKNOWN_THERE}
    if "confirmation_token" in form:
        asked = form.pop("confirmation_token")
        if asked not in double.js.tokens:
            return missing(f"ConfirmationToken: '{asked}'", "confirmation_token")
        form["payment_method"] = double.js.tokens.pop(asked)  # it confirms one payment
    method = form["payment_method"]
    if method.startswith("pm_card_"):
        if method not in CARDS:
            return missing(f"PaymentMethod: '{method}'", "payment_method")
        card = {"type": "card", "card[number]": CARDS[method], "card[exp_month]": "12", "card[exp_year]": "2040", "card[cvc]": "123"}
        form["payment_method"] = (await double.ask(double.localstripe, "POST", "/v1/payment_methods", card))[1]["id"]
    status, body = await double.ask(double.localstripe, "POST", "/v1/payment_intents", form)
    if status == 404:
        return missing(f"PaymentMethod: '{method}'", "payment_method")
    intent = next((i for i in stored(resources.PaymentIntent)[::-1] if i.payment_method == form["payment_method"]), None)
    if intent is None:
        return status, body
    if status == 402:
        refused = shown(intent)
        refused["last_payment_error"]["decline_code"] = double.js.declines.get(method, "generic_decline")
        return error(402, "card_error", "Your card was declined.", code="card_declined", payment_intent=refused)
    if method == "pm_card_createDispute":
        double.dispute(intent.id, "needs_response")
    return 200, shown(intent)


async def retrieve_intent(_: Double, form: Form, intent_id: str) -> Answer:
    intent = resources.store.get(f"payment_intent:{intent_id}")
    return (200, shown(intent)) if intent else missing("payment_intent")


async def list_intents(_: Double, form: Form) -> Answer:
    return listed("/v1/payment_intents", [shown(intent) for intent in stored(resources.PaymentIntent)], form)


async def search_intents(double: Double, form: Form) -> Answer:
    wanted = re.fullmatch(r'metadata\["(\w+)"\]:"(.*)"', form["query"])
    assert wanted, form
    found = [intent for intent in stored(resources.PaymentIntent) if intent.metadata.get(wanted[1]) == wanted[2]]
    return 200, {"object": "search_result", "url": "/", "has_more": False, "data": [shown(i) for i in found if double.searchable]}


async def cancel_intent(double: Double, form: Form, intent_id: str) -> Answer:
    intent = resources.store.get(f"payment_intent:{intent_id}")
    if intent is None:
        return missing("payment_intent")
    if intent.status in {"succeeded", "canceled"}:
        return error(400, "invalid_request_error", f"It is {intent.status}", code="payment_intent_unexpected_state")
    await double.ask(double.localstripe, "POST", f"/v1/payment_intents/{intent_id}/cancel", {})
    return 200, shown(intent)


async def create_refund(double: Double, form: Form) -> Answer:
    intent = resources.store.get(f"payment_intent:{form['payment_intent']}")
    if intent is None:
        return missing("payment_intent", "payment_intent")
    if any(
        d["payment_intent"] == intent.id and d["status"] in {"needs_response", "under_review", "lost"} for d in double.disputes.values()
    ):
        return error(400, "invalid_request_error", "It has been charged back.", code="charge_disputed")
    gone = sum(refund.amount for refund in stored(resources.Refund) if refund.payment_intent == intent.id)
    if gone >= intent.amount:
        return error(400, "invalid_request_error", "It has already been refunded.", code="charge_already_refunded")
    if int(form["amount"]) > intent.amount - gone:
        return error(
            400, "invalid_request_error", f"Refund amount is greater than unrefunded amount ({intent.amount - gone})", param="amount"
        )
    return await double.ask(double.localstripe, "POST", "/v1/refunds", form)


async def list_refunds(_: Double, form: Form) -> Answer:
    wanted = form.get("payment_intent")
    if wanted and f"payment_intent:{wanted}" not in resources.store:
        return missing("payment_intent", "payment_intent")
    found = [refund._export() for refund in stored(resources.Refund) if wanted in {None, refund.payment_intent}]
    return listed("/v1/refunds", expanded(found, form), form)


async def list_disputes(double: Double, form: Form) -> Answer:
    wanted = form.get("payment_intent")
    if wanted and f"payment_intent:{wanted}" not in resources.store:
        return missing("payment_intent", "payment_intent")
    found = [dict(dispute) for dispute in double.disputes.values() if wanted in {None, dispute["payment_intent"]}]
    return listed("/v1/disputes", expanded(found, form), form)


def expanded(found: list[dict[str, Any]], form: Form) -> list[dict[str, Any]]:
    if form.get("expand[0]") == "data.payment_intent":
        for item in found:
            intent = resources.store.get(f"payment_intent:{item['payment_intent']}")
            item["payment_intent"] = shown(intent) if intent else None
    return found


async def create_account(double: Double, form: Form) -> Answer:
    if form["country"] == "KP":
        return error(400, "invalid_request_error", "KP is not currently supported by Stripe", code="country_unsupported", param="country")
    account = {
        "id": f"acct_{next(double.names)}",
        "object": "account",
        "capabilities": {"transfers": "inactive"},
        "requirements": {"currently_due": ["external_account"], "past_due": []},
        "metadata": {"dinnerkit_key": form["metadata[dinnerkit_key]"]},
    }
    double.accounts[account["id"]] = account
    return 200, account


async def retrieve_account(double: Double, form: Form, account_id: str) -> Answer:
    account = double.accounts.get(account_id)
    return (200, account) if account else error(403, "invalid_request_error", "The key has no access to it", code="account_invalid")


async def create_account_link(double: Double, form: Form) -> Answer:
    if form["account"] not in double.accounts:
        return missing("account", "account")
    return 200, {
        "object": "account_link",
        "created": int(time.time()),
        "expires_at": int(time.time()) + 300,
        "url": "https://connect.example/setup",
    }


async def create_transfer(double: Double, form: Form) -> Answer:
    account = double.accounts.get(form["destination"])
    if account is None:
        return missing("destination", "destination")
    if account["capabilities"]["transfers"] != "active":
        return error(400, "invalid_request_error", "It can't take transfers", code="insufficient_capabilities_for_transfer")
    currency, amount = form["currency"], int(form["amount"])
    earned = sum(i.amount for i in stored(resources.PaymentIntent) if i.currency == currency and i.status == "succeeded")
    spent = sum(t["amount"] for t in double.transfers.values() if t["currency"] == currency)
    if amount > earned - spent:
        return error(400, "invalid_request_error", "You have insufficient funds", code="balance_insufficient")
    transfer = {
        "id": f"tr_{next(double.names)}",
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "created": int(time.time()),
        "currency": currency,
        "destination": account["id"],
        "metadata": {"dinnerkit_key": form["metadata[dinnerkit_key]"]} if "metadata[dinnerkit_key]" in form else {},
        "reversed": False,
        "transfer_group": form.get("transfer_group"),
    }
    double.transfers[transfer["id"]] = transfer
    return 200, transfer


async def retrieve_transfer(double: Double, form: Form, transfer_id: str) -> Answer:
    transfer = double.transfers.get(transfer_id)
    return (200, transfer) if transfer else missing("transfer")


async def list_transfers(double: Double, form: Form) -> Answer:
    return listed(
        "/v1/transfers", [t for t in double.transfers.values() if form.get("transfer_group") in {None, t["transfer_group"]}], form
    )


ROUTES: list[tuple[str, str, Callable[..., Awaitable[Answer]]]] = [
    ("POST", "/v1/payment_intents", create_intent),
    ("GET", "/v1/payment_intents", list_intents),
    ("GET", "/v1/payment_intents/search", search_intents),
    ("GET", "/v1/payment_intents/([^/]+)", retrieve_intent),
    ("POST", "/v1/payment_intents/([^/]+)/cancel", cancel_intent),
    ("POST", "/v1/refunds", create_refund),
    ("GET", "/v1/refunds", list_refunds),
    ("GET", "/v1/disputes", list_disputes),
    ("POST", "/v1/accounts", create_account),
    ("GET", "/v1/accounts/([^/]+)", retrieve_account),
    ("POST", "/v1/account_links", create_account_link),
    ("POST", "/v1/transfers", create_transfer),
    ("GET", "/v1/transfers", list_transfers),
    ("GET", "/v1/transfers/([^/]+)", retrieve_transfer),
]


async def main(port: int, stripe_mock: str) -> None:
    resources.Store.dump_to_disk = lambda _: None  # it would keep its state in a pickle under /tmp, shared by all
    behind = web.AppRunner(localstripe_app)
    await behind.setup()
    inner = web.TCPSite(behind, "127.0.0.1", 0)
    await inner.start()
    async with ClientSession() as session:
        double = Double(f"http://127.0.0.1:{behind.addresses[0][1]}", stripe_mock, session)
        app = web.Application()
        app.router.add_route("*", "/_config/{rest:.*}", double_config(double))
        double.js.serve(app, double.localstripe, session)
        app.router.add_route("*", "/{rest:.*}", double.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


def double_config(double: Double) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Localstripe's own way to be told where webhooks go."""

    async def forward(request: web.Request) -> web.Response:
        async with double.session.request(
            request.method, f"{double.localstripe}{request.path}", data=await request.read(), headers={"Content-Type": request.content_type}
        ) as response:
            return web.Response(status=response.status, body=await response.read())

    return forward


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
