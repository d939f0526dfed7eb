"""Plugins: from a backend's URL to the factory that an entry point names.

The URL's scheme is the entry point's name, its group ``dinnerkit.<kind>``. The built-in backends are entry points too. Only the chosen
backend is imported, so that a broken plugin that nobody chose breaks nothing.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Literal

import structlog

from dinnerkit.errors import BackendFault, DinnerkitError, SettingError
from dinnerkit.ports.capabilities import capabilities
from dinnerkit.ports.contracts import built
from dinnerkit.ports.jobs import PluginJobs
from dinnerkit.ports.urls import SCHEME, mask_url, parse_url
from dinnerkit.settings import BACKENDS

log = structlog.get_logger(__name__)

JOBS = "jobs"
"""The group of those who add to the background work: no kind of backend, since there may be several, and they have no URL."""

KNOWN_PLUGINS = {
    "elasticsearch": "dinnerkit-elasticsearch",
    "elasticsearch+https": "dinnerkit-elasticsearch",
    "redis": "dinnerkit-redis",
    "rediss": "dinnerkit-redis",
    "redis+sentinel": "dinnerkit-redis",
    "redis+cluster": "dinnerkit-redis",
    "s3": "dinnerkit-s3",
    "stripe": "dinnerkit-stripe",
}
"""Schemes of plugins that the project maintains itself, with the package that brings them."""

IMPORT_SECONDS = 30.0
"""How long the listing waits for a plugin to be imported: on a busy machine a driver may take ten."""


@dataclass(frozen=True, slots=True)
class Backend:
    """An installed backend: what ``dinnerkit plugins`` lists.

    Attributes:
        kind: the setting that chooses it.
        scheme: of the URLs that do.
        distribution: the package that brings it.
        target: its factory, as ``module:name``.
        state: whether a URL of that scheme can be opened.
        why: why not.
        version: of the package.
        contract: the version of its kind's contract that it was built for; None where it does not say.
        capabilities: what it can do beyond what every backend of its kind can.
    """

    kind: str
    scheme: str
    distribution: str
    target: str
    state: Literal["works", "broken", "claimed twice"]
    why: str = ""
    version: str = ""
    contract: int | None = None
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry point, with the name and the version of the distribution that it came from."""

    point: EntryPoint
    distribution: str
    version: str

    @property
    def scheme(self) -> str:
        return self.point.name

    def where(self, kind: str) -> str:
        return f"{shown_name(kind, self.scheme)} of {self.distribution} ({self.point.value})"


def shown_name(kind: str, name: str) -> str:
    """How an entry point is called: by the URLs that choose it, or, for jobs, by its name."""
    return name if kind == JOBS else f"{name}://"


def check_jobs(names: Iterable[str]) -> None:
    """Make sure that packages with these jobs are installed; nothing is imported.

    Raises:
        SettingError: no package has one of them, or two have it.
    """
    for name in names:
        _jobs_entry(name)


def open_jobs(name: str, kit: object) -> PluginJobs:
    """The jobs of the installed package that has that entry point in the group ``dinnerkit.jobs``.

    Args:
        name: of the entry point.
        kit: the :class:`dinnerkit.kit.Kit` that the factory is given. Its services are not there yet, so that jobs ask for them when they
            run.

    Raises:
        SettingError: no package has it, two have it, it can't be imported, or what it gives is none or breaks a rule of
            :mod:`dinnerkit.ports.jobs`.
    """
    entry = _jobs_entry(name)
    try:
        given = _factory(JOBS, entry)(kit)  # type: ignore[arg-type]
    except SettingError:
        raise
    except Exception as error:
        raise SettingError(f"jobs: {entry.where(JOBS)} failed: {type(error).__name__}: {error}") from error
    if not isinstance(given, PluginJobs):
        raise SettingError(f"jobs: {entry.where(JOBS)} gives {type(given).__name__}, and no PluginJobs")
    names = [*(handler.name for handler in given.handlers), *(job.name for job in given.jobs)]
    foreign = [made for made in names if not made.startswith(f"{name}.")]
    if foreign:
        raise SettingError(f"jobs: {entry.where(JOBS)} has {', '.join(foreign)}; its names begin with {name!r} and a dot")
    return given


def open_backend(kind: str, url: str) -> Any:
    """The backend of that kind which the URL names, opened by its factory.

    Raises:
        SettingError: no installed plugin has the scheme, two have it, or the plugin can't be imported.
        BackendFault: the factory fails in a way that it does not explain, or gives nothing.
        DinnerkitError: what the factory itself says.
    """
    entry = _one_entry(kind, parse_url(url).scheme, url)
    factory = _factory(kind, entry)
    try:
        backend = factory(url)
    except DinnerkitError:
        raise
    except Exception as error:
        why = str(error).replace(url, mask_url(url))
        raise BackendFault(f"{kind}: {entry.where(kind)} failed: {type(error).__name__}: {why}") from error
    if backend is None:
        raise BackendFault(f"{kind}: {entry.where(kind)} gives no backend")
    return backend


def installed() -> Iterable[Backend]:
    """Every backend that is installed, of every kind, each tried out by importing it."""
    for kind in (*BACKENDS, JOBS):
        found = _entries(kind)
        for entry in sorted(found, key=lambda entry: (entry.scheme, entry.point.value)):
            twins = [other for other in found if other.scheme == entry.scheme]
            yield _described(kind, entry, twins)


def schemes(kind: str) -> set[str]:
    """The schemes that installed backends of that kind have, whether they work or not; nothing is imported."""
    return {entry.scheme for entry in _entries(kind)}


