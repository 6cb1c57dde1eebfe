"""Grouped horizontal bars as SVG, for a page with a light or a dark background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LEFT, _RIGHT = 860, 200, 150
_BAR, _GAP, _GROUP_GAP, _HEADING, _TOP = 18, 4, 16, 24, 56
_FONT = "font-family='system-ui, sans-serif'"
_INK, _RULE, _MARK = "#7d8590", "#7d859055", "#e5534b"  # visible on white and on black


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. ``note`` follows the figure; ``mark`` is where a thin line shows the lower bound, 0 for none."""

    label: str
    figure: float
    colour: str
    note: str = ""
    mark: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """Bars with their own scale: next to a slow link's, the bars of a fast one would be invisible."""

    title: str
    bars: Sequence[Bar]


def plot(title: str, remark: str, groups: Sequence[Group]) -> str:
    """Return the whole SVG."""
    body, y = [], _TOP
    for group in groups:
        drawn, y = _group(group, y)
        body += drawn
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {y}' width='{_WIDTH}' height='{y}' "
        f"{_FONT} font-size='13' fill='{_INK}'>"
    )
    titles = [
        f"<title>{escape(title)}</title>",
        _text(16, 24, title, "font-size='17' font-weight='600'"),
        _text(16, 42, remark, "font-size='12'"),
    ]
    return "\n".join([head, *titles, *body, "</svg>"]) + "\n"


def _group(group: Group, top: int) -> tuple[list[str], int]:
    """Return the drawing of a group, and where the next one starts."""
    y = top + _HEADING
    drawn = [_text(16, y - 8, group.title, "font-weight='600'")]
    most = max((max(bar.figure, bar.mark) for bar in group.bars), default=1.0) or 1.0
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    for bar in group.bars:
        drawn += _bar(bar, y, scale)
        y += _BAR + _GAP
    drawn.append(f"<line x1='{_LEFT}' x2='{_LEFT}' y1='{top + _HEADING - 2}' y2='{y}' stroke='{_RULE}'/>")
    return drawn, y + _GROUP_GAP


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    middle, end = y + _BAR - 5, _LEFT + bar.figure * scale
    drawn = [
        _text(_LEFT - 8, middle, bar.label, "text-anchor='end'"),
        f"<rect x='{_LEFT}' y='{y}' width='{max(end - _LEFT, 1):.1f}' height='{_BAR}' rx='2' fill='{bar.colour}'/>",
        _text(end + 6, middle, f"{bar.figure:,.{0 if bar.figure >= 100 else 1}f} s{bar.note}", ""),
    ]
    if bar.mark:
        x = _LEFT + bar.mark * scale
        drawn.append(
            f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{y - 1}' y2='{y + _BAR + 1}' stroke='{_MARK}' "
            f"stroke-width='2' stroke-dasharray='3 2'/>"
        )
    return drawn


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f"<text x='{x:.1f}' y='{y}' {attributes}>{escape(text)}</text>"
