"""Plugins: from a backend's URL to the factory that an entry point names.

The URL's scheme is the entry point's name, its group ``dinnerkit.<kind>``. The built-in backends are entry points too. Only the chosen
backend is imported, so that a broken plugin that nobody chose breaks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from dinnerkit.errors import SettingError
from dinnerkit.ports.urls import mask_url, parse_url
from dinnerkit.settings import BACKENDS

KNOWN_PLUGINS = {
    "redis": "dinnerkit-redis",
    "rediss": "dinnerkit-redis",
    "redis+sentinel": "dinnerkit-redis",
    "redis+cluster": "dinnerkit-redis",
    "stripe": "dinnerkit-stripe",
}
"""Schemes of plugins that the project maintains itself, with the package that brings them."""


@dataclass(frozen=True, slots=True)
class Backend:
    """An installed backend: what ``dinnerkit plugins`` lists."""

    kind: str
    scheme: str
    distribution: str
    target: str
    state: Literal["works", "broken", "claimed twice"]
    why: str = ""


def open_backend(kind: str, url: str) -> Any:
    """The backend of that kind which the URL names, opened by its factory.

    Raises:
        SettingError: no installed plugin has the scheme, two have it, or the plugin can't be imported.
        DinnerkitError: what the factory itself says.
    """
    return _factory(_one_entry(kind, parse_url(url).scheme, url))(url)


def installed() -> Iterable[Backend]:
    """Every backend that is installed, of every kind, each tried out by importing it."""
    for kind in BACKENDS:
        found = _entries(kind)
        for entry in sorted(found, key=lambda entry: (entry.name, entry.value)):
            twins = [other for other in found if other.name == entry.name]
            yield _described(kind, entry, twins)


def _described(kind: str, entry: EntryPoint, twins: list[EntryPoint]) -> Backend:
    distribution = _distribution(entry)
    if len(twins) > 1:
        claimants = ", ".join(sorted(_distribution(twin) for twin in twins))
        return Backend(kind, entry.name, distribution, entry.value, "claimed twice", f"by {claimants}")
    try:
        _factory(entry)
    except SettingError as error:
        return Backend(kind, entry.name, distribution, entry.value, "broken", error.message)
    return Backend(kind, entry.name, distribution, entry.value, "works")


def _entries(kind: str) -> list[EntryPoint]:
    unique = {(entry.name, entry.value, _distribution(entry)): entry for entry in entry_points(group=f"dinnerkit.{kind}")}
    return list(unique.values())


def _one_entry(kind: str, scheme: str, url: str) -> EntryPoint:
    found = _entries(kind)
    matching = [entry for entry in found if entry.name == scheme]
    if len(matching) > 1:
        claimants = ", ".join(sorted(_distribution(entry) for entry in matching))
        raise SettingError(f"{kind}: more than one plugin claims {scheme}:// ({claimants}); uninstall all but one")
    if not matching:
        have = ", ".join(f"{name}://" for name in sorted({entry.name for entry in found})) or "nothing"
        package = KNOWN_PLUGINS.get(scheme)
        hint = f"; try: pip install {package}" if package else ""
        raise SettingError(f"{kind}: no plugin for {mask_url(url)!r}; installed: {have}{hint}")
    return matching[0]


def _factory(entry: EntryPoint) -> Callable[[str], Any]:
    where = f"{entry.name}:// of {_distribution(entry)} ({entry.value})"
    try:
        factory = entry.load()
    except Exception as error:
        raise SettingError(f"{entry.group}: {where} can't be imported: {type(error).__name__}: {error}") from error
    if not callable(factory):
        raise SettingError(f"{entry.group}: {where} is not a factory: it can't be called")
    return factory  # type: ignore[no-any-return]


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "unknown"
