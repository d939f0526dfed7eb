"""The ``settings-table`` directive: every setting, with its variable, default and meaning, read from the code."""

from __future__ import annotations

from dataclasses import fields

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from dinnerkit.settings import PREFIX, SETTING_NAMES, Settings


class SettingsTable(SphinxDirective):
    """A table of the fields of :class:`Settings`."""

    def run(self) -> list[nodes.Node]:
        """Build it."""
        rows = [(f"{PREFIX}{field.name.upper()}", _default(field.default), field.metadata["help"]) for field in _settings()]
        return [_table(("variable", "default", "what it is"), rows)]


def _settings() -> list:
    return [field for field in fields(Settings) if field.name in SETTING_NAMES]


def _default(value: object) -> str:
    return "off" if value is False else str(value)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> nodes.table:
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in (30, 25, 60)]
    group += nodes.thead("", _row([nodes.paragraph(text=text) for text in head]))
    body = nodes.tbody()
    for name, default, meaning in rows:
        shown = nodes.paragraph("", "", nodes.literal(text=default)) if default else nodes.paragraph()
        body += _row([nodes.paragraph("", "", nodes.literal(text=name)), shown, nodes.paragraph(text=meaning)])
    group += body
    return nodes.table("", group)


def _row(cells: list[nodes.paragraph]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", cell) for cell in cells])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("settings-table", SettingsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
