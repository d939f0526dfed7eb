"""Backends found by entry points: real distributions, unpacked on the path as pip would leave them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from dinnerkit import plugins
from dinnerkit.errors import BackendFault, SettingError
from dinnerkit.plugins import KNOWN_PLUGINS, Backend, installed, open_backend
from dinnerkit.ports.capabilities import CAPABILITIES
from dinnerkit.ports.contracts import CONTRACTS, built

Install = Callable[..., None]
PLUGINS = Path(__file__).parents[2] / "plugins"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution: its name, its module's source, and its entry points as ``{"dinnerkit.cache": {"scheme": "attribute"}}``."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = []

    def make(name: str, source: str, **groups: dict[str, str]) -> None:
        module = name.replace("-", "_")
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(source)
        folder = tmp_path / f"{module}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [
            line
            for kind, entries in groups.items()
            for line in (f"[dinnerkit.{kind}]", *(f"{scheme} = {module}:{attribute}" for scheme, attribute in entries.items()))
        ]
        (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")
        importlib.invalidate_caches()

    yield make
    for module in modules:
        sys.modules.pop(module, None)


def found(kind: str, scheme: str) -> list[Backend]:
    return [backend for backend in installed() if (backend.kind, backend.scheme) == (kind, scheme)]


def test_the_built_in_backends_take_the_same_road() -> None:
    works = {(backend.kind, backend.scheme) for backend in installed() if backend.state == "works"}
    assert {
        ("database", "embedded"),
        ("database", "mongodb"),
        ("cache", "memory"),
        ("queue", "sqlite"),
        ("gateway", "sandbox"),
        ("mail", "console"),
        ("mail", "folder"),
        ("mail", "smtp"),
        ("mail", "smtps"),
        ("captcha", "none"),
        ("captcha", "proof-of-work"),
        ("captcha", "turnstile"),
        ("sessions", "database"),
        ("sessions", "mongodb"),
        ("media", "disk"),
        ("limiter", "memory"),
        ("bus", "memory"),
        ("bus", "database"),
        ("bus", "mongodb"),
        ("search", "database"),
        ("search", "mongodb"),
    } <= works


def test_what_is_installed_is_read_once_and_again_when_something_was_installed(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    distributions = plugins.distributions
    monkeypatch.setattr(plugins, "distributions", lambda: read.append(1) or distributions())
    install("dinnerkit-first", "def make(url): return url", cache={"first": "make"})
    assert open_backend("cache", "first://") == "first://"
    assert read
    read.clear()
    for _ in range(3):
        assert open_backend("cache", "first://") == "first://"
    assert len(read) <= 1  # the import has left bytecode beside the module
    install("dinnerkit-second", "def make(url): return url", cache={"second": "make"})
    assert open_backend("cache", "second://") == "second://"


def test_a_plugin_is_opened_by_its_scheme_with_the_whole_url(install: Install) -> None:
    install("dinnerkit-shelf", "def shelf(url):\n    return ('shelf', url)\n", cache={"shelf": "shelf"})
    assert open_backend("cache", "shelf://top?deep=1") == ("shelf", "shelf://top?deep=1")
    assert found("cache", "shelf") == [Backend("cache", "shelf", "dinnerkit-shelf", "dinnerkit_shelf:shelf", "works", version="1.0")]


def test_only_the_chosen_plugin_is_imported(install: Install) -> None:
    install("dinnerkit-shelf", "def shelf(url):\n    return 'shelf'\n", cache={"shelf": "shelf"})
    install("dinnerkit-bomb", "raise SystemExit('imported')\n", cache={"bomb": "bomb"}, mail={"bomb": "bomb"})
    assert open_backend("cache", "shelf://") == "shelf"
    open_backend("mail", "console://")
    assert "dinnerkit_bomb" not in sys.modules


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_driver\n", "ModuleNotFoundError: No module named 'no_such_driver'"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("def (\n", "SyntaxError"),
        ("other = 1\n", "AttributeError"),
        ("broken = 'not a factory'\n", "is not a factory: it can't be called"),
        ("raise SystemExit('no licence')\n", "SystemExit: no licence"),
        ("import pytest\npytest.skip('not here', allow_module_level=True)\n", "Skipped: not here"),
    ],
)
def test_a_broken_plugin_breaks_only_who_chose_it(install: Install, source: str, why: str) -> None:
    install("dinnerkit-broken", source, cache={"broken": "broken"})
    assert open_backend("cache", "memory://") is not None
    with pytest.raises(SettingError) as caught:
        open_backend("cache", "broken://")
    assert why in caught.value.message
    assert "broken:// of dinnerkit-broken (dinnerkit_broken:broken)" in caught.value.message
    (listed,) = found("cache", "broken")
    assert listed.state == "broken"
    assert why in listed.why


def test_an_unknown_scheme_names_what_is_installed(install: Install) -> None:
    install("dinnerkit-shelf", "def shelf(url):\n    return 'shelf'\n", telepathy={"shelf": "shelf", "drawer": "shelf"})
    with pytest.raises(SettingError) as caught:
        open_backend("telepathy", "attic://box")
    assert caught.value.message == "telepathy: no plugin for 'attic://box'; installed: drawer://, shelf://"


@pytest.mark.parametrize(("scheme", "package"), KNOWN_PLUGINS.items())
def test_an_unknown_scheme_of_a_plugin_of_ours_says_how_to_install_it(scheme: str, package: str) -> None:
    with pytest.raises(SettingError) as caught:
        open_backend("telepathy", f"{scheme}://user:hunter2@host")
    assert caught.value.message.endswith(f"try: pip install {package}")
    assert (PLUGINS / package / "pyproject.toml").is_file(), "people are told to install what does not exist"
    assert "hunter2" not in caught.value.message


def test_a_kind_without_any_backend_says_so() -> None:
    with pytest.raises(SettingError, match="installed: nothing"):
        open_backend("telepathy", "mind://")


def test_a_scheme_that_two_claim_is_nobodys(install: Install) -> None:
    for name in ("dinnerkit-shelf", "dinnerkit-board"):
        install(name, "def shelf(url):\n    return 'shelf'\n", cache={"shelf": "shelf"})
    with pytest.raises(SettingError) as caught:
        open_backend("cache", "shelf://")
    words = "cache: more than one plugin claims shelf:// (dinnerkit-board, dinnerkit-shelf); uninstall all but one"
    assert caught.value.message == words
    assert {(backend.state, backend.why) for backend in found("cache", "shelf")} == {
        ("claimed twice", "by dinnerkit-board, dinnerkit-shelf")
    }
    assert open_backend("cache", "memory://") is not None


def test_a_plugin_can_not_take_a_built_in_scheme_silently(install: Install) -> None:
    install("dinnerkit-usurper", "def memory(url):\n    return 'mine'\n", cache={"memory": "memory"})
    with pytest.raises(SettingError, match=r"more than one plugin claims memory:// \(dinnerkit, dinnerkit-usurper\)"):
        open_backend("cache", "memory://")


def test_one_scheme_may_be_of_several_kinds(install: Install) -> None:
    source = "def cache(url):\n    return 'cache'\n\ndef queue(url):\n    return 'queue'\n"
    install("dinnerkit-both", source, cache={"both": "cache"}, queue={"both": "queue"})
    assert [open_backend(kind, "both://") for kind in ("cache", "queue")] == ["cache", "queue"]


def test_what_the_factory_says_is_said(install: Install) -> None:
    source = "from dinnerkit.errors import SettingError\n\ndef shelf(url):\n    raise SettingError('cache: the shelf is full')\n"
    install("dinnerkit-shelf", source, cache={"shelf": "shelf"})
    with pytest.raises(SettingError, match="the shelf is full"):
        open_backend("cache", "shelf://")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise KeyError(url)", "failed: KeyError: 'shelf://ada:***@host'"),
        ("return url.missing", "failed: AttributeError: "),
        ("return None", "gives no backend"),
    ],
)
def test_a_factory_that_fails_without_an_explanation_is_named(install: Install, body: str, said: str) -> None:
    install("dinnerkit-shelf", f"def shelf(url):\n    {body}\n", cache={"shelf": "shelf"})
    with pytest.raises(BackendFault) as caught:
        open_backend("cache", "shelf://ada:lovelace@host")
    assert caught.value.message.startswith("cache: shelf:// of dinnerkit-shelf (dinnerkit_shelf:shelf) ")
    assert said in caught.value.message
    assert "lovelace" not in caught.value.message


@pytest.mark.parametrize("url", ["", "memory", "://"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="is not a backend URL"):
        open_backend("cache", url)


def test_a_plugin_whose_import_never_ends_holds_up_the_listing_for_a_while_and_no_app(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("dinnerkit-sleeper", "import threading\nthreading.Event().wait()\n", cache={"sleeper": "sleeper"})
    monkeypatch.setattr(plugins, "IMPORT_SECONDS", 1.0)
    (listed,) = found("cache", "sleeper")
    assert (listed.state, listed.why) == (
        "broken",
        "dinnerkit.cache: sleeper:// of dinnerkit-sleeper (dinnerkit_sleeper:sleeper) can't be imported: it is not done after 1 s",
    )
    assert open_backend("cache", "memory://") is not None


@pytest.mark.parametrize("entries", ["[dinnerkit.cache]\nshelf\n", "shelf = somewhere:shelf\n", "[dinnerkit.cache]\n= somewhere:shelf\n"])
def test_a_distribution_whose_list_makes_no_sense_hides_no_other(install: Install, tmp_path: Path, entries: str) -> None:
    install("dinnerkit-garbled", "")
    (tmp_path / "dinnerkit_garbled-1.0.dist-info/entry_points.txt").write_text(entries)
    install("dinnerkit-shelf", "def shelf(url):\n    return 'shelf'\n", cache={"shelf": "shelf"})
    assert open_backend("cache", "shelf://") == "shelf"
    assert open_backend("cache", "memory://") is not None
    assert [backend.state for backend in found("cache", "shelf")] == ["works"]


def test_a_distribution_without_a_name_is_listed_as_unknown(install: Install, tmp_path: Path) -> None:
    install("dinnerkit-shelf", "def shelf(url):\n    return 'shelf'\n", cache={"shelf": "shelf"})
    (tmp_path / "dinnerkit_shelf-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\n")
    assert open_backend("cache", "shelf://") == "shelf"
    assert [(backend.distribution, backend.version) for backend in found("cache", "shelf")] == [("unknown", "")]


def test_of_a_distribution_that_lies_on_the_path_twice_the_first_counts(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("dinnerkit-shelf", "def shelf(url):\n    return 'shelf'\n", cache={"shelf": "shelf"})
    older = tmp_path / "older/Dinnerkit.Shelf-0.9.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: Dinnerkit.Shelf\nVersion: 0.9\n")
    (older / "entry_points.txt").write_text("[dinnerkit.cache]\nshelf = elsewhere:shelf\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(older.parent)])
    assert open_backend("cache", "shelf://") == "shelf"
    assert [backend.version for backend in found("cache", "shelf")] == ["1.0"]


def test_an_entry_point_that_no_url_can_name_is_broken_and_says_so(install: Install) -> None:
    install("dinnerkit-shelf", "def shelf(url):\n    return 'shelf'\n", cache={"Shelf": "shelf", "shelf": "shelf"})
    (listed,) = found("cache", "Shelf")
    assert (listed.state, listed.why) == ("broken", "no URL has the scheme 'Shelf': a scheme is of small letters, digits, + . and -")
    assert open_backend("cache", "shelf://") == "shelf"


MARKED = """\
from dinnerkit.ports.contracts import built_for

