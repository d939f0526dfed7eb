"""``python -m dinnerkit.demo.warming``: has the solver compiled, which the first seating on a machine would have to wait for."""

from __future__ import annotations

from dinnerkit.demo.respondents import respondents
from dinnerkit.matching import Guest, Traits, seat

_GUESTS = 120


def main() -> None:
    """Seat some people for nothing; the compiled code stays on the disk."""
    people = respondents()[:_GUESTS]
    seat(
        Guest(
            str(number), traits=Traits(**person.traits), age=person.age, languages=frozenset({"en"}), interests=frozenset({str(number % 7)})
        )
        for number, person in enumerate(people)
    )


if __name__ == "__main__":
    main()
