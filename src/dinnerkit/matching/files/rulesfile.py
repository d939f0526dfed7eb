"""Rules, and a venue's tables, from a TOML file.

without = ["budget"]             # default rules to leave out; defaults = false leaves out all

[[rules]]                        # one of the default rules, changed, or one more
rule = "similar_trait"
trait = "openness"
weight = 30

[[rules]]                        # a hard rule with a weight
rule = "common_language"
weight = 20

[[rules]]                        # a soft rule that every table must reach
rule = "mixed_trait"
trait = "extraversion"
demand = 0.4

[[tables]]                       # the venue's own tables, in place of a size
seats = [4, 6]
diets = ["vegan"]
count = 3
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.rules import default_rules
from dinnerkit.matching.rules.kinds import Demand, Floor, Rule, TableWish
from dinnerkit.matching.rules.pair_rules import MixedCompany, NewWithExperienced, NotMetLately
from dinnerkit.matching.rules.table_rules import Balanced, NobodyAlone, SomebodyExperienced
from dinnerkit.matching.rules.venue_rules import AgeRange, DietsServed, NotMetWithin
from dinnerkit.matching.rules.wishes import PairWish, wish
from dinnerkit.matching.seating.rooms import VenueTable

KINDS: Mapping[str, type[Any]] = {
    "parties_together": default_rules.PartiesTogether,
    "blocked_apart": default_rules.BlockedApart,
    "common_language": default_rules.CommonLanguage,
    "near_budget": default_rules.NearBudget,
    "never_met": default_rules.NeverMet,
    "not_met_within": NotMetWithin,
    "diets_served": DietsServed,
    "age_range": AgeRange,
    "nobody_alone": NobodyAlone,
    "balanced": Balanced,
    "somebody_experienced": SomebodyExperienced,
    "floor": Floor,
    "similar_trait": default_rules.SimilarTrait,
    "mixed_trait": default_rules.MixedTrait,
    "close_in_age": default_rules.CloseInAge,
    "shared_interests": default_rules.SharedInterests,
    "not_met_before": default_rules.NotMetBefore,
    "not_met_lately": NotMetLately,
    "mixed_company": MixedCompany,
    "new_with_experienced": NewWithExperienced,
}
"""What may stand after ``rule =``."""

_TOP = ("defaults", "without", "rules", "tables")
_TABLE = ("seats", "diets", "name", "count")
_MOST_TABLES = 100_000


@dataclass(frozen=True, slots=True)
class RulesFile:
    """What a file of rules says.

    Attributes:
        rules: all that are in force.
        tables: the venue's own, or None if it names none.
    """

    rules: tuple[Rule, ...]
    tables: tuple[VenueTable, ...] | None


def read_rules(path: str | os.PathLike[str]) -> RulesFile:
    """Read a file of rules.

    Raises:
        RuleInvalid: it can't be read, is not TOML, or has a key or value that means nothing; the message names what is allowed.
    """
    source = Path(path)
    try:
        content = tomllib.loads(source.read_text("utf-8-sig"))
    except OSError as error:
        raise RuleInvalid(f"{source} can't be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # tomllib's own is one; others come of numbers too long and lists too deep for Python
        raise RuleInvalid(f"{source} is not TOML: {str(error).splitlines()[0]}") from error
    try:
        return rules_from(content)
    except RuleInvalid as error:
        raise RuleInvalid(f"{source}: {error.message}") from error


def rules_from(content: Mapping[str, Any]) -> RulesFile:
    """The same from what the file holds.

    Raises:
        RuleInvalid: a key or value means nothing.
    """
    _only("the file", content, _TOP)
    rules = [_rule(number, entry) for number, entry in enumerate(_entries(content, "rules"), 1)]
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise RuleInvalid(f"the rule {twice} is given more than once")
    defaults = content.get("defaults", True)
    if not isinstance(defaults, bool):
        raise RuleInvalid(f"defaults must be true or false, not {defaults!r}")
    # A default rule that gets a weight here is no longer a hard one.
    changed = {*names, *(rule.rule.name for rule in rules if isinstance(rule, PairWish | TableWish))}
    kept = [rule for rule in default_rules.DEFAULT_RULES if defaults and rule.name not in changed]
    for name in _texts("without", content.get("without", [])):
        meant = [rule for rule in default_rules.DEFAULT_RULES if rule.name == name or isinstance(rule, KINDS.get(name, ()))]
        if not meant:
            known = [rule.name for rule in default_rules.DEFAULT_RULES]
            raise RuleInvalid(f"without names '{name}', which is no default rule; {_allowed(name, known)}")
        kept = [rule for rule in kept if rule not in meant]
    tables = [table for number, entry in enumerate(_entries(content, "tables"), 1) for table in _tables(number, entry)]
    return RulesFile((*kept, *rules), tuple(tables) or None)


def _rule(number: int, entry: Mapping[str, Any]) -> Rule:
    where = f"rule {number}"
    kind = entry.get("rule")
    if kind is None:
        raise RuleInvalid(f"{where} does not say which it is; rule must be one of {', '.join(KINDS)}")
    if not isinstance(kind, str) or kind not in KINDS:
        raise RuleInvalid(f"{where} is '{kind}', which is no rule; {_allowed(str(kind), list(KINDS))}")
    where = f"{where} ({kind})"
    fields = {field.name: field for field in dataclasses.fields(KINDS[kind])}
    key, other_form = _other_form(KINDS[kind])
    values = {key: value for key, value in entry.items() if key != "rule"}
    _only(where, values, [*fields, *([key] if key else [])])
    asked = _value(f"{where}: {key}", "float", values.pop(key)) if key in values else None
    missing = [name for name, field in fields.items() if field.default is dataclasses.MISSING and name not in values]
    if missing:
        raise RuleInvalid(f"{where} needs {' and '.join(missing)}")
    try:
        rule: Rule = KINDS[kind](**{name: _value(f"{where}: {name}", str(fields[name].type), value) for name, value in values.items()})
        return rule if asked is None else other_form(rule, asked)
    except RuleInvalid as error:
        raise RuleInvalid(error.message if error.message.startswith(where) else f"{where}: {error.message}") from error


def _other_form(kind: type[Any]) -> tuple[str, Callable[[Any, float], Rule]]:
    """The key by which a kind of rule takes its other form, and what makes that: a weight of a hard one, a demand of a soft one."""
    if issubclass(kind, Floor | DietsServed):
        return "", wish
    return ("demand", Demand) if hasattr(kind, "score") else ("weight", wish)


def _tables(number: int, entry: Mapping[str, Any]) -> list[VenueTable]:
    where = f"table {number}"
    _only(where, entry, _TABLE)
    seats = entry.get("seats")
    whole = [seats, seats] if isinstance(seats, int) else seats
    if not isinstance(whole, list) or len(whole) != 2 or not all(isinstance(one, int) and not isinstance(one, bool) for one in whole):  # noqa: PLR2004
        raise RuleInvalid(f"{where}: seats must be a whole number, or two such as [4, 6], not {seats!r}")
    count = entry.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST_TABLES:
        raise RuleInvalid(f"{where}: count must be a whole number from 1 to {_MOST_TABLES:,}, not {count!r}")
    diets = frozenset(_texts(f"{where}: diets", entry["diets"])) if "diets" in entry else None
    name = entry.get("name", "")
    if not isinstance(name, str):
        raise RuleInvalid(f"{where}: name must be a text, not {name!r}")
    try:
        return [VenueTable(whole[0], whole[1], diets, name)] * count
    except RuleInvalid as error:
        raise RuleInvalid(f"{where}: {error.message}") from error


def _entries(content: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    entries = content.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RuleInvalid(f"{key} must be written as [[{key}]], once for each")
    return entries


def _value(where: str, kind: str, value: Any) -> Any:
    """The value of a key, if it is of the field's kind."""
    if kind.startswith("frozenset"):
        return frozenset(_texts(where, value))
    if kind in ("int", "float"):
        if isinstance(value, bool) or not isinstance(value, int if kind == "int" else int | float):
            raise RuleInvalid(f"{where} must be a {'whole ' if kind == 'int' else ''}number, not {value!r}")
        return value
    if not isinstance(value, str):
        raise RuleInvalid(f"{where} must be a text, not {value!r}")
    return value


def _texts(where: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise RuleInvalid(f"{where} must be a list of texts, not {value!r}")
    return value


def _only(where: str, given: Mapping[str, Any], allowed: Sequence[str]) -> None:
    wrong = next((key for key in given if key not in allowed), None)
    if wrong is not None:
        raise RuleInvalid(f"{where} has the key '{wrong}', which means nothing; {_allowed(wrong, list(allowed))}")


def _allowed(wrong: str, allowed: Sequence[str]) -> str:
    """What may be written instead, the likeliest first."""
    near = difflib.get_close_matches(wrong, allowed, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}allowed: {', '.join(allowed) if allowed else 'none'}"
