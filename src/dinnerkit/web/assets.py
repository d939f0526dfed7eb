"""The pages' own files: style sheets, modules, pictures. Their address holds a hash of them all, so that browsers may keep them for ever.

One hash for all of them: then a module finds the others beside it by plain relative imports.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from flask import Response, abort, request

FOLDER = Path(__file__).parent / "static"

_FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Assets:
    """The files, read once, and the hash of their names and contents."""

    files: dict[str, bytes]
    hash: str

    @classmethod
    def read(cls, folder: Path) -> Assets:
        """The files of the folder."""
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        digest = hashlib.blake2b(digest_size=8)
        for name, body in files.items():
            digest.update(f"{name}\0{len(body)}\0".encode() + body)
        return cls(files, digest.hexdigest())


@cache
def assets() -> Assets:
    """The pages' files."""
    return Assets.read(FOLDER)


def serve_asset(version: str, name: str) -> Response:
    """Give a file: for ever under its hash; for this once under another, which a page of an older release may still name."""
    body = assets().files.get(name)
    if body is None:
        abort(404)
    kind = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return given(body, kind, asked=version, now=assets().hash)


@lru_cache(maxsize=4)
def hash_of(source: str) -> str:
    """The hash in the address of a backend's module."""
    return hashlib.blake2b(source.encode(), digest_size=8).hexdigest()


def given(body: bytes, kind: str, *, asked: str, now: str) -> Response:
    """A file, to be kept for ever where it was asked for by the hash that it has now."""
    response = Response(body, mimetype=kind)
    response.headers["Cache-Control"] = _FOREVER if asked == now else "no-cache"
    response.set_etag(now)
    response.make_conditional(request.environ)
    return response
