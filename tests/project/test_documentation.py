"""What the documentation lists is what there is."""

from __future__ import annotations

import importlib
import pkgutil
import re
import runpy
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import dinnerkit
from dinnerkit.booking.rules import MOVES, STATES
from dinnerkit.cli.group import root
from dinnerkit.errors import DinnerkitError
from dinnerkit.http.problems import CODES, status_of

ROOT = Path(__file__).parents[2]
PAGES = sorted(found for pattern in ("*.md", "docs/*.md", "examples/*/README.md", "plugins/*/README.md") for found in ROOT.glob(pattern))


def test_every_error_code_is_documented_with_its_status_and_no_other():
    page = (ROOT / "docs/errors.md").read_text("utf-8")
    documented = {(int(status), code) for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", page, re.MULTILINE)}
    raised = {(status_of(kind.__new__(kind)), kind.code) for kind in errors()}
    assert documented == raised | set(CODES.items())


def errors() -> Iterator[type[DinnerkitError]]:
    for module in pkgutil.walk_packages(dinnerkit.__path__, "dinnerkit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting = DinnerkitError.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("dinnerkit."):
            yield kind


def test_the_life_of_a_booking_is_drawn_as_the_code_has_it():
    drawing = runpy.run_path(str(ROOT / "docs/_ext/state_drawing.py"))
    picture = drawing["drawn"](STATES, MOVES)
    assert set(drawing["PLACES"]) == set(STATES)
    assert set(re.findall(r">(\w+)</text>", picture)) == set(STATES)
    assert set(re.findall(r"<title>(\w+) to (\w+)</title>", picture)) == set(MOVES)
    assert "```{life-of-a-booking}\n```" in (ROOT / "docs/bookings.md").read_text("utf-8")


def test_the_layers_are_drawn_as_they_are_checked():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["id"] == "layers"]
    drawn = "\n".join(re.sub("[()]", "", layer) for layer in layers)
    assert f"```text\n{drawn}\n```" in (ROOT / "docs/architecture.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_exists_with_its_options(page: Path):
    for line in shell_lines(page):
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            if words and words[0].rpartition("/")[2] == "dinnerkit":
                parses(root, words[1:])


def shell_lines(page: Path) -> Iterator[str]:
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        yield from block.splitlines()


def parses(command: click.Command, words: list[str]) -> None:
    context = click.Context(command, info_name=command.name)
    if isinstance(command, click.Group):
        assert words, f"{command.name} needs a command"
        name, found, rest = command.resolve_command(context, words)
        assert found is not None, name
        parses(found, rest)
    else:
        command.make_context(command.name, words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target
