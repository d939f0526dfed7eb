"""What ``dinnerkit new-plugin`` writes and refuses to write."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from dinnerkit.cli import main
from dinnerkit.scaffold import KINDS, PluginName, package

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """``dinnerkit new-plugin`` in an empty folder: its exit code, and what it prints."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["new-plugin", *arguments])
        return code, *capsys.readouterr()

    return run


def test_it_writes_a_package_and_says_what_to_do_next(said: Said, tmp_path: Path):
    code, out, err = said("search", "acme")
    assert (code, err) == (0, "")
    assert "pip install -e" in out
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == [
        "dinnerkit-acme/README.md",
        "dinnerkit-acme/pyproject.toml",
        "dinnerkit-acme/src/dinnerkit_acme/__init__.py",
        "dinnerkit-acme/src/dinnerkit_acme/py.typed",
        "dinnerkit-acme/src/dinnerkit_acme/search.py",
        "dinnerkit-acme/tests/test_contract.py",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["dinnerkit-acme"], "something is left beside it"


def test_it_writes_where_it_is_told_to(said: Said, tmp_path: Path):
    code, out, _ = said("cache", "acme", "--folder", "some where")
    assert (code, "cd 'some where' && " in out) == (0, True)
    assert (tmp_path / "some where/pyproject.toml").is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_its_name_is_everywhere_that_a_name_should_be(kind: str):
    texts = package(kind, PluginName("two-words"))
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    assert project["entry-points"] == {f"dinnerkit.{kind}": {"two-words": f"dinnerkit_two_words:open_{kind}"}}
    assert project["name"] == "dinnerkit-two-words"
    assert f"class TwoWords{kind.capitalize()}" in texts[f"src/dinnerkit_two_words/{kind}.py"]
    assert not any("acme" in text.lower() or "$" in text for text in [*texts, *texts.values()])


def test_a_name_with_acme_in_it_is_put_in_once():
    text = package("cache", PluginName("acme-too"))["tests/test_contract.py"]
    assert 'open_backend("cache", f"acme-too://{place}")' in text


def test_its_bounds_are_this_dinnerkit_and_what_its_body_imports_as_dinnerkit_bounds_it():
    requirements = tomllib.loads(package("queue", PluginName("acme"))["pyproject.toml"])["project"]["dependencies"]
    assert [text.split(">=")[0] for text in requirements] == ["dinnerkit", "huey"]
    assert requirements[0].endswith(",<0.2")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["cache", "Acme"], "'Acme' can't be a plugin's name"),
        (["cache", "9lives"], "'9lives' can't be a plugin's name"),
        (["cache", "a--b"], "'a--b' can't be a plugin's name"),
        (["cache", "-"], "'-' can't be a plugin's name"),
        (["cache", "../acme"], "'../acme' can't be a plugin's name"),
        (["cache", "acme\n"], "can't be a plugin's name"),
        (["cache", "a" * 31], "at most 30 small letters"),
        (["cache", "a" * 100_000], "at most 30 small letters"),
        (["cache", "class"], "a word of Python's"),
        (["cache", "match"], "a word of Python's"),
        (["cache", "disk"], "a cache with URLs disk:// is installed already"),
        (["search", "redis"], "dinnerkit-redis is a plugin of dinnerkit's own"),
        (["search", "stripe"], "dinnerkit-stripe is a plugin of dinnerkit's own"),
        (["telepathy", "acme"], "'telepathy' is not one of"),
        (["cache", "acme", "--folder", "missing/acme"], "missing/acme can't be made: No such file or directory"),
        (["cache", "acme", "--folder", "/proc/acme"], "/proc/acme can't be made"),
    ],
)
def test_what_it_refuses_is_one_line_and_nothing_is_written(said: Said, tmp_path: Path, arguments: list[str], says: str):
    code, out, err = said(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("dinnerkit: ")
    assert says in err
    assert err.count("\n") == 1
    assert len(err) < 300
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["folder", "file", "dangling link"])
def test_what_is_there_already_is_left_as_it_is(said: Said, tmp_path: Path, there: str):
    place = tmp_path / "dinnerkit-acme"
    match there:
        case "folder":
            place.mkdir()
        case "file":
            place.write_text("mine")
        case _:
            place.symlink_to(tmp_path / "nowhere")
    code, _, err = said("cache", "acme")
    assert (code, err) == (2, "dinnerkit: dinnerkit-acme is there already: name another by --folder\n")
    assert [path.name for path in tmp_path.iterdir()] == ["dinnerkit-acme"]


def test_a_name_that_an_installed_package_has_is_refused(said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "site/dinnerkit_acme").mkdir(parents=True)
    (tmp_path / "site/dinnerkit_acme/__init__.py").write_text("raise SystemExit('imported')\n")
    importlib.invalidate_caches()
    code, _, err = said("cache", "acme")
    assert (code, err) == (2, "dinnerkit: dinnerkit-acme is installed already: choose another name than 'acme'\n")


def test_a_write_that_fails_half_way_leaves_nothing(said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written = Path.write_text

    def full(path: Path, *arguments: object, **options: object) -> int:
        if path.name == "test_contract.py":
            raise OSError(28, "No space left on device")
        return written(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", full)
    code, _, err = said("cache", "acme")
    assert (code, err) == (2, "dinnerkit: dinnerkit-acme can't be made: No space left on device\n")
    assert list(tmp_path.iterdir()) == []
