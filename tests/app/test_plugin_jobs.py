"""Jobs that an installed package brings: examples/jobs, installed as pip would leave it, and packages that break the rules."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dinnerkit import Kit, Settings
from dinnerkit.delivery.jobs import Jobs
from dinnerkit.delivery.schedules import JobDesk
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.errors import SettingError
from dinnerkit.identity import Role
from dinnerkit.money import Money
from dinnerkit.ports.jobs import Job
from dinnerkit.testing import StandingClock, run_background, settings_for_tests
from dinnerkit.worker.clockwork import Clockwork
from tests.scaffold.installing import installed_as
from tests.web.conftest import World

EXAMPLE = Path(__file__).parents[2] / "examples/jobs"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

Open = Callable[..., Kit]


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package is installed; where it writes."""
    installed_as(tmp_path, [EXAMPLE])
    monkeypatch.syspath_prepend(str(EXAMPLE / "src"))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    folder = tmp_path / "book"
    folder.mkdir()
    monkeypatch.setenv("GUESTBOOK", str(folder))
    yield folder
    sys.modules.pop("dinnerkit_guestbook", None)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture
def opened(database_url: str, tmp_path: Path, clock: StandingClock) -> Iterator[Open]:
    with ExitStack() as closing:

        def opened(**settings: Any) -> Kit:
            return closing.enter_context(Kit.open(Settings(**settings_for_tests(database_url, tmp_path, **settings)), clock=clock))

        yield opened


def written(book: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in book.iterdir()}


def test_a_package_hears_what_happens(opened: Open, book: Path, clock: StandingClock) -> None:
    kit = opened(jobs="guestbook")
    world = World(kit)
    guest = world.user(name="Ada Guest")
    event = world.event(world.user(Role.HOST), price=Money(0, "EUR"), starts_at=clock() + timedelta(days=10))
    booking = world.booked(guest.id, event)
    run_background(kit)
    assert written(book) == {f"{booking}.line": "Ada Guest", "2026-11-01.index": "Ada Guest"} or written(book) == {
        f"{booking}.line": "Ada Guest",
        "2026-11-01.index": "",  # whichever of the two came first
    }


def test_the_clock_asks_once_in_each_span_whoever_has_it(opened: Open, book: Path, clock: StandingClock) -> None:
    one, other = opened(jobs="guestbook"), opened(jobs="guestbook")
    assert [kit.service(JobDesk).run() for kit in (one, one, other)] == [1, 0, 1]
    assert one.service(DeliveryService).waiting() == 1
    run_background(one)
    later = opened(jobs="guestbook")  # such as after a restart
    later.service(JobDesk).run()
    assert later.service(DeliveryService).waiting() == 0
    clock.advance(hours=12)
    run_background(one)
    assert set(written(book)) == {"2026-11-01.index", "2026-11-02.index"}


def test_a_worker_asks(opened: Open, book: Path) -> None:
    kit = opened(jobs="guestbook")
    Clockwork(kit).turn()
    assert kit.service(DeliveryService).waiting() == 1


def test_an_app_asks_and_by_a_key_once(opened: Open, book: Path) -> None:
    kit = opened(jobs="guestbook")
    ask = kit.service(JobDesk).ask
    first = ask("guestbook.page", {"title": "May"}, key="may")
    assert ask("guestbook.page", {"title": "another"}, key="may") == first
    assert ask("guestbook.page", {"title": "June"}) != ask("guestbook.page", {"title": "June"})
    assert [job["handler"] for job in Jobs(kit.service(DeliveryService)).of("media", "waiting")] == ["guestbook.page"] * 3
    run_background(kit)
    assert {name for name in written(book) if name.endswith(".page")} == {"May.page", "June.page"}
    assert len(Jobs(kit.service(DeliveryService)).of("media", "waiting")) == 0


def test_what_fails_is_tried_again_and_buried_and_can_be_retried(opened: Open, book: Path, clock: StandingClock) -> None:
    kit = opened(jobs="guestbook")
    deliveries = kit.service(DeliveryService)
    book.rmdir()
    job = kit.service(JobDesk).ask("guestbook.page", {"title": "May"})
    for _ in range(5):
        deliveries.run(job)
        clock.advance(minutes=1)
    (letter,) = deliveries.dead_letters(limit=10, queue="media")
    assert (letter["handler"], letter["data"], letter["attempts"]) == ("guestbook.page", {"work": {"title": "May"}}, 3)
    book.mkdir()
    deliveries.retry(letter["_id"])
    deliveries.run(job)
    assert written(book) == {"May.page": "0 guests"}


