"""Who sits with whom. Usable by itself: nothing here needs Flask, a database or a server.

from dinnerkit.matching import Guest, seat

seating = seat([Guest("ada", languages=frozenset({"en"})), ...], size=(5, 7))
seating.tables[0].guests, seating.tables[0].score, seating.tables[0].reasons
"""

from __future__ import annotations

from dinnerkit.matching.errors import (
    GuestInvalid,
    PeopleFileInvalid,
    QuestionnaireInvalid,
    RuleInvalid,
    SeatingImpossible,
)
from dinnerkit.matching.guests import BUDGETS, Guest, Traits
from dinnerkit.matching.items import ITEMS, TRAITS, Item
from dinnerkit.matching.questionnaire import score, score_rows
from dinnerkit.matching.rules import (
    DEFAULT_RULES,
    BlockedApart,
    CloseInAge,
    CommonLanguage,
    HardRule,
    MixedTrait,
    NearBudget,
    NeverMet,
    NotMetBefore,
    PartiesTogether,
    Rule,
    SharedInterests,
    SimilarTrait,
    SoftRule,
)
from dinnerkit.matching.scoring import Reason
from dinnerkit.matching.seating import Seating, Table, Unseated, seat
from dinnerkit.matching.solver import RunRecord, Solution, solve

__all__ = [
    "BUDGETS",
    "DEFAULT_RULES",
    "ITEMS",
    "TRAITS",
    "BlockedApart",
    "CloseInAge",
    "CommonLanguage",
    "Guest",
    "GuestInvalid",
    "HardRule",
    "Item",
    "MixedTrait",
    "NearBudget",
    "NeverMet",
    "NotMetBefore",
    "PartiesTogether",
    "PeopleFileInvalid",
    "QuestionnaireInvalid",
    "Reason",
    "Rule",
    "RuleInvalid",
    "RunRecord",
    "Seating",
    "SeatingImpossible",
    "SharedInterests",
    "SimilarTrait",
    "SoftRule",
    "Solution",
    "Table",
    "Traits",
    "Unseated",
    "score",
    "score_rows",
    "seat",
    "solve",
]
