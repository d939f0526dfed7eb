"""How a cache writes its values where others could write too: as JSON or bytes, since a pickle lets whoever can do so run code here."""

from __future__ import annotations

from typing import IO, Any

import orjson

_JSON, _BYTES = b"j", b"b"


class CachedValues:
    """A serializer for cachelib's caches: of JSON values, and of bytes as they are. What makes no sense is read as nothing."""

    def dumps(self, value: Any, *_: object) -> bytes:
        """The value as bytes.

        Raises:
            TypeError: it is neither bytes nor JSON.
        """
        if isinstance(value, bytes):
            return _BYTES + value
        return _JSON + orjson.dumps(value)

    def loads(self, stored: bytes | None, *_: object) -> Any:
        """The value again; None where it is none of ours."""
        if stored is None:
            return None
        kind, rest = stored[:1], stored[1:]
        if kind == _BYTES:
            return bytes(rest)
        try:
            return orjson.loads(rest) if kind == _JSON else None
        except orjson.JSONDecodeError:
            return None

    def dump(self, value: Any, file: IO[bytes], *_: object) -> None:
        """Write the value into a file."""
        file.write(self.dumps(value))

    def load(self, file: IO[bytes], *_: object) -> Any:
        """Read it again."""
        return self.loads(file.read())
