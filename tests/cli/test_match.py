from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from dinnerkit.cli import main
from dinnerkit.matching import ITEMS
from tests.cli.running import Run


def write_people(path: Path, count: int, broken: tuple[int, ...] = ()) -> None:
    dice = random.Random(3)
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["id", *(item.id for item in ITEMS)])
        for number in range(count):
            answers = [9 if number in broken else dice.randint(1, 5) for _ in ITEMS]
            rows.writerow([f"p{number}", *answers])


def eleven_people(folder: Path) -> list[str]:
    """Arguments for whom, with whatever is written; tables of five can't take them all."""
    write_people(folder / "people.csv", 11)
    return [str(folder / "people.csv"), "--size", "5", "--out", str(folder / "tables.csv"), "--report", str(folder / "report.html")]


def tables(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(row["table"], []).append(row["person"])
    return found


def test_everyone_gets_one_table_of_the_size_that_was_asked_for(run: Run, tmp_path: Path):
    write_people(tmp_path / "people.csv", 23)
    ended = run("match", "people.csv", "--size", "5-7", "--out", "tables.csv")
    assert (ended.code, ended.err) == (0, "")
    found = tables(tmp_path / "tables.csv")
    assert sorted(name for names in found.values() for name in names) == sorted(f"p{number}" for number in range(23))
    assert {len(names) for names in found.values()} <= {5, 6, 7}
    assert ended.out.startswith(
        "23 of 23 people sit at 4 tables of 5-7; 0 rows were skipped\nreliability (Cronbach's alpha): extraversion "
    )
    assert "\nscore " in ended.out


def test_bad_rows_are_skipped_and_listed_with_their_line_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_people(tmp_path / "people.csv", 12, broken=(3, 7))
    assert main(["match", str(tmp_path / "people.csv"), "--size", "10", "--out", str(tmp_path / "tables.csv")]) == 0
    out, err = capsys.readouterr()
    assert err == "skipped 2: answer '9' is not a whole number from 1 to 5: lines 5, 9\n"
    assert "10 of 12 people sit at 1 table of 10" in out
    assert len(tables(tmp_path / "tables.csv")) == 1


def test_careless_answers_are_listed_with_their_line_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_people(tmp_path / "people.csv", 11)
    with (tmp_path / "people.csv").open("a", newline="") as stream:
        csv.writer(stream).writerow(["lazy", *["3"] * 50])
    assert main(["match", str(tmp_path / "people.csv"), "--size", "6", "--out", str(tmp_path / "tables.csv")]) == 0
    assert capsys.readouterr().err == "careless 1: 15 or more equal answers in a row, seated all the same: line 13\n"


def test_the_same_seed_gives_the_same_file(tmp_path: Path):
    write_people(tmp_path / "people.csv", 30)
    for out in ("one.csv", "two.csv"):
        assert main(["match", str(tmp_path / "people.csv"), "--seed", "5", "--out", str(tmp_path / out)]) == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_what_cant_be_seated_is_one_line_and_exit_code_2_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_people(tmp_path / "people.csv", 4)
    assert main(["match", str(tmp_path / "people.csv"), "--size", "5-7", "--out", str(tmp_path / "tables.csv")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert not (tmp_path / "tables.csv").exists()


def test_others_are_seated_where_not_all_can_be_if_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["match", *eleven_people(tmp_path), "--best-effort"]) == 0
    out, err = capsys.readouterr()
    assert "10 of 11 people sit at 2 tables of 5;" in out
    seated = [name for names in tables(tmp_path / "tables.csv").values() for name in names]
    (left,) = {f"p{number}" for number in range(11)} - set(seated)
    assert err.startswith(f"left out 1: {left}: ")
    assert f"<li>No table for {left}: 11 guests " in (tmp_path / "report.html").read_text()


def test_all_are_seated_and_what_that_breaks_is_told_if_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["match", *eleven_people(tmp_path), "--everybody"]) == 0
    out, err = capsys.readouterr()
    assert "11 of 11 people sit at 2 tables of 5-6;" in out
    assert sorted(len(names) for names in tables(tmp_path / "tables.csv").values()) == [5, 6]
    assert err.splitlines() == [
        f"table {number} has 6 guests, not 5" for number, names in tables(tmp_path / "tables.csv").items() if len(names) == 6
    ]
    assert f"<li>{err.strip().capitalize()}." in (tmp_path / "report.html").read_text()


def test_what_is_too_much_to_list_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_people(tmp_path / "people.csv", 206)
    (tmp_path / "rules.toml").write_text('[[rules]]\nrule = "floor"\nleast = 100\n')
    asked = ["--size", "2", "--rules", str(tmp_path / "rules.toml"), "--out", str(tmp_path / "tables.csv")]
    assert main(["match", str(tmp_path / "people.csv"), *asked]) == 0
    *listed, last = capsys.readouterr().err.splitlines()
    assert len(listed) == 100
    assert last == "and 3 more times a table breaks a rule or is below the floor"


def test_nobody_is_left_out_or_all_are_seated(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["match", *eleven_people(tmp_path), "--best-effort", "--everybody"]) == 2
    assert "only one of them can be" in capsys.readouterr().err
    assert not (tmp_path / "tables.csv").exists()


def test_no_file_that_is_read_or_written_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_people(tmp_path / "people.csv", 12)
    people, before = str(tmp_path / "people.csv"), (tmp_path / "people.csv").read_bytes()
    for places in (["--out", people], ["--out", str(tmp_path / "a"), "--report", str(tmp_path / "." / "a")]):
        assert main(["match", people, *places]) == 2
        assert "must be different files" in capsys.readouterr().err
    assert (tmp_path / "people.csv").read_bytes() == before
    assert not (tmp_path / "a").exists()


def test_a_rule_that_asks_for_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_people(tmp_path / "people.csv", 12)
    (tmp_path / "rules.toml").write_text('[[rules]]\nrule = "nobody_alone"\nlabel = "gendre"\n')
    places = ["--rules", str(tmp_path / "rules.toml"), "--out", str(tmp_path / "tables.csv")]
    assert main(["match", str(tmp_path / "people.csv"), *places]) == 0
    assert capsys.readouterr().err == "the rule nobody_alone_gendre asks for nothing: nobody in the file has told state:gendre\n"


def test_a_file_that_is_not_there_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["match", str(tmp_path / "nothing.csv"), "--out", str(tmp_path / "tables.csv")]) == 2
    assert "nothing.csv can't be read: No such file or directory" in capsys.readouterr().err


