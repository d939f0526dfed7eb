"""How the figures of the platform are kept between two counts."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from mongoengine.fields import DateTimeField, StringField

from dinnerkit.storage import StoredDocument


class FiguresDocument(StoredDocument):
    """The last count: there is one."""

    meta: ClassVar[dict[str, Any]] = {"collection": "figures"}
    collection_name: ClassVar[str] = "figures"

    id = StringField(primary_key=True)
    counted_at = DateTimeField(required=True)
    figures = mongoengine.DictField(required=True)
