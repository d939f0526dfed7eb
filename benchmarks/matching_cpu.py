"""What it costs to seat a night of real people, how the cost grows with their number, and what the first call of a process costs."""

from __future__ import annotations

import subprocess
import sys
import time

from measuring import report

from dinnerkit.demo.respondents import respondents
from dinnerkit.matching import Guest, Traits, seat

PROCESSES = 5
FIRST_CALL = """
import random, time
from dinnerkit.matching import Guest, Traits, seat
dice = random.Random(1)
seat([Guest(str(number), Traits(*(dice.random() for _ in range(5))), age=dice.randint(20, 70)) for number in range(120)])
print(time.process_time())
"""


def first_call() -> float:
    """CPU milliseconds of a process that imports dinnerkit.matching, seats 120 people and ends: the middle of a few.

    What is compiled is on disk, as after any earlier call on the machine.
    """
    found = [float(subprocess.check_output([sys.executable, "-c", FIRST_CALL])) for _ in range(PROCESSES)]  # noqa: S603 - ours
    return sorted(found)[PROCESSES // 2] * 1e3


def main() -> None:
    """Seat 300 to 2,400 of the demo's people at tables of 5 to 7."""
    guests = [Guest(str(number), Traits(**one.traits), age=one.age) for number, one in enumerate(respondents())]
    seat(guests[:300])  # compiles, or reads what was compiled
    rows = {}
    for count in (300, 600, 1200, 2400):
        began = time.process_time()
        seat(guests[:count])
        rows[f"{count:,} people"] = (time.process_time() - began) * 1e3
    rows["120 people, the first call of a process, with all imports"] = first_call()
    report("Seating: CPU", rows, "ms")


if __name__ == "__main__":
    main()
