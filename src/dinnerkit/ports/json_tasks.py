"""How tasks are written into a queue's store: as JSON, since a pickle lets whoever can write to the store run code here."""

from __future__ import annotations

import json
from typing import Any

from huey.registry import Message
from huey.serializer import Serializer


class JsonTasks(Serializer):  # type: ignore[misc]
    """A huey serializer for tasks whose arguments are JSON values."""

    def _serialize(self, data: Any) -> bytes:
        fields = {name: value for name, value in data._asdict().items() if value is not None}
        return json.dumps(fields).encode()

    def _deserialize(self, data: bytes) -> Message:
        return Message(**json.loads(bytes(data)))