class Shelf:
    facets = True
    tolerant = False
    def suggest(self, text, limit): ...
    def rebuild(self, entries): ...

@built_for(7, Shelf)
def marked(url):
    return Shelf()

def plain(url):
    return Shelf()

def odd(url):
    return Shelf()

odd.__dinnerkit_built__ = "seven"
"""


def test_what_a_plugin_says_of_itself_is_listed_unopened(install: Install) -> None:
    install("dinnerkit-shelf", MARKED, search={name: name for name in ("marked", "plain", "odd")})
    told = {scheme: (one.contract, one.capabilities) for scheme in ("marked", "plain", "odd") for one in found("search", scheme)}
    assert told == {"marked": (7, ("facets", "suggestions")), "plain": (None, ()), "odd": (None, ())}


def test_the_built_in_backends_say_what_they_were_built_for_and_what_they_can() -> None:
    ours = [backend for backend in installed() if backend.distribution == "dinnerkit"]
    assert {backend.kind: backend.contract for backend in ours if backend.kind in CONTRACTS} == CONTRACTS
    can = {(backend.kind, backend.scheme): backend.capabilities for backend in ours}
    assert can["search", "mongodb"] == ("facets", "suggestions", "tolerant", "distances", "rebuilding")
    assert can["bus", "database"] == ("uses-database",)
    assert set(can["gateway", "sandbox"]) >= {"checkout", "refund-history", "disputes", "payouts", "local-webhooks"}


@pytest.mark.parametrize("kind", CAPABILITIES)
def test_a_class_has_the_capabilities_that_its_objects_are_instances_of(kind: str) -> None:
    for backend in installed():
        if (backend.kind, backend.state, backend.distribution) == (kind, "works", "dinnerkit"):
            made = built(EntryPoint(backend.scheme, backend.target, kind).load()).backend
            named = {protocol for protocol in CAPABILITIES[kind] if isinstance(made.__new__(made), protocol)}
            assert len(named) == len(backend.capabilities), (backend.scheme, named)
