"""``dinnerkit reconcile``."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from dinnerkit.cli.moments import MOMENT
from dinnerkit.kit import Kit
from dinnerkit.payment.reconciliation.comparing import Mismatch
from dinnerkit.payment.reconciliation.service import Reconciliation
from dinnerkit.settings import Settings


@click.command("reconcile")
@click.option("--since", type=MOMENT, required=True, help="From when: 2026-11-01, a moment, or 2d ago.")
@click.option("--until", type=MOMENT, help="Until before when. Default: until now.")
@click.option("--dry-run", is_flag=True, help="Repair nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: compared, mismatches.")
@click.pass_context
def command(ctx: click.Context, since: datetime, until: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Compare payments, payouts and ledger with what the gateway says.

    What is safe is repaired: a payment, refund, dispute or payout whose end we have missed is asked about again, and an entry that the
    ledger lacks is posted. One line for each mismatch: its code, then a sentence. Ends with 0 where nothing is left, with 1 where
    something is.
    """
    with Kit.open(Settings.load()) as kit:
        report = kit.service(Reconciliation).run(since, until, repair=not dry_run)
    if as_json:
        found = [asdict(mismatch) for mismatch in report.mismatches]
        click.echo(json.dumps({"compared": report.compared, "mismatches": found}, ensure_ascii=False))
    else:
        for mismatch in report.mismatches:
            click.echo(_line(mismatch))
        repaired = len(report.mismatches) - len(report.left)
        click.echo(f"{report.compared} compared, {len(report.mismatches)} mismatches, {repaired} repaired, {len(report.left)} left")
    if report.left:
        ctx.exit(1)


def _line(mismatch: Mismatch) -> str:
    return f"{mismatch.code}: {mismatch.text}{' (repaired)' if mismatch.repaired else ''}"
