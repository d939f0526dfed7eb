"""Which characters a text may have, wherever it came in, and in which form names are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

NOT_IN_TEXT = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb"
"""Control characters but for tabs and line breaks, and those that format a text by turning its direction; the inside of a class, as Python
and the patterns of JSON Schema write it alike.

What only is not seen stays: longer texts are pasted from elsewhere, and some scripts are broken into lines by U+200B.
"""

NOT_IN_LINE = r"\x00-\x1f\x7f-\x9f\u180e\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
"""For one line: all control characters, and of those that format a text the ones that turn its direction, break it, or are not seen at all.

What scripts and emoji are written with is none of these: joiners (U+200C, U+200D), soft hyphens, the marks U+061C, U+200E and U+200F, tags.
"""

UNSEEN = r"\u00ad\u061c\u200c-\u200f"
"""Of what a line may have, what is not seen: a line of nothing else is blank."""

_NOT_IN = {False: re.compile(f"[{NOT_IN_LINE}]"), True: re.compile(f"[{NOT_IN_TEXT}]")}
_SEEN = re.compile(rf"[^\s{UNSEEN}]")

_ACCENTS = re.compile("[\u0300-\u036f]")
_PLAIN_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?', '…')) else '.'}" if text else ""


def has_forbidden(text: str, *, lines: bool) -> bool:
    """Whether it has a character that has no place in it; ``lines`` is whether it may have several lines."""
    return _NOT_IN[lines].search(text) is not None


def is_blank(text: str) -> bool:
    """Whether there is nothing in it to be seen."""
    return _SEEN.search(text) is None


@lru_cache(maxsize=1024)
def search_key(text: str) -> str:
    """The form in which names are compared: without case, accents and surplus spaces, so that "munchen" finds "München"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = unicodedata.normalize("NFKC", _ACCENTS.sub("", decomposed)).casefold().translate(_PLAIN_LETTERS)
    return " ".join(plain.split()) or unicodedata.normalize("NFC", text.strip())
