"""Numba keeps compiled code on disk, and tells by one file whether it is out of date: by others that are compiled in with it as well?"""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import pytest

from dinnerkit.matching import solving

SOLVING = Path(solving.__file__).parent
PARTS = {
    "slot_sums": {"kernels"},
    "slot_steps": {"annealing", "kernels", "slot_sums"},
    "block_search": {"block_steps", "block_weights", "kernels"},
    "compiled": {"annealing", "kernels"},
}
TYPES = {"state", "terms"}


def imported(module: str) -> set[str]:
    tree = ast.parse((SOLVING / f"{module}.py").read_text())
    names = {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    return {name.rpartition(".")[2] for name in names if name.startswith(f"{solving.__name__}.")} - TYPES


@pytest.mark.parametrize("module", PARTS)
def test_a_change_of_what_is_compiled_in_changes_the_file_that_numba_looks_at(module: str):
    sources = b"".join((SOLVING / f"{part}.py").read_bytes() for part in sorted(PARTS[module]))
    digest = hashlib.sha256(sources).hexdigest()[:16]
    assert f'\nPARTS = "{digest}"\n' in (SOLVING / f"{module}.py").read_text(), f'{module}.py needs PARTS = "{digest}"'


@pytest.mark.parametrize("module", PARTS)
def test_all_that_is_imported_is_among_the_parts(module: str):
    assert imported(module) == PARTS[module]


def test_no_other_module_takes_compiled_code_from_elsewhere():
    compiled = {path.stem for path in SOLVING.glob("*.py") if "@nb.njit" in path.read_text()}
    assert {module for module in compiled - {"kernels"} if imported(module) & compiled - {"kernels"}} <= set(PARTS)
