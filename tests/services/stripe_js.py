"""What a guest's browser has of Stripe, for the double: a Stripe.js that takes what the real one takes, a form for cards, and a bank.

The script refuses what Stripe.js refuses (docs.stripe.com/js): options that are missing or of another kind, a token before the form was
checked, a payment that waits for nobody. Form and bank are frames of the double's own origin, as Stripe's are of Stripe's.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

FILES = Path(__file__).with_name("stripe_js_files")

CARDS = {
    "4242424242424242": ("4242424242424242", ""),
    "4000000000000002": ("4000000000000341", "generic_decline"),
    "4000000000009995": ("4000000000000341", "insufficient_funds"),
    "4000000000009987": ("4000000000000341", "lost_card"),
    "4000002760003184": ("4000002760003184", ""),
}
"""Stripe's test cards: the number that does the same at localstripe, and why it is declined."""


class StripeJs:
    """Confirmation tokens, which stand for the payment methods that the form has made, and why some will be declined."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.declines: dict[str, str] = {}
        self._names = itertools.count()

    def serve(self, app: web.Application, localstripe: str, session: ClientSession) -> None:
        """Add the routes of a browser."""

        async def make_token(request: web.Request) -> web.Response:
            form = await request.post()
            number, code = CARDS[str(form["number"])]
            card = {"type": "card", "card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2040", "card[cvc]": "123"}
            headers = {"Authorization": "Bearer sk_test_double"}
            async with session.post(f"{localstripe}/v1/payment_methods", data=card, headers=headers) as answer:
                method: dict[str, Any] = await answer.json(content_type=None)
            token = f"ctoken_{next(self._names)}"
            self.tokens[token] = method["id"]
            if code:
                self.declines[method["id"]] = code
            return web.json_response({"id": token, "object": "confirmation_token"})

        async def give(request: web.Request) -> web.StreamResponse:
            return web.FileResponse(FILES / request.match_info["name"], headers={"Cache-Control": "no-store"})

        app.router.add_post("/js/confirmation_tokens", make_token)
        app.router.add_get("/js/{name:[a-z]+\\.(?:js|html)}", give)
