"""The colours of text and its ground, as WCAG 2.2 measures them: AA, in light and dark."""

from __future__ import annotations

import re

import pytest

from dinnerkit.web.assets import FOLDER
from dinnerkit.web.drawing import TINTS, TRAIT_WORDS

TEXT, GRAPHICS = 4.5, 3.0

ON_GROUNDS = {
    "ink": ("paper", "card", "sunk", "notice-ground", "sad-ground", "few-ground", "wood", *(f"tint-{n}" for n in range(TINTS))),
    "soft": ("paper", "card", "sunk", "wood", "plate"),
    "wine": ("paper", "card", "sunk"),
    "wine-deep": ("paper", "card", "sunk"),
    "on-wine": ("wine", "wine-deep"),
    "olive": ("good-ground",),
    "saffron": ("few-ground", "paper", "card"),
    "sad": ("sad-ground", "paper", "card"),
}


def tokens(scheme: str) -> dict[str, str]:
    text = (FOLDER / "tokens.css").read_text("utf-8")
    light, dark = text.split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    return found | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark)) if scheme == "dark" else found


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_every_ground_that_it_lies_on(scheme: str) -> None:
    colours = tokens(scheme)
    low = {
        f"{text} on {ground}": round(contrast(colours[text], colours[ground]), 2)
        for text, grounds in ON_GROUNDS.items()
        for ground in grounds
        if contrast(colours[text], colours[ground]) < TEXT
    }
    assert low == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_drawn_or_edges_a_field_can_be_seen(scheme: str) -> None:
    colours = tokens(scheme)
    pairs = [(trait, "plate") for trait in TRAIT_WORDS] + [("edge", "card"), ("edge", "paper"), ("wine", "wood"), ("wine", "sunk")]
    pairs += [(name, f"tint-{number}") for number in range(TINTS) for name in ("edge", "wine")]
    low = {
        pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2)
        for pair in pairs
        if contrast(colours[pair[0]], colours[pair[1]]) < GRAPHICS
    }
    assert low == {}
