"""What it costs to seat a night of real people, and how the cost grows with their number."""

from __future__ import annotations

import time

from measuring import report

from dinnerkit.demo.respondents import respondents
from dinnerkit.matching import Guest, Traits, seat


def main() -> None:
    """Seat 300 to 2,400 of the demo's people at tables of 5 to 7."""
    guests = [Guest(str(number), Traits(**one.traits), age=one.age) for number, one in enumerate(respondents())]
    seat(guests[:300])  # compiles, or reads what was compiled
    rows = {}
    for count in (300, 600, 1200, 2400):
        began = time.process_time()
        seat(guests[:count])
        rows[f"{count:,} people"] = (time.process_time() - began) * 1e3
    report("Seating: CPU", rows, "ms")


if __name__ == "__main__":
    main()
