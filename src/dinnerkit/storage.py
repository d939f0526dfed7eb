"""How documents reach the database: mongoengine says what they look like, pymongo moves them.

mongoengine silently writes outside a session and hydrates at a tenth of the driver's speed. So its classes are used for what they are
best at, the shape, the validation and the indexes of a collection, and the services work on the driver's collections.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import mongoengine
from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError, ConnectionFailure, PyMongoError, WriteConcernError

from dinnerkit.errors import Invalid

Row: TypeAlias = dict[str, Any]
"""A document as the driver returns it."""

_DUPLICATE_KEY = 11_000


def is_outage(error: BaseException) -> bool:
    """Whether the database could not be reached, or its member that takes writes went away while it answered: the next attempt may succeed.

    A :class:`WriteConcernError` says that a write was not confirmed by the majority in time; whether it lasts is not known.
    """
    if isinstance(error, (ConnectionFailure, WriteConcernError)):
        return True
    return isinstance(error, PyMongoError) and error.has_error_label("RetryableWriteError")


class StoredDocument(mongoengine.Document):  # type: ignore[misc]
    """What every document class derives from.

    A subclass sets ``collection_name`` and ``meta = {"collection": …}``, and lists its indexes in ``index_models`` in the driver's own
    terms, so that partial and multikey indexes are said exactly.
    """

    meta: ClassVar[dict[str, Any]] = {"abstract": True, "auto_create_index": False}
    collection_name: ClassVar[str]
    index_models: ClassVar[tuple[IndexModel, ...]] = ()


def collection(database: Database[Row], document: type[StoredDocument]) -> Collection[Row]:
    """The collection in which ``document``s are kept."""
    return database[document.collection_name]


def insert(database: Database[Row], document: StoredDocument) -> Row:
    """Validate and insert a new document; returns what was stored.

    Raises:
        Invalid: a field has not the shape that the document class demands.
        pymongo.errors.DuplicateKeyError: its id or another unique key is taken.
    """
    row = to_row(document)
    collection(database, type(document)).insert_one(row)
    return row


def insert_missing(rows: Collection[Row], wanted: Sequence[Row]) -> None:
    """Insert those of the rows whose ``_id`` is not there yet; the others stay as they are."""
    try:
        rows.insert_many(wanted, ordered=False)
    except BulkWriteError as error:
        if error.details["writeConcernErrors"] or any(wrong["code"] != _DUPLICATE_KEY for wrong in error.details["writeErrors"]):
            raise


def to_row(document: StoredDocument) -> Row:
    """The validated document as the driver stores it.

    Raises:
        Invalid: a field has not the shape that the document class demands.
    """
    try:
        document.validate()
    except mongoengine.ValidationError as error:
        raise Invalid(f"{type(document).__name__} is not valid", fields=_flat(error.to_dict())) from error
    row: Row = document.to_mongo().to_dict()
    return row


def ensure_indexes(database: Database[Row], documents: Iterable[type[StoredDocument]]) -> list[str]:
    """Create the indexes that are missing; returns the names of all, as ``collection.index``. Safe to repeat and to run side by side."""
    names = []
    for document in documents:
        if document.index_models:
            created = collection(database, document).create_indexes(list(document.index_models))
            names += [f"{document.collection_name}.{name}" for name in created]
    return names


def _flat(errors: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, error in errors.items():
        if isinstance(error, Mapping):
            flat |= _flat(error, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = str(error)
    return flat
