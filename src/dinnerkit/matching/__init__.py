"""Who sits with whom. Usable by itself: nothing here needs Flask, a database or a server.

from dinnerkit.matching import Guest, seat

seating = seat([Guest("ada", languages=frozenset({"en"})), ...], size=(5, 7))
seating.tables[0].guests, seating.tables[0].score, seating.tables[0].reasons

The names are imported on first use: who asks for a single person's traits, as a web server does, loads neither numpy nor the search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dinnerkit.first_use import on_first_use

if TYPE_CHECKING:
    from dinnerkit.matching.errors import GuestInvalid, PeopleFileInvalid, QuestionnaireInvalid, RuleInvalid, SeatingImpossible
    from dinnerkit.matching.people.answer_rows import score_rows
    from dinnerkit.matching.people.carelessness import Careless, careless
    from dinnerkit.matching.people.crowd import Crowd
    from dinnerkit.matching.people.guests import BUDGETS, Guest, Traits
    from dinnerkit.matching.people.items import ITEMS, TRAITS, Item
    from dinnerkit.matching.people.questionnaire import score
    from dinnerkit.matching.people.reliability import alphas, careless_rows
    from dinnerkit.matching.rules.default_rules import (
        DEFAULT_RULES,
        BlockedApart,
        CloseInAge,
        CommonLanguage,
        MixedTrait,
        NearBudget,
        NeverMet,
        NotMetBefore,
        PartiesTogether,
        SharedInterests,
        SimilarTrait,
    )
    from dinnerkit.matching.rules.kinds import Demand, Floor, HardRule, Rule, SoftRule, TableRule, TableWish
    from dinnerkit.matching.rules.pair_rules import MixedCompany, NewWithExperienced, NotMetLately
    from dinnerkit.matching.rules.table_rules import Balanced, NobodyAlone, SomebodyExperienced
    from dinnerkit.matching.rules.venue_rules import AgeRange, DietsServed, NotMetWithin
    from dinnerkit.matching.rules.wishes import PairWish, wish
    from dinnerkit.matching.seating.columns import SeatedCrowd, seat_crowd
    from dinnerkit.matching.seating.following import Halfway
    from dinnerkit.matching.seating.locks import LockedTable, Locks
    from dinnerkit.matching.seating.reasons import Reason
    from dinnerkit.matching.seating.recording import Record, record, replay
    from dinnerkit.matching.seating.reseating import Changes, CurvePoint, Move, Reseating, moves_against_score, reseat
    from dinnerkit.matching.seating.rooms import VenueTable
    from dinnerkit.matching.seating.seat import seat
    from dinnerkit.matching.seating.tables import BelowFloor, Broken, Seating, Table, Unseated
    from dinnerkit.matching.seating.telling import told_to_guests
    from dinnerkit.matching.seating.why import Better, GuestWhy, TableWhy, Why
    from dinnerkit.matching.solving.crowds import solve_features
    from dinnerkit.matching.solving.run_record import RunRecord
    from dinnerkit.matching.solving.solver import Solution, solve
    from dinnerkit.matching.solving.terms import Common, Far, Kinds, Linked, Near

__all__ = [
    "BUDGETS",
    "DEFAULT_RULES",
    "ITEMS",
    "TRAITS",
    "AgeRange",
    "Balanced",
    "BelowFloor",
    "Better",
    "BlockedApart",
    "Broken",
    "Careless",
    "Changes",
    "CloseInAge",
    "Common",
    "CommonLanguage",
    "Crowd",
    "CurvePoint",
    "Demand",
    "DietsServed",
    "Far",
    "Floor",
    "Guest",
    "GuestInvalid",
    "GuestWhy",
    "Halfway",
    "HardRule",
    "Item",
    "Kinds",
    "Linked",
    "LockedTable",
    "Locks",
    "MixedCompany",
    "MixedTrait",
    "Move",
    "Near",
    "NearBudget",
    "NeverMet",
    "NewWithExperienced",
    "NobodyAlone",
    "NotMetBefore",
    "NotMetLately",
    "NotMetWithin",
    "PairWish",
    "PartiesTogether",
    "PeopleFileInvalid",
    "QuestionnaireInvalid",
    "Reason",
    "Record",
    "Reseating",
    "Rule",
    "RuleInvalid",
    "RunRecord",
    "SeatedCrowd",
    "Seating",
    "SeatingImpossible",
    "SharedInterests",
    "SimilarTrait",
    "SoftRule",
    "Solution",
    "SomebodyExperienced",
    "Table",
    "TableRule",
    "TableWhy",
    "TableWish",
    "Traits",
    "Unseated",
    "VenueTable",
    "Why",
    "alphas",
    "careless",
    "careless_rows",
    "moves_against_score",
    "record",
    "replay",
    "reseat",
    "score",
    "score_rows",
    "seat",
    "seat_crowd",
    "solve",
    "solve_features",
    "told_to_guests",
    "wish",
]

_NAMES = {
    "errors": ("GuestInvalid", "PeopleFileInvalid", "QuestionnaireInvalid", "RuleInvalid", "SeatingImpossible"),
    "people.answer_rows": ("score_rows",),
    "people.carelessness": ("Careless", "careless"),
    "people.crowd": ("Crowd",),
    "people.guests": ("BUDGETS", "Guest", "Traits"),
    "people.items": ("ITEMS", "TRAITS", "Item"),
    "people.questionnaire": ("score",),
    "people.reliability": ("alphas", "careless_rows"),
    "rules.default_rules": (
        "DEFAULT_RULES",
        "BlockedApart",
        "CloseInAge",
        "CommonLanguage",
        "MixedTrait",
        "NearBudget",
        "NeverMet",
        "NotMetBefore",
        "PartiesTogether",
        "SharedInterests",
        "SimilarTrait",
    ),
    "rules.kinds": ("Demand", "Floor", "HardRule", "Rule", "SoftRule", "TableRule", "TableWish"),
    "rules.pair_rules": ("MixedCompany", "NewWithExperienced", "NotMetLately"),
    "rules.table_rules": ("Balanced", "NobodyAlone", "SomebodyExperienced"),
    "rules.venue_rules": ("AgeRange", "DietsServed", "NotMetWithin"),
    "rules.wishes": ("PairWish", "wish"),
    "seating.columns": ("SeatedCrowd", "seat_crowd"),
    "seating.following": ("Halfway",),
    "seating.locks": ("LockedTable", "Locks"),
    "seating.reasons": ("Reason",),
    "seating.recording": ("Record", "record", "replay"),
    "seating.reseating": ("Changes", "CurvePoint", "Move", "Reseating", "moves_against_score", "reseat"),
    "seating.rooms": ("VenueTable",),
    "seating.seat": ("seat",),
    "seating.tables": ("BelowFloor", "Broken", "Seating", "Table", "Unseated"),
    "seating.telling": ("told_to_guests",),
    "seating.why": ("Better", "GuestWhy", "TableWhy", "Why"),
    "solving.crowds": ("solve_features",),
    "solving.run_record": ("RunRecord",),
    "solving.solver": ("Solution", "solve"),
    "solving.terms": ("Common", "Far", "Kinds", "Linked", "Near"),
}
"""The names by the modules that they are in."""

_HOMES = {name: home for home, names in _NAMES.items() for name in names}

__getattr__ = on_first_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
