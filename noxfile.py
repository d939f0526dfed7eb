"""What is checked, each in an environment of its own; `nox -l` lists it, a bare `nox` runs what a change needs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "imports", "tests"]

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")["project"]
DEEP = [
    "demo",
    "fire",
    "matching/test_any_rules.py",
    "matching/test_few.py",
    "matching/test_floor.py",
    "matching/test_impossible.py",
    "matching/test_more_rules.py",
    "matching/test_reseating.py",
    "matching/test_reseating_many.py",
    "matching/test_shares.py",
    "matching/test_why.py",
    "matching/test_wishes.py",
    "backends",
    "api/test_schema.py",
    "booking/test_any_order.py",
    "booking/test_at_once.py",
    "booking/test_deposits.py",
    "booking/test_discounts.py",
    "booking/test_interleaved.py",
    "booking/test_killed_at_every_line.py",
    "booking/test_races.py",
    "booking/test_resale.py",
    "cli/test_work.py",
    "payment/test_losses.py",
    "scaffold/test_packages.py",
    "scaffold/test_page.py",
    "serving/test_nginx.py",
    "teeth",
    "web/chromium",
]
BROAD = ["tests", *(f"--ignore=tests/{place}" for place in DEEP)]
"""What other dependencies or a wheel could break: not load, kills, orders of events, new plugins or the embedded mongod.

Nor that contracts bite: plugins_lowest has them judge backends. Nor what a rule of seating means: the same searches seat other guests in
the rest of tests/matching, and what they compile is judged there.
"""
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))


def tools(*names: str) -> list[str]:
    """The requirements of that name, as the ``dev`` and ``test`` extras have them."""
    extras = PROJECT["optional-dependencies"]
    return [text for text in (*extras["dev"], *extras["test"]) if Requirement(text).name in names]


def install_lowest(session: nox.Session, *wanted: str) -> None:
    """Install the oldest direct dependencies; their numba keeps what it compiles apart, as the others' would overwrite it."""
    session.install(*wanted, "--resolution", "lowest-direct")
    session.env["NUMBA_CACHE_DIR"] = str(Path(session.virtualenv.location, "numba").absolute())


def broad(session: nox.Session) -> None:
    """Run what other dependencies or a wheel could break, or what was asked for.

    One process reads it all before: else each of those that share the tests compiles and rewrites the same modules at the same time.
    """
    if not session.posargs:
        session.run("pytest", *BROAD, "--collect-only", "-q", "-n", "0", silent=True)
    session.run("pytest", *(session.posargs or BROAD))


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules and its format."""
    session.install(*tools("ruff"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strictly, on the package and on what ``dinnerkit new-plugin`` writes, which is linted too."""
    session.install(
        "-e", ".[matching]", *tools("mypy", "pytest", "pytest-rerunfailures", "pytest-timeout", "pytest-xdist", "ruff", "scipy-stubs")
    )
    session.run("mypy")
    session.run("pytest", "--noconftest", "tests/scaffold/test_checks.py", *session.posargs)


@nox.session
def imports(session: nox.Session) -> None:
    """Who may import whom."""
    session.install("-e", ".[matching]", *tools("import-linter"))
    session.run("lint-imports", "--no-cache")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, against the working tree."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """The tests of the web worker with gunicorn's parser in C, which is compiled where there is no wheel."""
    session.install("-e", ".[fast,test]")
    session.run("pytest", *(session.posargs or ["tests/serving", "-k", "test_worker"]))


@nox.session
def lowest(session: nox.Session) -> None:
    """The tests with the oldest direct dependencies that pyproject.toml allows; needs uv."""
    install_lowest(session, "-e", ".[test]")
    broad(session)


@nox.session(reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """The tests against the built wheel: what people install, not the tree."""
    folder = session.cache_dir / "wheel"  # session.create_tmp() would move TMPDIR, to where a browser's socket has too long a path
    shutil.rmtree(folder, ignore_errors=True)
    session.install(*tools("build"))
    session.run("python", "-m", "build", "--outdir", str(folder), silent=True)
    (built,) = folder.glob("*.whl")
    session.install(f"{built}[test]")
    session.run("python", "-c", "import dinnerkit, sys; sys.exit('site-packages' not in dinnerkit.__file__)")
    broad(session)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, each warning an error."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-n", "-b", "html", "docs", "docs/_build/html")


@nox.session
def examples(session: nox.Session) -> None:
    """Each example, run as its README says."""
    session.install("-e", ".[test]", "-e", "examples/plugin", *tools("locust", "mypy"))
    session.run("pytest", "examples", *session.posargs)
    with session.chdir("examples/plugin"):
        session.run("mypy")


@nox.session
def plugins(session: nox.Session) -> None:
    """Each plugin: its types, what it imports, its tests, and its wheel."""
    if not PLUGINS:
        session.skip("no plugin has a home of its own yet")
    for plugin in PLUGINS:
        session.install("-e", ".[test]", "-e", f"{plugin}[test]", *tools("build", "import-linter", "mypy"))
        with session.chdir(plugin):
            session.run("mypy")
            session.run("lint-imports", "--no-cache")
        session.run("pytest", str(plugin / "tests"), *session.posargs)
        session.run("python", "-m", "build", "--outdir", str(session.cache_dir / plugin.name), str(plugin), silent=True)


@nox.session
def plugins_lowest(session: nox.Session) -> None:
    """The tests of each plugin with the oldest direct dependencies that it allows; needs uv."""
    for plugin in PLUGINS:
        install_lowest(session, "-e", ".[test]", "-e", f"{plugin}[test]")
        session.run("pytest", str(plugin / "tests"), *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks: a table to read on the terminal, JSON in .nox for comparisons; words name those to run, e.g. ``-- matching``."""
    session.install("-e", ".[embedded,fast,matching]", "-e", "plugins/dinnerkit-redis")
    results = Path(os.environ.get("DINNERKIT_BENCH_RESULTS", session.create_tmp())).absolute()
    words = [word for word in session.posargs if word.isidentifier()]
    for script in sorted([*ROOT.glob("benchmarks/*_cpu.py"), ROOT / "benchmarks/live_connections.py"]):
        if not words or any(script.stem.startswith(word) for word in words):
            options = [option for option in session.posargs if option not in words]
            session.run("python", str(script), "--json", str(results / f"{script.stem}.json"), *options)