def test_what_nobody_chose_does_nothing(opened: Open, book: Path) -> None:
    kit = opened()
    with pytest.raises(LookupError, match=r"no job 'guestbook\.page'; there are none"):
        kit.service(JobDesk).ask("guestbook.page")
    run_background(kit)
    assert written(book) == {}
    assert "dinnerkit_guestbook" not in sys.modules


def test_a_key_has_bounds(opened: Open, book: Path) -> None:
    kit = opened(jobs="guestbook")
    for key in ("", "k" * 201):
        with pytest.raises(ValueError, match="a key has from 1 to 200 characters"):
            kit.service(JobDesk).ask("guestbook.page", {"title": "May"}, key=key)


def test_what_a_job_works_on_has_bounds(opened: Open, book: Path) -> None:
    kit = opened(jobs="guestbook")
    with pytest.raises(ValueError, match="a job works on at most 65536 bytes"):
        kit.service(JobDesk).ask("guestbook.page", {"title": "x" * 65_536})
    assert kit.service(DeliveryService).waiting() == 0


def test_the_listing_tells_of_it(tmp_path: Path) -> None:
    env = installed_as(tmp_path, [EXAMPLE]) | {"DINNERKIT_JOBS": "guestbook, missing", "DINNERKIT_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "dinnerkit", "plugins"]
    listed = subprocess.run([*command, "--json"], env=env, capture_output=True, text=True, check=True, cwd=tmp_path)
    told = {row["scheme"]: row for row in json.loads(listed.stdout) if row["kind"] == "jobs"}
    assert (told["guestbook"]["state"], told["guestbook"]["chosen"], told["guestbook"]["version"]) == ("works", True, "0.1.0")
    assert told["missing"]["state"] == "missing"


PACKAGE = """
from datetime import timedelta
from dinnerkit.booking.messages import BookingConfirmed
from dinnerkit.messages import Handler
from dinnerkit.ports.jobs import Job, PluginJobs
def run(_): ...
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def jobs(kit): raise RuntimeError('no')", r"jobs: odd of odd \(odd:jobs\) failed: RuntimeError: no"),
        ("def jobs(kit): return [1]", "gives list, and no PluginJobs"),
        ("import nothing_such", "odd of odd .* can't be imported: ModuleNotFoundError"),
        ("jobs = 3", "is not a factory"),
        ("def jobs(kit): return PluginJobs(jobs=[Job('even.page', run)])", "has even.page; its names begin with 'odd' and a dot"),
        ("def jobs(kit): return PluginJobs(jobs=[Job('odd.page', run)] * 2)", "more than one handler or job is named odd.page"),
        ("def jobs(kit): return PluginJobs(jobs=[Job('odd.page', run, 'nowhere')])", "there is no queue 'nowhere'"),
        ("def jobs(kit): return PluginJobs(jobs=[Job('odd.page', run, every=timedelta(days=8))])", "every is from 10 seconds to 7 days"),
        ("def jobs(kit): return PluginJobs(handlers=[Handler('x', BookingConfirmed, run)])", "has x; its names begin with"),
    ],
)
def test_a_package_that_breaks_a_rule_is_named_where_it_is_chosen(
    source: str, words: str, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    info = site / "odd-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dinnerkit.jobs]\nodd = odd:jobs\n")
    (site / "odd.py").write_text(PACKAGE + source)
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    opened()
    with pytest.raises(SettingError, match=words):
        opened(jobs="odd")
    sys.modules.pop("odd", None)


def test_what_is_not_installed_is_said(opened: Open, book: Path) -> None:
    with pytest.raises(SettingError, match="no installed package has jobs 'nobody'; installed: guestbook"):
        opened(jobs="nobody")


def test_a_job_does_not_come_all_the_time() -> None:
    with pytest.raises(SettingError, match="every is from 10 seconds"):
        Job("a.b", print, every=timedelta(seconds=9))
