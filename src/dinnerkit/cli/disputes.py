"""``dinnerkit disputes``."""

from __future__ import annotations

import click

from dinnerkit.booking.statements import decimal
from dinnerkit.cli.output import say_table
from dinnerkit.kit import Kit
from dinnerkit.money import Money
from dinnerkit.payment.disputes import DisputeService, fee_of
from dinnerkit.settings import Settings


@click.group("disputes")
def command() -> None:
    """Look after payments that guests' banks have taken back."""


@command.command("list")
@click.option("--open", "undecided", is_flag=True, help="Those only that are not decided.")
def list_disputes(undecided: bool) -> None:
    """List the disputes, with what the guest's bank took and what the gateway keeps for it by now."""
    with Kit.open(Settings.load()) as kit:
        rows = [
            (
                dispute["id"],
                dispute["status"],
                dispute["reference"],
                f"{decimal(Money(dispute['amount'], dispute['currency']))} {dispute['currency']}",
                decimal(Money(fee_of(dispute), dispute["currency"])),
                dispute["reason"],
            )
            for dispute in kit.service(DisputeService).listed(undecided=undecided)
        ]
    if rows:
        say_table([("ID", "STATUS", "BOOKING", "AMOUNT", "FEE", "REASON"), *rows])
    else:
        click.echo("none")


@command.command("decide")
@click.argument("dispute_id", metavar="ID")
@click.option("--won/--lost", required=True, help="For the host, or for the guest.")
def decide(dispute_id: str, won: bool) -> None:
    """Decide a dispute as the guest's bank would; with the sandbox gateway only."""
    with Kit.open(Settings.load()) as kit:
        kit.service(DisputeService).decide(dispute_id, won=won)
    click.echo("won" if won else "lost")
