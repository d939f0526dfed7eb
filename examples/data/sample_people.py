"""Draws the people of the demo from the Big Five answers that openpsychometrics.org published.

    python examples/data/sample_people.py data.csv.gz src/dinnerkit/demo_data/people.csv.gz

The source is BIG5.zip's data.csv (tab-separated, gzipped or not). Of those who answered all 50 items, typed an age of 18 to 90 and
did not give the same answer throughout, 2,400 are drawn with a fixed seed, and kept in the source's order. Race, hand and
the rest are dropped; nothing is added. The same source gives the same file, byte for byte.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import sys
from pathlib import Path

PEOPLE = 2_400
SEED = 2_012
AGES = range(18, 91)
ITEMS = [f"{scale}{number}" for scale in "ENACO" for number in range(1, 11)]
COLUMNS = ["age", "gender", "country", *ITEMS]


def usable(row: dict[str, str]) -> bool:
    """Whether a row is complete, of a plausible age, and not one answer throughout."""
    answers = {row[item] for item in ITEMS}
    return answers <= set("12345") and len(answers) > 1 and row["age"].isdigit() and int(row["age"]) in AGES


def main(source: Path, target: Path) -> int:
    """Draw the sample from a source file into a target file."""
    raw = source.read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    rows = [row for row in csv.DictReader(io.StringIO(text), delimiter="\t") if usable(row)]
    drawn = sorted(random.Random(SEED).sample(range(len(rows)), PEOPLE))  # noqa: S311 - a sample, not a secret
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[place] for place in drawn)
    target.write_bytes(gzip.compress(out.getvalue().encode(), compresslevel=9, mtime=0))
    sys.stdout.write(f"{PEOPLE} of {len(rows)} usable people, {target.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
