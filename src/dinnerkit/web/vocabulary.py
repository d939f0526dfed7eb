"""What every template of ours can use, besides what its view gives it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from dinnerkit.identity import Role
from dinnerkit.web import drawing
from dinnerkit.web.assets import assets
from dinnerkit.web.options import options, sign_in_url
from dinnerkit.web.photos import picture
from dinnerkit.web.places import asked_for, page_url
from dinnerkit.web.sessions import csrf_token, notice, visitor
from dinnerkit.web.words import SPOKEN


def vocabulary() -> dict[str, Any]:
    """The names and what they stand for, for this request."""
    me = visitor()
    return {
        **SPOKEN,
        "me": me,
        "is_host": me.principal is not None and me.principal.may(Role.HOST),
        "is_admin": me.principal is not None and me.principal.may(Role.ADMIN),
        "own_accounts": options().sign_in is None,
        "page_url": page_url,
        "asset_url": asset_url,
        "live_path": live_path,
        "sign_in_url": lambda: sign_in_url(asked_for()),
        "csrf_token": csrf_token,
        "notice": notice,
        "picture": picture,
        "trait_words": drawing.TRAIT_WORDS,
        "flower": drawing.flower,
        "traits_in_words": drawing.in_words,
        "room": drawing.room,
        "room_grid": drawing.room_grid,
        "tint": drawing.tint,
        "table_drawing": drawing.table_drawing,
    }


def asset_url(name: str) -> str:
    """The address of one of our files, with its hash."""
    return page_url("asset", version=assets().hash, name=name)


def live_path() -> str:
    """Where the pages listen; a path, since the scheme differs from the pages' own."""
    return urlsplit(page_url("live.listen")).path
