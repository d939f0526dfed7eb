from __future__ import annotations

import csv
import gzip
import importlib.resources
import os
import stat
import sys

import pytest

from dinnerkit.matching import (
    ITEMS,
    TRAITS,
    Balanced,
    Demand,
    MixedCompany,
    NobodyAlone,
    PeopleFileInvalid,
    SeatingImpossible,
    Traits,
    wish,
)
from dinnerkit.matching.files import rows as people_rows
from dinnerkit.matching.files.people import BadRow, read_people
from dinnerkit.matching.matching_files import match_file

ANSWERS = ["3"] * 50
HEADER = [item.id for item in ITEMS]


def table(path, rows, header=HEADER, delimiter=","):
    lines = [delimiter.join(header), *(delimiter.join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_rows_become_guests_numbered_as_in_the_file(tmp_path):
    people = read_people(table(tmp_path / "p.csv", [ANSWERS, ANSWERS]))
    assert [guest.id for guest in people.guests] == ["1", "2"]
    assert people.guests[0].traits == Traits(0.5, 0.5, 0.5, 0.5, 0.5)
    assert people.bad == ()


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("zipped", [False, True])
def test_the_delimiter_and_the_compression_are_told_from_the_content(tmp_path, delimiter, zipped):
    path = table(tmp_path / "people.data", [ANSWERS], delimiter=delimiter)
    if zipped:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert len(read_people(path).guests) == 1


def test_all_columns_that_mean_something_are_read_and_race_is_not(tmp_path):
    header = [*HEADER, "race", "id", "age", "Languages", "interests", "budget", "party", "country"]
    row = [*ANSWERS, "3", "ada", "36", "en;DE", '"chess; Go"', "Low", "wedding", "GB"]
    (guest,) = read_people(table(tmp_path / "p.csv", [row], header)).guests
    assert (guest.id, guest.age, guest.budget, guest.party) == ("ada", 36.0, "low", "wedding")
    assert guest.languages == {"en", "de"}
    assert guest.interests == {"chess", "go"}


def test_quotes_byte_order_mark_and_windows_line_ends_are_understood(tmp_path):
    path = tmp_path / "p.csv"
    lines = [",".join([*HEADER, "id"]), ",".join([*ANSWERS, '"Lovelace, ""Ada"""'])]
    path.write_bytes("﻿".encode() + "\r\n".join(lines).encode() + b"\r\n")
    assert read_people(path).guests[0].id == 'Lovelace, "Ada"'


def test_a_quoted_cell_may_hold_line_ends_and_lines_are_counted_on(tmp_path):
    header = [*HEADER, "note", "id"]
    rows = [[*ANSWERS, '"I can come\r\nat eight,\nor ""nine"""', "ada"], [*ANSWERS[1:], "9", "", "bob"], [*ANSWERS, '"\n"', '"two\nlines"']]
    people = read_people(table(tmp_path / "p.csv", rows, header))
    assert [guest.id for guest in people.guests] == ["ada", "two\nlines"]
    assert (people.rows, [row.line for row in people.bad]) == (3, [5])


def test_a_quote_without_an_end_spoils_its_own_row_alone(tmp_path):
    rows = [[*ANSWERS, "ada"], [*ANSWERS, '"bob'], [*ANSWERS, "cyd"], [*ANSWERS, '"dan"'], [*ANSWERS, '"eve']]
    people = read_people(table(tmp_path / "p.csv", rows, [*HEADER, "id"]))
    assert [guest.id for guest in people.guests] == ["ada", "cyd", "dan"]
    assert people.bad == (BadRow(3, "unexpected end of data"), BadRow(6, "unexpected end of data"))


@pytest.mark.parametrize("age", ["1985", "999999999", "-3", "9", "", "old", "nan", "inf"])
def test_an_absurd_age_is_taken_as_not_told(tmp_path, age):
    (guest,) = read_people(table(tmp_path / "p.csv", [[*ANSWERS, age]], [*HEADER, "age"])).guests
    assert guest.age is None


@pytest.mark.parametrize("told", ["0", "1", "2"])
def test_whoever_filled_in_the_english_questionnaire_reads_english(tmp_path, told):
    (guest,) = read_people(table(tmp_path / "p.csv", [[*ANSWERS, told]], [*HEADER, "engnat"])).guests
    assert guest.languages == {"en"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([*ANSWERS[:-1], "6"], "answer '6' is not a whole number from 1 to 5"),
        ([*ANSWERS[:-1], "x"], "answer 'x' is not a whole number from 1 to 5"),
        ([*ANSWERS[:-1], "2.5"], "answer '2.5' is not a whole number from 1 to 5"),
        (["0"] * 11 + ANSWERS[11:], "11 of the 50 answers are missing, at most 10 may be"),
        ([""] * 10 + ANSWERS[10:], "no answer on extraversion"),
        (ANSWERS[:-1], "49 columns, the header has 50"),
        ([*ANSWERS, "3"], "51 columns, the header has 50"),
        (['"3', *ANSWERS[1:]], "unexpected end of data"),
    ],
)
def test_a_bad_row_is_skipped_and_told_with_its_line(tmp_path, row, reason):
    people = read_people(table(tmp_path / "p.csv", [ANSWERS, row, ANSWERS]))
    assert people.bad == (BadRow(3, reason),)
    assert [guest.id for guest in people.guests] == ["1", "3"]
    assert people.rows == 3


def test_careless_answers_are_used_and_told_with_their_line(tmp_path):
    mixed = [str(1 + number * 7 % 5) for number in range(50)]
    long = [*mixed[:20], *["2"] * 20, *mixed[40:]]
    people = read_people(table(tmp_path / "p.csv", [mixed, ANSWERS, ["9"] * 50, long]))
    assert [(row.line, row.guest, row.why.kind) for row in people.careless] == [(3, "2", "same_answer"), (5, "4", "long_string")]
    assert [guest.id for guest in people.guests] == ["1", "2", "4"]


def test_the_reliability_of_each_scale_is_told(tmp_path):
    agreeing = [[str(6 - value if item.reversed else value) for item in ITEMS] for value in (1, 3, 5)]
    people = read_people(table(tmp_path / "p.csv", agreeing))
    assert people.alphas == pytest.approx(dict.fromkeys(TRAITS, 1.0))


def test_what_only_some_rules_read_is_read_too(tmp_path):
    header = [*HEADER, "id", "diets", "dinners", "met", "blocked", "met_ago", "state:gender", "State:Faith"]
    rows = [
        [*ANSWERS, "ada", "Vegan;halal", "0", "bob", "", "", "Woman", ""],
        [*ANSWERS, "bob", "", "", "", "ada;eve", "ada=2", "", ""],
    ]
    ada, bob = read_people(table(tmp_path / "p.csv", rows, header)).guests
    assert (ada.diets, ada.dinners, ada.met, ada.stated) == ({"vegan", "halal"}, 0, {"bob"}, {"gender": "woman"})
    assert (bob.diets, bob.dinners, bob.blocked, bob.met_ago, bob.met) == (frozenset(), None, {"ada", "eve"}, {"ada": 2}, {"ada"})


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("dinners", "many", "dinners 'many' is not a whole number"),
        ("met_ago", "ada", "met_ago 'ada' is not an id and a number of dinners, such as ada=2"),
        ("met_ago", "ada=0", "guest '1' met somebody less than one dinner ago; the last dinner is 1"),
    ],
)
def test_particulars_that_make_no_sense_are_bad_rows(tmp_path, column, cell, reason):
    people = read_people(table(tmp_path / "p.csv", [[*ANSWERS, cell], [*ANSWERS, ""]], [*HEADER, column]))
    assert people.bad == (BadRow(2, reason),)


