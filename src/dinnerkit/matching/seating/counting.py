"""Rules about whole tables, ready to be held against tables of some guests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import Scores, TableRule
from dinnerkit.matching.solving.state import Floats, Ints


@dataclass(frozen=True, slots=True)
class Counted:
    """A rule, what it counts among some guests, and how much of each there is among all who dine."""

    rule: TableRule
    columns: Scores
    shares: Scores

    @classmethod
    def of(cls, rule: TableRule, crowd: Crowd, company: Crowd) -> Counted:
        """The rule for a crowd, which dines in a company that it is a part of, or all."""
        columns = rule.columns(crowd)
        everybody = columns if company is crowd else rule.columns(company)
        return cls(rule, columns, everybody.mean(axis=0) if len(company) else np.zeros(columns.shape[1], np.float32))

    def faults(self, rows: Ints) -> Floats:
        """(rows,): how much each table breaks the rule; its guests are in any columns, -1 elsewhere."""
        there = np.greater_equal(rows, 0)
        counts = np.where(there[:, :, None], self.columns[np.maximum(rows, 0)], np.float32(0.0)).sum(axis=1)
        return self.rule.faults(counts, there.sum(axis=1).astype(np.float32), self.shares).astype(np.float64)

    def kept(self, rows: Ints) -> Floats:
        """(rows,): the share of each table's guests, 0–1, who need not change places for it to keep the rule."""
        sizes = (rows >= 0).sum(axis=1)
        return np.asarray(1.0 - np.minimum(self.faults(rows) / np.maximum(sizes, 1), 1.0), np.float64)


def rows_of(labels: Ints, tables: int, width: int = 0) -> Ints:
    """(tables, most guests), at least so wide: the guests of each table, -1 after them; a label of -1 is no table."""
    seated = np.flatnonzero(labels >= 0)
    order = seated[np.argsort(labels[seated], kind="stable")]
    sizes = np.bincount(labels[order], minlength=tables)
    rows = np.full((tables, max(width, int(sizes.max(initial=0)))), -1)
    rows[np.arange(rows.shape[1])[None] < sizes[:, None]] = order
    return rows
