"""What a newcomer and CI rely on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.mark.parametrize("ending", ["demo", "pytest"])
def test_the_readme_has_one_command_for_it_which_ci_can_find(ending: str):
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len([line for line in lines if line.startswith("python3 -m venv ") and line.endswith(ending)]) == 1


def test_the_readmes_extras_exist():
    extras = re.findall(r"\.\[([\w,]+)\]", (ROOT / "README.md").read_text("utf-8"))
    assert extras
    assert {extra for found in extras for extra in found.split(",")} <= set(PROJECT["optional-dependencies"])


def test_what_is_to_begin_first_is_there(pytestconfig: pytest.Config):
    (long,) = (plugin.LONG for plugin in pytestconfig.pluginmanager.get_plugins() if hasattr(plugin, "LONG"))
    assert [place for place in long if not (ROOT / place).exists()] == []
