"""A page about a seating, for its host: one HTML file with everything in it, that needs no network and no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources

import numpy as np

from dinnerkit.matching.files.rows import People
from dinnerkit.matching.people.items import TRAITS
from dinnerkit.matching.people.reliability import PUBLISHED_ALPHAS
from dinnerkit.matching.report.drawing import bar, distribution, spans, table_from_above
from dinnerkit.matching.report.figures import Figures, figures
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.rules.kinds import Floor, Rule, SoftRule, TableWish
from dinnerkit.matching.seating.recording import record
from dinnerkit.matching.seating.rooms import Size
from dinnerkit.matching.seating.tables import Seating
from dinnerkit.matching.solving.state import Floats

_MOST_WISHES = 30
_MOST_SPANS = 44


def report_page(people: People, seating: Seating, *, size: Size = (5, 7), rules: Sequence[Rule] = DEFAULT_RULES, title: str = "") -> str:
    """The page, as HTML. It names guests by their ids, and is for the host alone.

    Args:
        people: whom the seating is of.
        seating: who sits where.
        size: as :func:`dinnerkit.matching.seat` was given it.
        rules: as :func:`dinnerkit.matching.seat` was given them.
        title: what to call it, such as the file's name.
    """
    style = (resources.files("dinnerkit.matching.report") / "report.css").read_text("utf-8")
    name = escape(title or "A seating")
    body = _nobody() if not seating.tables else "".join(_sections(people, seating, size, rules))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex"><title>{name} – who sits with whom</title><style>{style}</style></head><body><main>'
        f'<p class="eyebrow">dinnerkit · who sits with whom</p><h1>{name}</h1>{body}'
        "<footer>For the host: this page names guests, and says more about them than they may tell each other.</footer>"
        "</main></body></html>\n"
    )


def _nobody() -> str:
    return '<p class="lede">Nobody is seated.</p>'


def _sections(people: People, seating: Seating, size: Size, rules: Sequence[Rule]) -> list[str]:
    found = figures(people, seating, size=size, rules=rules)
    return [
        _summary(people, seating, found),
        _scores(found, rules),
        _rules(found),
        _tables(people, seating, found),
        _traits(found),
        _wishes(found),
        _questionnaire(people),
        _making(people, seating, size, rules),
    ]


def _summary(people: People, seating: Seating, found: Figures) -> str:
    seats = [len(table.guests) for table in seating.tables]
    span = f"{min(seats)}" if min(seats) == max(seats) else f"{min(seats)} to {max(seats)}"
    shown = [
        (f"{seating.score:.1f}", "mean score of 100"),
        (f"{seating.score - float(found.chance.mean()):+z.1f}", "points against tables at random"),
        (f"{seating.score - float(found.greedy.mean()):+z.1f}", "points against tables filled greedily"),
        (f"{seating.floor:.1f}", "score of the worst table"),
        (f"{len({one.table for one in seating.broken})}", "tables that break a hard rule"),
    ]
    tiles = "".join(f"<li><b>{value}</b>{text}</li>" for value, text in shown)
    left = len(people.guests) - sum(seats)
    people_at = "1 person" if sum(seats) == 1 else f"{sum(seats):,} people"
    without = f" {left:,} could not be seated." if left else " Everybody has a place."
    return f'<p class="lede">{people_at} at {_count(len(seats), "table")} of {span}.{without}</p><ul class="figures">{tiles}</ul>'


def _scores(found: Figures, rules: Sequence[Rule]) -> str:
    floor = next((rule.least for rule in rules if isinstance(rule, Floor)), None)
    picture = distribution({"these tables": found.ours, "filled greedily": found.greedy, "at random": found.chance}, floor)
    return (
        "<h2>How good the tables are</h2><p class='soft'>How many tables have which score, against two simple ways of seating the same "
        "people at tables of the same sizes. Neither looks at hard rules, which only helps it.</p>"
        f'<div class="card">{picture}</div>'
    )


def _rules(found: Figures) -> str:
    if not found.rules:
        return ""
    longest = max(rule.most for rule in found.rules)
    rows = "".join(
        f"<tr><td>{_plain(rule.name)}</td><td>{bar(rule.points, rule.most, rule.chance, longest)}</td>"
        f'<td class="number">{rule.points:.1f} of {rule.most:.1f}</td><td class="number">{rule.points - rule.chance:+z.1f}</td></tr>'
        for rule in found.rules
    )
    return (
        "<h2>Where the points come from</h2><p class='soft'>What each rule gives on average, of what it could give at best. "
        "The upright mark is what tables at random get.</p>"
        '<div class="card"><table class="rules"><thead><tr><th>rule</th><th></th><th class="number">points</th>'
        f'<th class="number">against chance</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _tables(people: People, seating: Seating, found: Figures) -> str:
    traits = {guest.id: tuple(guest.traits) if guest.traits else None for guest in people.guests}
    key = "".join(f'<li><i class="{trait}"></i>{trait}</li>' for trait in TRAITS)

    def card(number: int) -> str:
        table = seating.tables[number - 1]
        reasons = "".join(
            f"<tr><td>{escape(reason.text) or _plain(reason.rule)}</td><td>{reason.points:g} of {reason.most:g}</td></tr>"
            for reason in table.reasons
        )
        better = f'<p class="better">{escape(_upper(found.better[number]))}.</p>' if number in found.better else ""
        return (
            f'<section class="card"><div class="head"><h3>Table {number}</h3><span>{table.score:g}</span></div>'
            f"{table_from_above(table.guests, [traits[name] for name in table.guests])}"
            f'<p class="names">{", ".join(f"<bdi>{escape(name)}</bdi>" for name in table.guests)}</p>'
            f'<table class="points"><tbody>{reasons}<tr class="total"><td>in all</td><td>{table.score:g}</td></tr>'
            f"</tbody></table>{better}</section>"
        )

    best = f'<h2>The best tables</h2><div class="tables">{"".join(map(card, found.best))}</div>' if found.best else ""
    return (
        "<h2>The worst tables</h2><p class='soft'>Each flower is a guest, each petal a trait: the longer, the more of it. "
        "The points of the reasons add up to the score.</p>"
        f'<ul class="key">{key}</ul><div class="tables">{"".join(map(card, found.worst))}</div>{best}'
    )


def _traits(found: Figures) -> str:
    if not any(len(table) for table in found.traits):
        return ""
    step = max(1, -(-len(found.traits) // _MOST_SPANS))
    cards = []
    for column, trait in enumerate(TRAITS):
        drawn = spans(trait, [table[:, column].tolist() for table in found.traits[::step]])
        ours, chance = _spread(found.traits, column), _spread(found.random_traits, column)
        words = "more alike than" if ours < 0.9 * chance else "more mixed than" if ours > 1.1 * chance else "much like"
        cards.append(
            f'<section class="card"><h3>{_upper(trait)}</h3>{drawn}'
            f'<p class="names">Guests of a table differ by {ours:.2f} on average, {words} at random ({chance:.2f}).</p></section>'
        )
    some = f" {len(found.traits[::step])} of the {len(found.traits)} tables are drawn." if step > 1 else ""
    return (
        "<h2>Traits at the tables</h2><p class='soft'>Each line is a table, from the guest with the least to the one with the most of a "
        f"trait; tables are in the order of their means.{some}</p>"
        f'<div class="traits">{"".join(cards)}</div>'
    )


def _wishes(found: Figures) -> str:
    shown = "".join(f"<li>{escape(_upper(wish))}.</li>" for wish in found.wishes[:_MOST_WISHES])
    more = f'<p class="soft">And {len(found.wishes) - _MOST_WISHES} more.</p>' if len(found.wishes) > _MOST_WISHES else ""
    none = '<li class="good">None: everybody is seated, no rule is broken, and nobody sits with people they have met.</li>'
    return f'<h2>Broken wishes</h2><ul class="wishes">{shown or none}</ul>{more}'


def _questionnaire(people: People) -> str:
    if any(np.isnan(value) for value in people.alphas.values()):
        return ""
    rows = "".join(
        f'<tr><td>{trait}</td><td>{bar(100 * value, 100, 100 * PUBLISHED_ALPHAS[trait], 100)}</td><td class="number">{value:.2f}</td>'
        f'<td class="number">{PUBLISHED_ALPHAS[trait]:.2f}</td></tr>'
        for trait, value in people.alphas.items()
    )
    return (
        "<h2>How far the answers can be trusted</h2><p class='soft'>Cronbach's alpha of each scale among these people; the upright mark is "
        "what the item pool publishes.</p>"
        '<div class="card"><table class="rules"><thead><tr><th>scale</th><th></th><th class="number">here</th>'
        '<th class="number">published</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _making(people: People, seating: Seating, size: Size, rules: Sequence[Rule]) -> str:
    made = record(seating, people.guests, size=size, rules=rules)
    hard = ", ".join(rule.name for rule in rules if not isinstance(rule, SoftRule | TableWish))
    soft = ", ".join(f"{rule.name} {rule.weight:g}" for rule in rules if isinstance(rule, SoftRule | TableWish))
    entries = {
        "table size": size
        if isinstance(size, int)
        else " to ".join(str(number) for number in dict.fromkeys(size))
        if isinstance(size, tuple)
        else f"{len(size)} own tables",
        "hard rules": hard or "none",
        "soft rules and weights": soft or "none",
        **{key.replace("_", " "): value for key, value in made.as_dict().items()},
    }
    rows = "".join(f"<dt>{escape(str(key))}</dt><dd>{escape(str(value))}</dd>" for key, value in entries.items())
    return f"<h2>How it was made</h2><p class='soft'>The same inputs, seed and version make the same tables again.</p><dl>{rows}</dl>"


def _spread(tables: Sequence[Floats], column: int) -> float:
    """The mean difference between two guests of a table."""
    differences = [np.abs(np.subtract.outer(table[:, column], table[:, column])) for table in tables if len(table) > 1]
    pairs = sum(difference.size - len(difference) for difference in differences)
    return float(sum(difference.sum() for difference in differences) / pairs) if pairs else 0.0


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def _plain(name: str) -> str:
    return escape(name.replace("_", " "))


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
