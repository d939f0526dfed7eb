"""The summary of a world: what one wants to look at when it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.numbers import format_currency
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from dinnerkit.demo.figures import CityFigures, WorldFigures
from dinnerkit.demo.logbook import Logbook
from dinnerkit.money import Money

WIDTH = 120
"""The width of the summary where no terminal sets one."""

_HUNDRED = 100
_BAR = 14


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table of cities; it is left out where the console is narrower than ``fits``."""

    title: str
    cell: Callable[[CityFigures], str | Text]
    total: Callable[[WorldFigures], str]
    fits: int = 0


def _bar(city: CityFigures) -> Text:
    """The score on a scale from 0 to 100, its part above chance in colour."""
    chance, score = (round(_BAR * value / _HUNDRED) for value in (city.chance, city.score))
    return Text.assemble(("█" * chance, "dim"), ("█" * max(0, score - chance), "green"), ("░" * (_BAR - max(score, chance)), "dim"))


def _sum(name: str) -> Callable[[WorldFigures], str]:
    return lambda world: f"{sum(getattr(city, name) for city in world.cities):,}"


_COLUMNS = (
    _Column("people", lambda city: f"{city.people:,}", _sum("people"), fits=91),
    _Column("events", lambda city: f"{city.events:,}", _sum("events"), fits=83),
    _Column("seats", lambda city: f"{city.seats:,}", _sum("seats")),
    _Column("sold", lambda city: f"{city.sold:,}", _sum("sold")),
    _Column("paid", lambda city: _money(city.taken), lambda _: ""),
    _Column("refunded", lambda city: _money(city.refunded), lambda _: "", fits=102),
    _Column("tables", lambda city: f"{city.tables:,}", _sum("tables")),
    _Column("score", lambda city: f"{city.score:.1f}", lambda world: f"{world.mean('score'):.1f}"),
    _Column("chance", lambda city: f"{city.chance:.1f}", lambda world: f"{world.mean('chance'):.1f}"),
    _Column("better by", lambda city: f"{city.better:+.1f}", lambda world: f"{world.mean('better'):+.1f}"),
    _Column("against chance", _bar, lambda _: "", fits=118),
)


def show(console: Console, world: WorldFigures, book: Logbook, folder: Path) -> None:
    """Print the summary."""
    parts: list[RenderableType] = [_cities(world, console.width), _counts(world), Text(), _verdict(world), _provenance(book, folder)]
    console.print(Group(Text(), *parts), highlight=False)


def _cities(world: WorldFigures, width: int) -> Table:
    columns = [column for column in _COLUMNS if column.fits <= width]
    table = Table(box=box.SIMPLE_HEAD, show_footer=True, pad_edge=False, collapse_padding=True)
    table.add_column("", f"{len(world.cities)} cities", no_wrap=True)
    for column in columns:
        table.add_column(column.title, column.total(world), justify="right", no_wrap=True)
    for city in world.cities:
        table.add_row(Text(city.name, "bold" if city is world.best else ""), *(column.cell(city) for column in columns))
    return table


def _counts(world: WorldFigures) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("bookings", _listed(world.bookings))
    secure, second = f"{world.authenticated:,} bookings paid by 3-D Secure", f"{world.second_try:,} with a second card"
    table.add_row("payments", f"{_listed(world.payments)}; {secure}, {second}")
    table.add_row("money", f"{', '.join(map(_money, _kept(world)))} kept, after {world.refunds:,} refunds")
    lists = (
        f"{world.waited:,} parties joined, {world.offered:,} were offered seats, {world.accepted:,} took them, {world.waiting:,} still wait"
    )
    table.add_row("waiting lists", lists)
    table.add_row("called off", f"{world.called_off:,} dinners, with all money back")
    table.add_row("mails", f"{world.mails:,} sent, into a folder")
    return table


def _kept(world: WorldFigures) -> list[Money]:
    """What remains of the payments, by currency."""
    kept: dict[str, Money] = {}
    for city in world.cities:
        net = city.taken - city.refunded
        kept[net.currency] = kept.get(net.currency, Money(0, net.currency)) + net
    return list(kept.values())


def _verdict(world: WorldFigures) -> Text:
    score, chance = world.mean("score"), world.mean("chance")
    tables, above = (sum(getattr(city, name) for city in world.cities) for name in ("tables", "above_chance"))
    better = f"{score / chance - 1:.0%} better" if chance else "as good"
    return Text.assemble(
        ("The tables score ", "bold"),
        (f"{score:.1f} of 100", "bold green"),
        (f"; drawn by lot from the same guests they would score {chance:.1f}: ", "bold"),
        (better, "bold green"),
        (f". {above:,} of {tables:,} beat chance, {world.best.name}'s by the most.", "bold"),
    )


def _provenance(book: Logbook, folder: Path) -> Text:
    return Text(
        f"Real: the answers, ages, genders and countries of {book.scale.people:,} people (openpsychometrics.org), the cities with their "
        "quarters and places, and the dishes. Invented, from a seed: the names, interests, diets, budgets and companions of these people, "
        "their languages besides English and their country's, the city of those whose country has none here, and all that they did. "
        f"Made in {book.seconds:.0f} s, kept in {folder}.",
        "dim",
    )


def _listed(counts: Mapping[str, int]) -> str:
    """``2,301 confirmed, 93 cancelled``, the most frequent first."""
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _money(money: Money) -> str:
    """In whole units of the currency: ``US$12,345``."""
    return format_currency(money.amount / _HUNDRED, money.currency, "¤#,##0", locale="en_GB", currency_digits=False)
