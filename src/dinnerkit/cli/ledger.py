"""``dinnerkit ledger``."""

from __future__ import annotations

import json
from datetime import datetime

import click

from dinnerkit.accounts.service import AccountService
from dinnerkit.booking.agreement import BookingAgreement
from dinnerkit.booking.statements import EARLIEST, Statements, decimal
from dinnerkit.cli.moments import MOMENT
from dinnerkit.errors import NotFound
from dinnerkit.kit import Kit
from dinnerkit.money import Money
from dinnerkit.payment.ledger.checking import LedgerCheck
from dinnerkit.payment.ledger.service import Ledger
from dinnerkit.settings import Settings


@click.group("ledger")
def command() -> None:
    """Prove the ledger, and write statements from it."""


@command.command("check")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: entries, balances, findings.")
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Prove that the ledger balances, and that payments and bookings agree with it.

    One line for each thing that is wrong: its code, then a sentence. Ends with 0 where nothing is, with 1 where something is. What is
    younger than a minute may still be on its way, and is not missed.
    """
    with Kit.open(Settings.load()) as kit:
        findings = [*kit.service(LedgerCheck).findings(), *kit.service(BookingAgreement).findings()]
        entries, balances = kit.service(LedgerCheck).count(), kit.service(Ledger).balances()
    if as_json:
        found = [{"code": finding.code, "subject": finding.subject, "text": finding.text} for finding in findings]
        click.echo(json.dumps({"entries": entries, "balances": balances, "findings": found}, ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(f"{finding.code}: {finding.text}")
        for currency, accounts in balances.items():
            amounts = ", ".join(f"{account} {decimal(Money(amount, currency))}" for account, amount in accounts.items() if amount)
            click.echo(f"{currency}: {amounts or 'all accounts are at zero'}")
        click.echo(f"{entries} entries, {len(findings)} things wrong" if findings else f"{entries} entries, all balanced; nothing is wrong")
    if findings:
        ctx.exit(1)


@command.command("statement")
@click.option("--host", metavar="EMAIL_OR_ID", required=True, help="Whose.")
@click.option("--from", "since", type=MOMENT, help="From when: 2026-11-01, a moment, or 30d ago. Default: from the beginning.")
@click.option("--to", "until", type=MOMENT, help="Until before when. Default: until now.")
def statement(host: str, since: datetime | None, until: datetime | None) -> None:
    """Write what a host has earned, been charged and been paid, as CSV."""
    with Kit.open(Settings.load()) as kit:
        accounts = kit.service(AccountService)
        user = accounts.find(host) if "@" in host else accounts.get(host)
        if user is None:
            raise NotFound(f"there is no user {host}")
        since, until = since or EARLIEST, until or kit.clock()
        click.echo(kit.service(Statements).csv(user.id, since, until), nl=False)
