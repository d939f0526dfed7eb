"""The pictures of the report, as inline SVG. Pure; lengths are in user units, and colours are classes of ``report.css``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from dinnerkit.matching.people.items import TRAITS
from dinnerkit.matching.solving.state import Floats

WIDTH = 720.0
_LANE, _AXIS = 86.0, 34.0
_LEFT, _RIGHT = 132.0, 20.0
_BINS = 44
_PETALS = ("extraversion", "openness", "agreeableness", "conscientiousness", "neuroticism")
_LEAST_SPAN = 10.0


def distribution(lanes: Mapping[str, Floats], floor: float | None) -> str:
    """Scores of tables in one lane for each way of seating, on one scale, with each mean marked.

    Args:
        lanes: by label, the scores of tables; the first is drawn in the foreground's colour.
        floor: a score to mark in all lanes.
    """
    everything = np.concatenate([scores for scores in lanes.values() if len(scores)])
    low, high = _round_bounds(float(everything.min()), float(everything.max()))
    height = _LANE * len(lanes) + _AXIS

    def across(score: float) -> float:
        return _LEFT + (score - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    parts = [
        _open(WIDTH, height, "Scores of tables: " + ", ".join(f"{name} {scores.mean():.1f} on average" for name, scores in lanes.items()))
    ]
    step = _tick_step(high - low)
    for tick in np.arange(low, high + 0.01, step):
        x = across(float(tick))
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="8" y2="{height - _AXIS:.1f}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - _AXIS + 20:.1f}" text-anchor="middle">{tick:g}</text>')
    for number, (name, scores) in enumerate(lanes.items()):
        base = _LANE * (number + 1) - 8
        counts, edges = np.histogram(scores, _BINS, (low, high))
        most = max(1, int(counts.max()))
        colour = "ours" if number == 0 else "rival"
        for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
            if count:
                tall = 54.0 * count / most
                x, wide = across(float(left)) + 0.6, across(float(right)) - across(float(left)) - 1.2
                parts.append(
                    f'<rect class="{colour}" x="{x:.1f}" y="{base - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}" rx="1.5">'
                    f"<title>{int(count)} tables from {left:.1f} to {right:.1f}</title></rect>"
                )
        mean = across(float(scores.mean()))
        parts += [
            f'<line class="base" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{base:.1f}" y2="{base:.1f}"/>',
            _mark(mean, base - 62, base + 4),
            f'<text class="lane" x="0" y="{base - 22:.1f}">{escape(name)}</text>',
            f'<text class="value" x="0" y="{base - 4:.1f}">mean {scores.mean():.1f}</text>',
        ]
    if floor is not None and low <= floor <= high:
        x = across(floor)
        parts.append(f'<line class="floor" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - _AXIS:.1f}"/>')
        parts.append(f'<text class="floor-text" x="{x + 4:.1f}" y="9">floor {floor:g}</text>')
    return "".join([*parts, "</svg>"])


def spans(trait: str, tables: Sequence[Sequence[float]]) -> str:
    """One trait at many tables, side by side in the order of their means: a line from the least to the most, and a dot for each guest."""
    width, height, top = 340.0, 150.0, 10.0
    tall = height - 2 * top
    ordered = sorted((values for values in tables if len(values)), key=lambda values: float(np.mean(values)))
    parts = [_open(width, height, f"{trait} of the guests at {len(ordered)} tables")]
    for share, word in ((0.0, "low"), (0.5, ""), (1.0, "high")):
        y = top + tall * (1 - share)
        parts.append(f'<line class="grid" x1="34" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        if word:
            parts.append(f'<text class="tick" x="28" y="{y + 4:.1f}" text-anchor="end">{word}</text>')
    step = (width - 46) / max(1, len(ordered))
    size = max(1.5, min(3.6, step / 3.2))
    for number, values in enumerate(ordered):
        x = 42 + step * (number + 0.5)
        ys = [top + tall * (1 - value) for value in values]
        parts.append(f'<line class="span {trait}" x1="{x:.1f}" x2="{x:.1f}" y1="{min(ys):.1f}" y2="{max(ys):.1f}"/>')
        parts += [f'<circle class="dot {trait}" cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>' for y in ys]
    return "".join([*parts, "</svg>"])


def table_from_above(names: Sequence[str], traits: Sequence[Sequence[float] | None]) -> str:
    """A round table with a flower for each guest, whose petals are the five traits; names are told on pointing."""
    around = max(1, len(names))
    ring = max(46.0, around * 44.0 / (2 * math.pi))
    half = ring + 34.0
    parts = [_open(2 * half, 2 * half, f"A table of {len(names)}", f"{-half:.0f} {-half:.0f} {2 * half:.0f} {2 * half:.0f}")]
    parts.append(f'<circle class="wood" r="{ring + 24:.1f}"/>')
    for number, (name, values) in enumerate(zip(names, traits, strict=True)):
        angle = number * 2 * math.pi / around
        x, y = ring * math.sin(angle), -ring * math.cos(angle)
        parts.append(f'<g transform="translate({x:.1f} {y:.1f})"><title>{escape(name)}</title><circle class="plate" r="20"/>')
        parts += _flower(values)
        parts.append("</g>")
    return "".join([*parts, "</svg>"])


def bar(points: float, most: float, rival: float | None, scale: float) -> str:
    """What a rule gives, of what it would at best, with a mark for chance; ``scale`` is the length of the longest bar, in points."""
    full, given = 300.0 * most / scale, 300.0 * points / scale
    parts = [
        _open(304, 18, f"{points:.1f} of {most:.1f} points"),
        f'<rect class="track" x="0" y="3" width="{full:.1f}" height="12" rx="6"/>',
        f'<rect class="ours" x="0" y="3" width="{max(given, 0.1):.1f}" height="12" rx="6"/>',
    ]
    if rival is not None:
        x = 300.0 * rival / scale
        parts.append(_mark(x, 0, 18, f"{rival:.1f} at random"))
    return "".join([*parts, "</svg>"])


def _flower(values: Sequence[float] | None) -> list[str]:
    if values is None:
        return ['<circle class="unknown" r="3"/>']
    petals = []
    for number, trait in enumerate(_PETALS):
        share = values[TRAITS.index(trait)]
        long, wide = 4.5 + 6.0 * share, 2.6 + 2.4 * share
        petals.append(
            f'<ellipse class="petal {trait}" cy="{-long:.1f}" rx="{wide:.1f}" ry="{long:.1f}" transform="rotate({72 * number})"/>'
        )
    return petals


def _mark(x: float, top: float, bottom: float, told: str = "") -> str:
    """An upright mark that stands out from what it crosses."""
    ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"'
    title = f"<title>{told}</title>" if told else ""
    return f'<line class="halo" {ends}/><line class="mean" {ends}>{title}</line>'


def _open(width: float, height: float, label: str, box: str = "") -> str:
    return f'<svg viewBox="{box or f"0 0 {width:.0f} {height:.0f}"}" role="img" aria-label="{escape(label)}">'


def _round_bounds(low: float, high: float) -> tuple[float, float]:
    """Bounds at whole fives, at least ten apart, within 0 and 100."""
    low, high = 5 * math.floor(low / 5), 5 * math.ceil(high / 5)
    while high - low < _LEAST_SPAN:
        low, high = max(0, low - 5), min(100, high + 5)
    return float(low), float(high)


def _tick_step(span: float) -> float:
    return 5.0 if span <= 40 else 10.0  # noqa: PLR2004 - more than eight ticks crowd the axis
