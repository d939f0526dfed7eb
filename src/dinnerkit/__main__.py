"""``python -m dinnerkit`` is the ``dinnerkit`` command."""

from __future__ import annotations

import sys

from dinnerkit.cli import main

sys.exit(main())
