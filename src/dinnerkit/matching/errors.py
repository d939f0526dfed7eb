"""The errors of matching."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import Invalid


class QuestionnaireInvalid(Invalid):
    """Answers to the personality questionnaire are unknown, out of range or too few; ``fields`` names each."""

    code: ClassVar[str] = "bad_answers"


class GuestInvalid(Invalid):
    """A guest's attribute, or the list of guests as a whole, makes no sense."""

    code: ClassVar[str] = "bad_guest"


class RuleInvalid(Invalid):
    """A rule, a table size or a budget of time is not one that seating can work with."""

    code: ClassVar[str] = "bad_rule"


class PeopleFileInvalid(Invalid):
    """A file of people can't be read as one at all; single bad rows are not errors, they are skipped and reported."""

    code: ClassVar[str] = "bad_people_file"


class SeatingImpossible(Invalid):
    """The hard rules can't all be met.

    The message is for the host, and says in one line why, naming guests by id. Details: ``causes``, a list of
    ``{"rule": name, "guests": [ids], "text": sentence}``. ``proved`` is false where no
    seating was found, though none was shown not to exist.
    """

    code: ClassVar[str] = "seating_impossible"
