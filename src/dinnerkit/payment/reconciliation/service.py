"""Runs reconciliations, keeps what came of them, and does one a day."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.errors import Invalid
from dinnerkit.ids import new_id
from dinnerkit.payment.disputes import DisputeService
from dinnerkit.payment.ledger.checking import Finding, LedgerCheck
from dinnerkit.payment.ledger.service import Ledger
from dinnerkit.payment.payouts.service import PayoutService
from dinnerkit.payment.reconciliation.comparing import Comparing, Mismatch
from dinnerkit.payment.reconciliation.documents import MOST_KEPT, MismatchEntry, ReconciliationDocument
from dinnerkit.payment.reconciliation.payouts import ComparingPayouts
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.service import PaymentService
from dinnerkit.ports.gateway import Gateway
from dinnerkit.storage import Row, collection, insert

log = structlog.get_logger(__name__)

_DAY = timedelta(days=1)
_OVERLAP = timedelta(days=3)
"""How far a daily one looks back beyond the last: what was on its way then is settled by now."""

_FIRST = timedelta(days=30)
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a reconciliation; ``compared`` is how many charges, refunds, disputes and payouts the gateway listed."""

    since: datetime
    until: datetime
    compared: int
    mismatches: tuple[Mismatch, ...]

    @property
    def left(self) -> list[Mismatch]:
        """What still does not agree."""
        return [mismatch for mismatch in self.mismatches if not mismatch.repaired]


class Reconciliation:
    """Compares payments, payouts and ledger with the gateway."""

    def __init__(
        self,
        database: Database[Row],
        gateway: Gateway,
        payments: PaymentService,
        refunds: RefundService,
        disputes: DisputeService,
        payouts: PayoutService,
        ledger: Ledger,
        check: LedgerCheck,
        clock: Clock,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._payments = payments
        self._refunds = refunds
        self._disputes = disputes
        self._payouts = payouts
        self._ledger = ledger
        self._check = check
        self._clock = clock

    def run(self, since: datetime, until: datetime | None = None, *, repair: bool = True) -> Report:
        """Compare what was made from ``since`` until before ``until`` (by default now); repair what is safe, or nothing at all.

        Raises:
            Invalid: it ends before it begins, or is longer than a year.
            Unavailable: the gateway gave no answer.
        """
        until = until or self._clock()
        if not since < until <= since + _LONGEST:
            raise Invalid("a reconciliation begins before it ends, and is a year long at most")
        comparing = Comparing(self._database, self._gateway, self._payments, self._refunds, self._disputes, self._clock, repair)
        found = []
        for mismatch in comparing.mismatches(since, until):
            found.append(mismatch)
            if mismatch.code == "gateway_fee" and mismatch.repaired:
                self._ledger.post_payment(mismatch.subject)
        payouts = ComparingPayouts(self._database, self._gateway, self._payouts, self._clock, repair)
        found += payouts.mismatches(since, until)
        found += [self._posted(finding, repair=repair) for finding in self._check.findings()]
        report = Report(since, until, comparing.compared + payouts.compared, tuple(found))
        if repair:
            self._keep(report)
        return report

    def daily(self) -> bool:
        """Reconcile if that was last done a day ago; whether it was done. What is left is told in the log, and by a metric.

        Raises:
            Unavailable: the gateway gave no answer.
        """
        last, now = self.last(), self._clock()
        if last is not None and now - last["at"] < _DAY:
            return False
        report = self.run(max(last["until"] - _OVERLAP, now - _LONGEST) if last else now - _FIRST, now)
        for mismatch in report.left:
            log.error("reconciliation_mismatch", code=mismatch.code, subject=mismatch.subject)
        log.info("reconciled", compared=report.compared, mismatches=len(report.mismatches), left=len(report.left))
        return True

    def last(self) -> Row | None:
        """What is kept of the last one that repaired what it could, or None."""
        return collection(self._database, ReconciliationDocument).find_one(sort=[("at", -1)])

    def _posted(self, finding: Finding, *, repair: bool) -> Mismatch:
        """An entry that is missing follows from its document, so it can be posted now; everything else is for a person."""
        mendable = repair and finding.code == "missing_entry"
        if mendable:
            self._ledger.post_payment(finding.document)
            self._ledger.post_payout(finding.document)
        return Mismatch(finding.code, finding.subject, finding.text, repaired=mendable and self._ledger.has(finding.subject))

    def _keep(self, report: Report) -> None:
        foremost = sorted(report.mismatches, key=lambda mismatch: mismatch.repaired)
        insert(
            self._database,
            ReconciliationDocument(
                id=new_id(),
                at=self._clock(),
                since=report.since,
                until=report.until,
                compared=report.compared,
                repaired=len(report.mismatches) - len(report.left),
                left=len(report.left),
                mismatches=[MismatchEntry(**asdict(mismatch)) for mismatch in foremost[:MOST_KEPT]],
            ),
        )