def test_a_parquet_file_is_read_like_the_same_text(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {item.id: [3, 4, 9, None] for item in ITEMS} | {
        "id": ["ada", "bob", "eve", "dan"],
        "age": [36.0, None, 20.0, 30.0],
        "languages": [["en", "DE"], [], ["en"], ["en"]],
        "dinners": [0, 2, None, None],
        "state:gender": ["woman", None, None, None],
    }
    for name in ("E1", "N1", "A1", "C1", "O1"):
        columns[name] = [3, 4, 5, None]
    path = tmp_path / "people.anything"
    parquet.write_table(pyarrow.table(columns), path)
    people = read_people(path)
    assert [(guest.id, guest.age, guest.languages, guest.dinners) for guest in people.guests] == [
        ("ada", 36.0, {"en", "de"}, 0),
        ("bob", None, frozenset(), 2),
    ]
    assert people.guests[0].stated == {"gender": "woman"}
    assert [row.line for row in people.bad] == [4, 5]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PeopleFileInvalid, match="pyarrow can't read it"):
        read_people(path)


def test_a_parquet_file_may_hold_bytes_for_texts_and_what_python_has_no_value_for_where_nobody_looks(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {item.id: [3] for item in ITEMS} | {"id": [b"zo\xc3\xab"], "languages": [[b"en", b"de"]]}
    far_off = pyarrow.array([2**62], pyarrow.timestamp("ms"))
    parquet.write_table(pyarrow.table(columns | {"filled in": far_off}), tmp_path / "p.parquet")
    (guest,) = read_people(tmp_path / "p.parquet").guests
    assert (guest.id, guest.languages) == ("zoë", {"en", "de"})
    parquet.write_table(pyarrow.table(columns | {"state:gender": far_off}), tmp_path / "q.parquet")
    with pytest.raises(PeopleFileInvalid, match="pyarrow can't read it: "):
        read_people(tmp_path / "q.parquet")


def test_whole_numbers_may_be_written_as_programs_do_for_which_one_is_missing(tmp_path):
    path = table(tmp_path / "p.csv", [["3.0", "", *ANSWERS[2:], "4.0"], [*ANSWERS[1:], "3.5", "2"]], [*HEADER, "dinners"])
    people = read_people(path)
    assert [guest.dinners for guest in people.guests] == [4]
    assert people.bad == (BadRow(3, "answer '3.5' is not a whole number from 1 to 5"),)


def test_a_parquet_file_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "people.parquet"
    path.write_bytes(b"PAR1....PAR1")
    with pytest.raises(PeopleFileInvalid, match=r"needs pyarrow: pip install 'dinnerkit\[parquet\]'"):
        read_people(path)


def test_a_row_in_a_broken_encoding_is_skipped_alone(tmp_path):
    path = table(tmp_path / "p.csv", [[*ANSWERS, "anna"], [*ANSWERS, "Zoë"], [*ANSWERS, "bob"]], [*HEADER, "id"])
    path.write_bytes(path.read_bytes().replace("ë".encode(), b"\xeb"))
    people = read_people(path)
    assert people.bad == (BadRow(3, "not valid UTF-8"),)
    assert [guest.id for guest in people.guests] == ["anna", "bob"]


def test_an_id_that_is_empty_or_used_twice_is_a_bad_row(tmp_path):
    rows = [[*ANSWERS, name] for name in ("ada", "", "ada", "bob")]
    people = read_people(table(tmp_path / "p.csv", rows, [*HEADER, "id"]))
    assert people.bad == (BadRow(3, "the id is empty"), BadRow(4, "the id was already used on an earlier line"))


def test_a_wrong_budget_is_a_bad_row(tmp_path):
    people = read_people(table(tmp_path / "p.csv", [[*ANSWERS, "rich"], [*ANSWERS, ""]], [*HEADER, "budget"]))
    assert people.bad == (BadRow(2, "budget 'rich' is not one of low, medium, high"),)


def test_up_to_ten_answers_may_be_missing_in_a_row_or_in_the_header(tmp_path):
    assert len(read_people(table(tmp_path / "p.csv", [["0", "NA", "", *ANSWERS[3:]]])).guests) == 1
    fewer = [name for name in HEADER if not name.endswith("10") and not name.endswith("9")]
    assert len(read_people(table(tmp_path / "q.csv", [["3"] * 40], fewer)).guests) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a file of people: the file is empty"),
        (b"\n\n  \n", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "its first line is not text in UTF-8"),
        ((",".join(HEADER) + "\r" + ",".join(ANSWERS) + "\r").encode(), "its lines end in carriage returns alone; save it with line feeds"),
        (b"hello world\n1,2,3\n", "names 0 of the answer columns E1"),
        (gzip.compress(b"x" * 100_000, mtime=0), "line 1 is longer than"),
        (gzip.compress(b"a,b\n" * 1000, mtime=0)[:-20], "can't be read"),
        (b"\x1f\x8bnot really", "can't be read"),
        (",".join([*HEADER, "id", "ID"]).encode(), "names these columns twice: id"),
        (",".join(HEADER).encode(), "has no usable row among its 0"),
        ((",".join(HEADER) + "\n1,2\n").encode(), "has no usable row among its 1; line 2: 2 columns"),
    ],
)
def test_what_is_not_a_file_of_people_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(PeopleFileInvalid, match=message) as caught:
        read_people(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message


def test_a_missing_file_and_a_directory_are_refused_in_one_line(tmp_path):
    with pytest.raises(PeopleFileInvalid, match="No such file"):
        read_people(tmp_path / "nothing.csv")
    with pytest.raises(PeopleFileInvalid, match="Is a directory"):
        read_people(tmp_path)


def test_a_file_of_too_many_people_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(people_rows, "MOST_PEOPLE", 3)
    assert len(read_people(table(tmp_path / "p.csv", [ANSWERS] * 3)).guests) == 3
    with pytest.raises(PeopleFileInvalid, match="more than 3 people"):
        read_people(table(tmp_path / "p.csv", [ANSWERS] * 4))


def test_matching_writes_every_usable_person_with_a_table(tmp_path):
    rows = [ANSWERS] * 6 + [ANSWERS[:3]] + [["4"] * 50] * 6
    out = tmp_path / "tables.csv"
    report = match_file(table(tmp_path / "p.csv", rows), size=6, out=out)
    written = list(csv.reader(out.read_text().splitlines()))
    assert written[0] == ["person", "table"]
    assert [person for person, _ in written[1:]] == [str(number) for number in range(1, 14) if number != 7]
    assert sorted(number for _, number in written[1:]) == ["1"] * 6 + ["2"] * 6
    assert report.breaches == ()
    assert stat.S_IMODE(out.stat().st_mode) & stat.S_IRUSR


def test_a_rule_about_what_nobody_stated_is_told_not_passed_over(tmp_path):
    path = table(tmp_path / "p.csv", [[*ANSWERS, "woman"]] * 6, [*HEADER, "state:gender"])
    rules = (NobodyAlone("gender"), NobodyAlone("gender", "Woman"), wish(Balanced("gendre")), Demand(MixedCompany("sex"), 0.3))
    assert match_file(path, rules=rules).idle == (
        "the rule nobody_alone_gender_Woman asks for nothing: nobody in the file has told state:gender as 'Woman'",
        "the rule wish_balanced_gendre asks for nothing: nobody in the file has told state:gendre",
        "the rule demand_mixed_company_sex asks for nothing: nobody in the file has told state:sex",
    )


def test_nothing_is_written_when_matching_fails_and_an_older_file_stays(tmp_path):
    out = tmp_path / "tables.csv"
    out.write_text("older")
    with pytest.raises(SeatingImpossible):
        match_file(table(tmp_path / "p.csv", [ANSWERS] * 8), out=out)
    assert out.read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.csv", "tables.csv"]


@pytest.mark.parametrize(
    ("place", "why"), [("nowhere/tables.csv", "No such file"), ("p.csv/tables.csv", "Not a directory"), ("folder", "Is a directory")]
)
@pytest.mark.parametrize("what", ["out", "report"])
def test_a_place_that_cannot_be_written_is_told_in_one_line_before_the_search_and_nothing_is_lost(tmp_path, place, why, what):
    people = table(tmp_path / "p.csv", [ANSWERS] * 6)
    (tmp_path / "folder").mkdir()
    older = {name: tmp_path / name for name in ("out", "report")}
    for path in older.values():
        path.write_text("older")
    told = []
    with pytest.raises(PeopleFileInvalid, match=rf"{place} can't be written: {why}"):
        match_file(people, progress=told.append, **(older | {what: tmp_path / place}))
    assert told == []
    assert [path.read_text() for path in older.values()] == ["older"] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "out", "p.csv", "report"]


