"""CPU time of this process for a repeated action, as a ratio to a floor measured in the same run."""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table


def cpu_micros(action: Callable[[int], object], repeat: int) -> float:
    """CPU microseconds for one call, the mean over ``repeat`` of them after a tenth as many to warm up; ``action`` gets its number."""
    warm = max(1, repeat // 10)
    for number in range(warm):
        action(number)
    gc.collect()
    began = time.process_time()
    for number in range(warm, warm + repeat):
        action(number)
    return (time.process_time() - began) / repeat * 1e6


def report(title: str, rows: dict[str, float], unit: str) -> None:
    """Print a table whose first row is the floor that the others are ratios to; write it as JSON too where ``--json FILE`` asks for it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    target = parser.parse_args().json
    floor = next(iter(rows.values()))
    table = Table("", unit, "× floor", title=title)
    for name, value in rows.items():
        table.add_row(name, f"{value:,.0f}", f"{value / floor:.1f}")
    Console(width=100).print(table)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        found = {name: {"value": value, "ratio": value / floor} for name, value in rows.items()}
        target.write_text(json.dumps({"title": title, "unit": unit, "rows": found}, indent=2) + "\n")