def _described(kind: str, entry: _Entry, twins: list[_Entry]) -> Backend:
    found = Backend(kind, entry.scheme, entry.distribution, entry.point.value, "broken", version=entry.version)
    if len(twins) > 1:
        claimants = ", ".join(sorted(twin.distribution for twin in twins))
        return replace(found, state="claimed twice", why=f"by {claimants}")
    if not re.fullmatch(SCHEME, entry.scheme):
        return replace(found, why=f"no URL has the scheme {entry.scheme!r}: a scheme is of small letters, digits, + . and -")
    factory = _tried(kind, entry)
    if isinstance(factory, SettingError):
        return replace(found, why=factory.message)
    told = built(factory)
    if told is None:
        return replace(found, state="works")
    return replace(found, state="works", contract=told.contract, capabilities=capabilities(kind, told.backend))


def _entries(kind: str) -> list[_Entry]:
    group = f"dinnerkit.{kind}"
    unique: dict[tuple[str, str, str], _Entry] = {}
    for point, distribution, version in _entry_points():
        if point.group == group:
            unique.setdefault((point.name, point.value, distribution), _Entry(point, distribution, version))
    return list(unique.values())


def _entry_points() -> tuple[tuple[EntryPoint, str, str], ...]:
    """All of dinnerkit's entry points, with their distribution's name and version.

    A process asks for one backend after the other, and reading some hundred distributions takes longer than opening a backend: so what is
    installed is read again only where a place of the path has changed, as when a package is installed.
    """
    return _read_entry_points(tuple((place, _changed_at(place or ".")) for place in sys.path))


def _changed_at(place: str) -> int:
    """When something was last put into a folder or removed from it, in nanoseconds; 0 where it isn't there."""
    try:
        return Path(place).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _read_entry_points(_: tuple[tuple[str, int], ...]) -> tuple[tuple[EntryPoint, str, str], ...]:
    """What the distributions have that are found while the path looks like that.

    One after the other, since ``importlib.metadata.entry_points`` gives nothing at all where a single distribution's list is malformed.
    """
    found: list[tuple[EntryPoint, str, str]] = []
    seen = set()
    for distribution in distributions():
        try:
            points = [point for point in distribution.entry_points if point.group.startswith("dinnerkit.")]
            name, version = (_said(distribution, "Name", "unknown"), _said(distribution, "Version", "")) if points else ("", "")
        except Exception as error:  # noqa: BLE001 - whatever is in there, it is another's, and says nothing about the rest
            log.debug("distribution_unreadable", error=type(error).__name__)
            continue
        normalized = re.sub(r"[-_.]+", "-", name).lower()
        if points and normalized not in seen:  # of one that lies on the path twice, what is imported is the first
            seen.add(normalized)
            found += ((point, name, version) for point in points)
    return tuple(found)


def _said(distribution: Distribution, field: str, otherwise: str) -> str:
    """A field of the distribution's metadata; newer Pythons don't like to be asked for one that is not there."""
    metadata = distribution.metadata
    if field not in metadata:
        return otherwise
    return metadata[field] or otherwise


def _jobs_entry(name: str) -> _Entry:
    matching = [entry for entry in _entries(JOBS) if entry.scheme == name]
    if len(matching) > 1:
        claimants = ", ".join(sorted(entry.distribution for entry in matching))
        raise SettingError(f"jobs: more than one package claims {name} ({claimants}); uninstall all but one")
    if not matching:
        have = ", ".join(sorted(schemes(JOBS))) or "none"
        raise SettingError(f"jobs: no installed package has jobs {name!r}; installed: {have}")
    return matching[0]


def _one_entry(kind: str, scheme: str, url: str) -> _Entry:
    found = _entries(kind)
    matching = [entry for entry in found if entry.scheme == scheme]
    if len(matching) > 1:
        claimants = ", ".join(sorted(entry.distribution for entry in matching))
        raise SettingError(f"{kind}: more than one plugin claims {scheme}:// ({claimants}); uninstall all but one")
    if not matching:
        have = ", ".join(f"{name}://" for name in sorted({entry.scheme for entry in found})) or "nothing"
        package = KNOWN_PLUGINS.get(scheme)
        hint = f"; try: pip install {package}" if package else ""
        raise SettingError(f"{kind}: no plugin for {mask_url(url)!r}; installed: {have}{hint}")
    return matching[0]


def _factory(kind: str, entry: _Entry) -> Callable[[str], Any]:
    try:
        factory = entry.point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin that calls sys.exit is a broken plugin, and no reason to end
        why = f"{type(error).__name__}: {error}"
        raise SettingError(f"dinnerkit.{kind}: {entry.where(kind)} can't be imported: {why}") from error
    if not callable(factory):
        raise SettingError(f"dinnerkit.{kind}: {entry.where(kind)} is not a factory: it can't be called")
    return factory  # type: ignore[no-any-return]


def _tried(kind: str, entry: _Entry) -> Callable[[str], Any] | SettingError:
    """The factory, or why there is none; a plugin whose import never ends is waited for a while, and no longer."""
    ended: SimpleQueue[Callable[[str], Any] | SettingError] = SimpleQueue()

    def load() -> None:
        try:
            ended.put(_factory(kind, entry))
        except SettingError as error:
            ended.put(error)

    threading.Thread(target=load, daemon=True).start()
    try:
        return ended.get(timeout=IMPORT_SECONDS)
    except Empty:
        return SettingError(f"dinnerkit.{kind}: {entry.where(kind)} can't be imported: it is not done after {IMPORT_SECONDS:.0f} s")
