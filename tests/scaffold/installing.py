"""New plugins, installed as pip would have done it: on the path, with the metadata that their pyproject.toml makes."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from dinnerkit.scaffold import PluginName, write


def made(folder: Path, kinds: Iterable[str], name: str = "own") -> list[Path]:
    """A plugin of each kind in the folder."""
    packages = [folder / f"{name}-{kind}" for kind in kinds]
    for kind, package in zip(kinds, packages, strict=True):
        write(kind, PluginName(package.name), package)
    return packages


def installed_as(folder: Path, packages: Sequence[Path]) -> dict[str, str]:
    """An environment in which they are installed, by metadata in the folder."""
    for package in packages:
        project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
        info = folder / "site" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
        lines = [
            line
            for group, points in project["entry-points"].items()
            for line in (f"[{group}]", *(f"{point} = {target}" for point, target in points.items()))
        ]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    path = os.pathsep.join([str(folder / "site"), *(str(package / "src") for package in packages)])
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DINNERKIT_", "PYTEST_"))}
    return {**clean, "PYTHONPATH": path}


def run_tests(folder: Path, packages: Sequence[Path], *options: str) -> subprocess.CompletedProcess[str]:
    """Their tests, run in one process."""
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\n")
    command = [sys.executable, "-m", "pytest", "-q", "-rfEs", *options, *(str(package / "tests") for package in packages)]
    return subprocess.run(command, cwd=folder, env=installed_as(folder, packages), capture_output=True, text=True, check=False)
