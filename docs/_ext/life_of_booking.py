"""The ``life-of-a-booking`` directive: the states of a booking and the steps between them, drawn and listed from the code."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from state_drawing import drawn

from dinnerkit.booking.rules import MOVES, STATES


class LifeOfABooking(SphinxDirective):
    """A drawing of the states, and a table of the steps."""

    def run(self) -> list[nodes.Node]:
        """Build them."""
        picture = nodes.raw("", drawn(STATES, MOVES), format="html")
        states = _table(("status", "means"), [((name,), meaning) for name, meaning in STATES.items()])
        moves = _table(("from", "to", "when"), [(names, when) for names, when in MOVES.items()])
        return [picture, states, moves]


def _table(head: tuple[str, ...], rows: list[tuple[tuple[str, ...], str]]) -> nodes.table:
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in (*(20,) * (len(head) - 1), 60)]
    group += nodes.thead("", _row([nodes.paragraph(text=text) for text in head]))
    group += nodes.tbody("", *[_row([*(_literal(name) for name in names), nodes.paragraph(text=words)]) for names, words in rows])
    return nodes.table("", group)


def _literal(text: str) -> nodes.paragraph:
    return nodes.paragraph("", "", nodes.literal(text=text))


def _row(cells: list[nodes.paragraph]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", cell) for cell in cells])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("life-of-a-booking", LifeOfABooking)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
