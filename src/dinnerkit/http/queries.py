"""Query strings, read by a schema without what marshmallow does for each parameter that is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, missing


class QueryReader:
    """Reads the parameters of queries, each given once.

    Fields, defaults and what the schema makes of them in the end are the schema's own; a schema that does more is asked itself.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._finish = _finishing(schema)
        self._fields = {field.data_key or name: (field, field.attribute or name) for name, field in schema.load_fields.items()}
        self._defaults: dict[str, Any] = {}
        self._made: list[tuple[str, Callable[[], Any]]] = []
        for field, target in self._fields.values():
            if callable(field.load_default):
                self._made.append((target, field.load_default))
            elif field.load_default is not missing:
                self._defaults[target] = field.load_default
        self._is_plain = self._finish is not None and not any(field.required or "." in target for field, target in self._fields.values())

    def load(self, parameters: Mapping[str, str]) -> Any:
        """What ``schema.load`` gives.

        Raises:
            ValidationError: they are not as the schema wants them; it may tell less of that than the schema's own.
        """
        if self._is_plain and self._fields.keys() >= parameters.keys():
            return self._load(parameters)
        return self._schema.load(parameters)

    def _load(self, parameters: Mapping[str, str]) -> Any:
        found = dict(self._defaults)
        for target, make in self._made:
            found[target] = make()
        for name, text in parameters.items():
            field, target = self._fields[name]
            found[target] = field.deserialize(text, name, parameters)
        return self._finish(found) if self._finish is not None else found


def _finishing(schema: Schema) -> Callable[[dict[str, Any]], Any] | None:
    """What the schema does with the values of all fields; None where it does anything else too, or that is not known."""
    hooks: Mapping[Any, Any] = {tag: found for tag, found in getattr(schema, "_hooks", {"?": "?"}).items() if found}
    if not hooks:
        return lambda found: found
    if list(hooks) != ["post_load"] or len(hooks["post_load"]) != 1:
        return None
    name, many, options = hooks["post_load"][0]
    if many or options.get("pass_original"):
        return None
    finish = getattr(schema, name)
    return lambda found: finish(found, many=False, partial=schema.partial, unknown=schema.unknown)