def test_many_people_without_numba_are_seated_and_the_host_is_told_that_it_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    for module in ("dinnerkit.cli.match", "dinnerkit.matching.solving.solver", "dinnerkit.matching.solving.blocks"):
        monkeypatch.setattr(f"{module}.compiled_available", lambda: False)
    monkeypatch.setattr("dinnerkit.cli.match.AT_ONCE", 20)
    write_people(tmp_path / "people.csv", 25)
    assert main(["match", str(tmp_path / "people.csv"), "--out", str(tmp_path / "tables.csv")]) == 0
    assert "without numba, which is some fifty times as fast: pip install 'dinnerkit[matching]'" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has terminals that a test can make")
def test_a_terminal_gets_a_bar(tmp_path: Path):
    import pty

    write_people(tmp_path / "people.csv", 12)
    ours, theirs = pty.openpty()
    told = tmp_path / "tables.csv"
    command = [sys.executable, "-m", "dinnerkit", "match", str(tmp_path / "people.csv"), "--out", str(told)]
    subprocess.run(command, stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    os.close(theirs)
    drawn = b""
    with suppress(OSError):
        while part := os.read(ours, 4096):
            drawn += part
    os.close(ours)
    assert b"seating" in drawn
    assert b"best so far" in drawn


def test_several_processes_give_the_same_file_and_none_is_refused(run: Run, tmp_path: Path):
    write_people(tmp_path / "people.csv", 30)
    assert run("match", "people.csv", "--out", "one.csv").code == 0
    assert run("match", "people.csv", "--out", "two.csv", "--processes", "2").code == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    refused = run("match", "people.csv", "--out", "no.csv", "--processes", "0")
    assert refused.code == 2
    assert "--processes" in refused.err


def test_rules_and_a_page_about_it_are_files_too(run: Run, tmp_path: Path):
    write_people(tmp_path / "people.csv", 12)
    (tmp_path / "rules.toml").write_text('without = ["budget"]\n[[tables]]\nseats = 6\ncount = 2\n')
    ended = run("match", "people.csv", "--rules", "rules.toml", "--out", "tables.csv", "--report", "report.html")
    assert (ended.code, ended.err) == (0, "")
    assert "12 of 12 people sit at 2 tables of 6;" in ended.out
    assert ended.out.rstrip().endswith("written to tables.csv and report.html")
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_venue_s_tables_and_a_size_contradict_each_other(run: Run, tmp_path: Path):
    write_people(tmp_path / "people.csv", 12)
    (tmp_path / "rules.toml").write_text("[[tables]]\nseats = 6\ncount = 2\n")
    ended = run("match", "people.csv", "--rules", "rules.toml", "--size", "6", "--out", "tables.csv")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "names the venue's own tables, so there can be no --size" in ended.err
    (tmp_path / "rules.toml").write_text("[[rule]]\n")
    ended = run("match", "people.csv", "--rules", "rules.toml", "--out", "tables.csv")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "rules" in ended.err
