"""``python -m dinnerkit.backends.mongod PATH``: the supervisor, which :mod:`dinnerkit.backends.mongod.member` starts; not for people."""

from __future__ import annotations

import sys
from pathlib import Path

from dinnerkit.backends.mongod.supervisor import main

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
