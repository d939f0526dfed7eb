"""A host's statement says what happened to their money, and harms no spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.booking.statements import EARLIEST, HEADER, Statements, decimal, harmless
from dinnerkit.events.rules import RefundPolicy
from dinnerkit.money import Money
from tests.booking.world import World


def statement(world: World, host: str = "host", **bounds: object) -> list[dict[str, str]]:
    since, until = bounds.get("since", EARLIEST), bounds.get("until", world.clock() + timedelta(seconds=1))
    return list(csv.DictReader(io.StringIO(world.kit.service(Statements).csv(host, since, until))))  # type: ignore[arg-type]


def test_each_line_says_what_is_owed_after_it(world: World) -> None:
    event = world.host_dinner(4, policy=RefundPolicy(48, 50))
    world.book("ada", event, 2)
    world.clock.now += timedelta(minutes=1)
    ben = world.book("ben", event)
    world.clock.now += timedelta(days=6)
    world.bookings.cancel("ben", ben.id)
    world.work()
    lines = statement(world)
    assert [(line["what"], line["amount"], line["balance"]) for line in lines] == [
        ("A guest paid", "70.00", "70.00"),
        ("A guest paid", "35.00", "105.00"),
        ("Money goes back to a guest", "-17.50", "87.50"),
    ]
    assert {(line["dinner"], line["dinner_id"], line["currency"]) for line in lines} == {("Dumplings", event, "EUR")}
    assert lines[1]["booking_id"] == ben.id


def test_it_begins_with_what_was_owed_before_and_ends_before_its_end(world: World) -> None:
    event = world.host_dinner(4)
    for user in ("ada", "ben", "eve"):
        world.book(user, event)
        world.work()
        world.clock.now += timedelta(hours=1)
    hour = timedelta(hours=1)
    lines = statement(world, since=world.clock() - 2 * hour, until=world.clock() - hour)
    assert [(line["amount"], line["balance"]) for line in lines] == [("35.00", "70.00")]


def test_another_host_has_a_statement_of_their_own(world: World) -> None:
    world.book("ada", world.host_dinner(4))
    world.work()
    assert statement(world, "other") == []


@pytest.mark.parametrize("title", ["=cmd|'/C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://evil.example","Click")'])
def test_a_title_is_no_formula(world: World, title: str) -> None:
    event = world.host_dinner(4)
    world.database["events"].update_one({"_id": event}, {"$set": {"title": title}})
    world.book("ada", event)
    world.work()
    (line,) = statement(world)
    assert line["dinner"] == f"'{title}"


@given(st.text())
def test_no_text_is_a_formula(text: str) -> None:
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert harmless(text).removeprefix("'") == text.removeprefix("'")


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(3500, "EUR"), "35.00"),
        (Money(-5, "EUR"), "-0.05"),
        (Money(0, "EUR"), "0.00"),
        (Money(3500, "JPY"), "3500"),
        (Money(-1234567, "KWD"), "-1234.567"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(money: Money, text: str) -> None:
    assert decimal(money) == text


def test_of_nothing_there_is_a_header(world: World) -> None:
    assert world.kit.service(Statements).csv("nobody", EARLIEST, world.clock()) == ",".join(HEADER) + "\r\n"