def test_tables_go_into_a_pipe_that_stays_one_and_to_where_a_link_leads(tmp_path):
    people, pipe, link = table(tmp_path / "p.csv", [ANSWERS] * 6), tmp_path / "pipe", tmp_path / "link.csv"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "linked.csv")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    match_file(people, out=pipe)
    match_file(people, out=link)
    with os.fdopen(reader) as stream:
        assert stream.read() == (tmp_path / "linked.csv").read_text() == "person,table\n" + "".join(f"{n},1\n" for n in range(1, 7))
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert link.is_symlink()


def test_the_people_of_the_demo_are_complete_of_age_and_compact(tmp_path):
    resource = importlib.resources.files("dinnerkit") / "demo_data" / "people.csv.gz"
    with importlib.resources.as_file(resource) as path:
        people = read_people(path)
        assert path.stat().st_size < 120_000
        rows = list(csv.DictReader(gzip.decompress(path.read_bytes()).decode().splitlines()))
    assert (people.rows, len(people.guests), people.bad) == (2400, 2400, ())
    assert all(guest.age is not None and 18 <= guest.age <= 90 for guest in people.guests)
    assert set(rows[0]) == {"age", "gender", "country", *HEADER}
    assert all(len({row[item] for item in HEADER}) > 1 for row in rows)
