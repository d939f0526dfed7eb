"""How the documentation is built: Sphinx, furo, Markdown by MyST. Nothing is loaded from elsewhere."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "dinnerkit"
author = "The dinnerkit developers"
copyright = "The dinnerkit developers"
release = version_of("dinnerkit")

extensions = ["myst_parser", "settings_table", "life_of_booking"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"dinnerkit {release}"
html_theme_options = {"navigation_with_keys": True}
