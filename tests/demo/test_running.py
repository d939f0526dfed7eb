"""A world is looked at, gone on with after any kill, and kept from what is not its own."""

from __future__ import annotations

import io
import json
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from dinnerkit.backends.database import embedded
from dinnerkit.backends.mongod.locks import FileLock
from dinnerkit.demo import demo_settings, run
from dinnerkit.demo.logbook import Logbook
from dinnerkit.demo.report import show
from dinnerkit.demo.telling import telling
from dinnerkit.errors import Invalid
from tests.conftest import with_database
from tests.demo.processes import Demo, nothing_runs
from tests.demo.small import SEED, SMALL, Made, state
from tests.mailbox import mails
from tests.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "demo"
    until(lambda: nothing_runs(tmp_path / "demo"))


def quiet() -> Console:
    return Console(file=io.StringIO(), width=120)


def test_a_finished_world_is_only_looked_at_and_its_summary_is_the_same(made: Made):
    before = state(made.database)
    out, err = quiet(), quiet()
    world = run(made.settings, out=out, err=err)
    assert state(made.database) == before
    assert world.figures == made.world.figures
    assert world.password == made.world.password
    assert out.file.getvalue() == made.out  # type: ignore[attr-defined]
    assert not err.file.getvalue()  # type: ignore[attr-defined]


def test_going_on_with_a_world_that_is_complete_but_not_marked_so_changes_nothing(made: Made):
    before = state(made.database)
    made.book.__class__(made.book.keys, made.book.scale, made.book.password).save(made.folder)
    world = run(made.settings, out=quiet(), err=quiet())
    assert state(made.database) == before
    assert world.figures == made.world.figures


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the processes are found through /proc")
def test_a_world_that_is_killed_again_and_again_becomes_the_same_world(folder: Path, made: Made):
    for after in (0, 40, 110):
        demo = Demo(folder, "--exit", scale=SMALL)
        demo.until(lambda demo=demo, after=after: demo.charges() > after)
        demo.send(signal.SIGKILL)
        assert demo.end()[0] == -signal.SIGKILL, "it was too fast for this test"
    code, out, err = Demo(folder, "--exit", scale=SMALL).end()
    assert code == 0, err
    assert "The tables score" in out
    backend = embedded(f"embedded://{folder}")
    try:
        assert state(backend.database) == state(made.database)
        assert backend.database.dead_letters.count_documents({}) == 0
        missing = Counter(mails(made.folder / "mail")) - Counter(mails(folder / "mail"))
        # Whoever had answered an offer when its mail was due is not told of it.
        assert not [mail for mail in missing if not mail[1].startswith("There is a place for you at")]
    finally:
        backend.close()


def test_two_demos_do_not_work_in_one_folder(made: Made):
    lock = FileLock(made.folder / "demo.lock")
    assert lock.try_exclusive()
    try:
        with pytest.raises(Invalid, match="another demo is at work in"):
            run(made.settings, out=quiet(), err=quiet())
    finally:
        lock.close()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 0}', '{"format": 1, "seed": 1}'])
def test_the_folder_of_another_version_is_left_alone(tmp_path: Path, damage: str):
    (tmp_path / "world.json").write_text(damage)
    with pytest.raises(Invalid, match="this version can't continue; remove the folder"):
        Logbook.open(tmp_path, seed=SEED, scale=SMALL)
    assert (tmp_path / "world.json").read_text() == damage


def test_a_logbook_is_read_back_as_it_was_and_shown_to_its_owner_alone(tmp_path: Path):
    book = Logbook.open(tmp_path, seed=3, scale=SMALL)
    assert Logbook.open(tmp_path, seed=4, scale=SMALL) == book
    done = Logbook(book.keys, book.scale, book.password, finished_at=datetime(2026, 1, 2, tzinfo=UTC), seconds=3.5)
    done.save(tmp_path)
    assert Logbook.open(tmp_path, seed=3, scale=SMALL) == done
    assert (tmp_path / "world.json").stat().st_mode & 0o777 == 0o600


def test_a_world_that_was_left_unfinished_for_weeks_is_not_gone_on_with(made: Made, tmp_path: Path):
    shutil.copytree(made.folder, tmp_path / "old", ignore=shutil.ignore_patterns("mail"))
    path = tmp_path / "old" / "world.json"
    known = json.loads(path.read_text())
    old = datetime.fromisoformat(known["born"]) - timedelta(days=30)
    path.write_text(json.dumps(known | {"finished_at": None, "born": old.isoformat()}))
    environ = {"DINNERKIT_DATABASE": made.settings.database, "DINNERKIT_SECRET_KEY": made.settings.secret_key}
    with pytest.raises(Invalid, match="begun too long ago to go on with"):
        run(demo_settings(tmp_path / "old", environ), out=quiet(), err=quiet())


def test_a_finished_world_whose_database_is_gone_says_so(made: Made, tmp_path: Path):
    shutil.copy(made.folder / "world.json", tmp_path / "world.json")
    environ = {"DINNERKIT_DATABASE": with_database(made.settings.database, "demo-gone"), "DINNERKIT_SECRET_KEY": made.settings.secret_key}
    with pytest.raises(Invalid, match="not the one in which the world of"):
        run(demo_settings(tmp_path, environ), out=quiet(), err=quiet())


def test_a_database_with_another_demo_in_it_is_not_touched(made: Made, tmp_path: Path):
    before = state(made.database)
    environ = {"DINNERKIT_DATABASE": made.settings.database, "DINNERKIT_SECRET_KEY": made.settings.secret_key}
    with pytest.raises(Invalid, match="in use by something else than this demo"):
        run(demo_settings(tmp_path, environ), scale=SMALL, seed=SEED, out=quiet(), err=quiet())
    assert state(made.database) == before


def test_the_summary_fits_a_narrow_terminal_and_says_what_is_invented(made: Made):
    for width in (80, 100, 120, 200):
        console = Console(file=io.StringIO(), width=width)
        show(console, made.world.figures, made.book, made.folder)
        text = console.file.getvalue()  # type: ignore[attr-defined]
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= width
        assert "Invented" in text
        assert "New York" in text


def test_a_few_plain_lines_tell_of_the_making_where_there_is_no_terminal(made: Made):
    assert [line.partition(":")[0] for line in made.err.splitlines()] == [
        "People move in",
        "Dinners are announced",
        "Seats are booked and paid for",
        "Match nights are seated",
        "Mails are sent",
    ]


def test_bars_tell_of_it_on_a_terminal(made: Made):
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with telling(console) as told:
        task = told.task("Mails are sent", 3)
        task.advance(2)
        task.done()
    assert "Mails are sent" in console.file.getvalue()  # type: ignore[attr-defined]
