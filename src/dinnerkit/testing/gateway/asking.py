"""What a gateway asks of guests on a page."""

from __future__ import annotations

import json
import re

from dinnerkit.ids import new_id
from dinnerkit.ports.checkout import Checkout, CheckoutForm
from dinnerkit.testing.expecting import ContractBroken, expect, needed
from dinnerkit.testing.gateway.bench import GatewayBench
from dinnerkit.testing.gateway.charging import pay

_DIRECTIVES = {"script-src", "frame-src", "connect-src", "img-src"}
_SOURCE = re.compile(r"https://(\*\.)?[A-Za-z0-9.-]+(:\d+)?|http://(127\.0\.0\.1|localhost)(:\d+)?")
_EXPORTS = {name: re.compile(rf"export\s+(async\s+)?function\s+{name}\b|export\s*{{[^}}]*\b{name}\b") for name in ("ask", "authenticate")}


class Asking:
    """What a gateway owes that has the capability Checkout."""

    def test_what_a_page_offers_can_be_paid_with(self, bench: GatewayBench) -> None:
        """The guest chooses by the name, and what is behind it goes to ``charge``."""
        for one in _form(bench).offered:
            try:
                pay(bench, new_id(), method=one.method)
            except Exception as error:
                raise ContractBroken(f"{one.name!r} is offered, and can't be paid with: {type(error).__name__} ({error})") from error

    def test_a_page_without_methods_to_choose_from_has_a_module_that_asks(self, bench: GatewayBench) -> None:
        """With both functions that the page calls, and settings that can be written into it."""
        form, source = _form(bench), _checkout(bench).checkout_module
        expect(form.offered or source, "its form neither offers a payment method nor has a module that asks for one")
        missing = [name for name, exported in _EXPORTS.items() if source and not exported.search(source)]
        expect(not missing, f"its module exports no function {' and no '.join(missing)}")
        try:
            written = json.loads(json.dumps(dict(form.settings)))
        except (TypeError, ValueError) as error:
            raise ContractBroken(f"its settings are no JSON: {error}") from error
        expect(written == dict(form.settings), "its settings are others once they were written as JSON")

    def test_a_page_lets_in_origins_and_nothing_else(self, bench: GatewayBench) -> None:
        """Each is named, and reached by https: whoever stands in between could read the cards."""
        for directive, origins in _form(bench).sources.items():
            expect(directive in _DIRECTIVES, f"its form wants to change {directive}, which is not for it to say")
            wrong = [origin for origin in origins if not _SOURCE.fullmatch(origin)]
            expect(not wrong, f"its form wants {directive} to let in {', '.join(wrong)}")

    def test_a_page_is_told_no_secret(self, bench: GatewayBench) -> None:
        """Everybody can read it."""
        told = json.dumps(dict(_form(bench).settings), default=str) + _checkout(bench).checkout_module
        for secret in needed(bench.secrets, "secret to look for"):
            expect(secret not in told, f"a secret of the gateway's is on the page: {secret[:4]}…")


def _checkout(bench: GatewayBench) -> Checkout:
    return needed(bench.gateway if isinstance(bench.gateway, Checkout) else None, "gateway that asks on pages")


def _form(bench: GatewayBench) -> CheckoutForm:
    return needed(_checkout(bench).checkout_form(bench.amounts[0]), "form for pages")
