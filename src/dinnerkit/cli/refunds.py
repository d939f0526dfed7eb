"""``dinnerkit refunds``."""

from __future__ import annotations

import click

from dinnerkit.booking.statements import decimal
from dinnerkit.cli.output import say_table
from dinnerkit.errors import NotFound
from dinnerkit.kit import Kit
from dinnerkit.money import Money
from dinnerkit.payment.refunds import RefundService
from dinnerkit.settings import Settings


@click.group("refunds")
def command() -> None:
    """Look after refunds that the gateway could not make."""


@command.command("list")
def list_failed() -> None:
    """List the refunds that failed; what they should have given back is still owed."""
    with Kit.open(Settings.load()) as kit:
        rows = [
            (entry["id"], entry["reference"], f"{decimal(Money(entry['amount'], entry['currency']))} {entry['currency']}", entry["reason"])
            for _, entry in kit.service(RefundService).failed()
        ]
    if rows:
        say_table([("ID", "BOOKING", "AMOUNT", "REASON"), *rows])
    else:
        click.echo("none: every refund was made, or is on its way")


@command.command("retry")
@click.argument("refund_id", metavar="ID")
@click.pass_context
def retry(ctx: click.Context, refund_id: str) -> None:
    """Attempt once more to give the money back."""
    with Kit.open(Settings.load()) as kit:
        refunds = kit.service(RefundService)
        payment = next((payment for payment, entry in refunds.failed() if entry["id"] == refund_id), None)
        if payment is None:
            raise NotFound(f"no refund {refund_id} has failed")
        refunds.try_again(payment, refund_id)
        failed = any(entry["id"] == refund_id for _, entry in refunds.failed())
    click.echo("it failed again" if failed else "it is on its way")
    if failed:
        ctx.exit(1)
