"""Marshmallow fields that say in the OpenAPI document exactly what they accept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from babel.core import get_global
from babel.numbers import get_territory_currencies
from marshmallow import ValidationError, fields, validate

from dinnerkit.clock import to_millis
from dinnerkit.ids import ID_PATTERN, is_id
from dinnerkit.texts import NOT_IN_LINE, NOT_IN_TEXT, UNSEEN, has_forbidden, is_blank

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)


class TextField(fields.String):
    """Text of bounded length without what has no place in it (see :mod:`dinnerkit.texts`); spaces around it are cut off.

    Args:
        longest: the most characters that are accepted, those around it included.
        blank: whether it may be empty.
        lines: whether line breaks and tabs are allowed.
    """

    def __init__(self, longest: int, *, blank: bool = False, lines: bool = False, **kwargs: Any) -> None:
        self._lines = lines
        self._blank = blank
        inner = NOT_IN_TEXT if lines else NOT_IN_LINE
        pattern = rf"^[^{inner}]*$" if blank else rf"^[^{inner}]*[^\s{UNSEEN}{inner}][^{inner}]*$"
        metadata = {"pattern": pattern, **kwargs.pop("metadata", {})}
        self._length = validate.Length(min=0 if blank else 1, max=longest)
        super().__init__(validate=[self._length, *_listed(kwargs.pop("validate", None))], metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = clean_text(super()._deserialize(value, attr, data, **kwargs))
        self._length(text)
        if has_forbidden(text, lines=self._lines):
            raise ValidationError("Control characters are not allowed.")
        if not self._blank and is_blank(text):
            raise ValidationError("It must not be blank.")
        return text.strip()


class SecretField(fields.String):
    """A password or token: taken as it is, bounded, never shown."""

    def __init__(self, longest: int, **kwargs: Any) -> None:
        metadata = {"pattern": r"^[^\x00]*$", **kwargs.pop("metadata", {})}
        super().__init__(load_only=True, validate=validate.Length(min=1, max=longest), metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return clean_text(super()._deserialize(value, attr, data, **kwargs))


class IdField(fields.String):
    """An id as :func:`dinnerkit.ids.new_id` makes them."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": ID_PATTERN, **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_id(text):
            raise ValidationError("Not an id.")
        return text


class WholeField(fields.Integer):
    """A whole number within bounds; never a text, a fraction or a boolean. ``text=True`` is for query strings, where all is text.

    To JSON Schema 5.0 is an integer, and so it is here.
    """

    def __init__(self, least: int, most: int, *, text: bool = False, **kwargs: Any) -> None:
        self._text = text
        super().__init__(strict=not text, validate=validate.Range(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if self._text and not (isinstance(value, str) and _WHOLE.fullmatch(value)):
            raise self.make_error("invalid", input=value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return super()._deserialize(value, attr, data, **kwargs)


class FlagField(fields.Boolean):
    """``true`` or ``false`` of JSON, and nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class MomentField(fields.Field[datetime]):
    """A moment: RFC 3339 with any offset comes in, UTC with ``Z`` goes out; to the millisecond."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"type": "string", "format": "date-time", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else moment_text(value)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            raise ValidationError("Not a time as in RFC 3339, such as 2026-12-24T18:00:00Z.")
        try:
            return to_millis(datetime.fromisoformat(value.upper()))
        except (ValueError, OverflowError):
            raise ValidationError("There is no such moment.") from None


def moment_text(moment: datetime) -> str:
    """The moment as RFC 3339 in UTC with ``Z``: what :class:`MomentField` and :mod:`dinnerkit.http.conditional` write alike."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def clean_text(text: str) -> str:
    """The text, once it is known to be storable.

    Raises:
        marshmallow.ValidationError: it has a NUL character or half of a surrogate pair.
    """
    if "\x00" in text:
        raise ValidationError("NUL characters are not allowed.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationError("It is not valid Unicode.") from None
    return text


@cache
def currencies() -> tuple[str, ...]:
    """The ISO 4217 codes that are legal tender somewhere now, as babel's CLDR data has it."""
    territories = get_global("territory_currencies")
    found = {code for territory in territories for code in get_territory_currencies(territory)}
    return tuple(sorted(found))


def _listed(validators: Any) -> list[Any]:
    if validators is None:
        return []
    return list(validators) if isinstance(validators, (list, tuple)) else [validators]
