"""The process that :mod:`dinnerkit.matching.solving.crew` starts: it searches blocks on shared memory until its input ends."""

from __future__ import annotations

import json
import os
import signal
import sys

import numpy as np

from dinnerkit.matching.solving.block_search import improve
from dinnerkit.matching.solving.crew import Memory, tuples


def main() -> None:
    """Read the layout of the memory, then a batch a line; answer each with one byte."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines = sys.stdin.buffer
    shared = Memory(int(sys.argv[1]), json.loads(lines.readline())).arrays()
    columns, rules = tuples(shared)
    for line in lines:
        batch = json.loads(line)
        improve(
            columns,
            rules,
            shared["order"],
            shared["spot"],
            np.array(batch["cuts"], np.int64),
            shared["labels"],
            np.array(batch["cooling"], np.float32),
            shared["noise"],
            np.array(batch["seeds"], np.uint64),
            np.float32(batch["lift"]),
        )
        os.write(sys.stdout.fileno(), b".")


if __name__ == "__main__":
    main()
