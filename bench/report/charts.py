"""Plots as SVG, written by hand: text stays text, and the same figures give the same bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from bench.aims import value_text

WIDTH: Final = 760
_LABELS: Final = 190
_VALUES: Final = 110
_ROW: Final = 34
_BAR: Final = 18
_TOP: Final = 66
_BOTTOM: Final = 14
_PLOT: Final = 260

_INK: Final = "#1f2933"
_QUIET: Final = "#616e7c"
_GRID: Final = "#e4e7eb"
_OWN: Final = "#2f6f8f"
_OTHER: Final = "#b8c4ce"
_DOT: Final = "#12303f"
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        label: Left of it.
        value: Its length, the median.
        unit: Of the value.
        rounds: Every measurement, drawn as a dot.
        own: Whether it is Rushes'.
        note: Instead of the value, where there is none to draw.
    """

    label: str
    value: float
    unit: str
    rounds: tuple[float, ...] = ()
    own: bool = False
    note: str = ""


def bar_chart(title: str, subtitle: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars from zero, each with its value at its end and its rounds as dots."""
    height = _TOP + _ROW * len(bars) + _BOTTOM
    longest = max((max((bar.value, *bar.rounds)) for bar in bars), default=0) or 1
    scale = (WIDTH - _LABELS - _VALUES) / longest
    drawn = [_bar(bar, _TOP + _ROW * number, scale) for number, bar in enumerate(bars)]
    axis = _line((_LABELS, _TOP - 6), (_LABELS, height - _BOTTOM), _GRID)
    return _svg(height, title, subtitle, [axis, *drawn])


@dataclass(frozen=True)
class Point:
    """One point of a curve."""

    x: float
    y: float


def curve_chart(title: str, subtitle: str, points: Sequence[Point], unit: str) -> str:
    """A curve through points, beside the straight line that would be perfect; both axes begin at zero."""
    height = _TOP + _PLOT + 44
    left, right, bottom = 70, WIDTH - 130, _TOP + _PLOT
    most = max(max(point.x, point.y) for point in points)
    across, up = (right - left) / most, _PLOT / most

    def place(point: Point) -> tuple[float, float]:
        return left + across * point.x, bottom - up * point.y

    parts = [_line((left, bottom - up * point.x), (right, bottom - up * point.x), _GRID) for point in points]
    parts += [_text(left - 10, bottom - up * point.x + 4, f"{point.x:g} {unit}", "end", _QUIET) for point in points]
    end_x, end_y = place(Point(most, most))
    parts += [
        _line((left, bottom), (end_x, end_y), _OTHER, "6 5"),
        _text(end_x + 10, end_y + 4, "perfect", "start", _QUIET),
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, points))
    parts.append(f'<polyline points="{path}" fill="none" stroke="{_OWN}" stroke-width="2.5"/>')
    for point in points:
        x, y = place(point)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{_OWN}"/>')
        parts.append(_text(x + 9, y + 18, value_text(point.y, unit), "start", _INK, bold=True))
        parts.append(_text(x, bottom + 22, f"{point.x:g}", "middle", _QUIET))
    parts.append(_text(right, bottom + 40, "workers", "end", _QUIET))
    parts.append(_line((left, bottom), (right, bottom), _QUIET))
    return _svg(height, title, subtitle, parts)


def _bar(bar: Bar, y: int, scale: float) -> str:
    middle = y + _ROW / 2
    label = _text(_LABELS - 12, middle + 5, bar.label, "end", _INK, bold=bar.own)
    if bar.note:
        return label + _text(_LABELS + 8, middle + 5, bar.note, "start", _QUIET)
    length = max(1.5, scale * bar.value)
    rectangle = (
        f'<rect x="{_LABELS}" y="{middle - _BAR / 2:.1f}" width="{length:.1f}" height="{_BAR}" rx="2" '
        f'fill="{_OWN if bar.own else _OTHER}"/>'
    )
    dots = [
        f'<circle cx="{_LABELS + scale * value:.1f}" cy="{middle:.1f}" r="2.2" fill="{_DOT}" fill-opacity="0.55"/>'
        for value in (bar.rounds if len(bar.rounds) > 1 else ())
    ]
    end = _LABELS + scale * max((bar.value, *bar.rounds))
    value = _text(end + 8, middle + 5, value_text(bar.value, bar.unit), "start", _INK, bold=bar.own)
    return "".join([label, rectangle, *dots, value])


def _svg(height: float, title: str, subtitle: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
        f'height="{height:g}" role="img" font-family="{_FONT}" font-size="13">'
    )
    background = f'<rect width="{WIDTH}" height="{height:g}" fill="#ffffff"/>'
    heading = _text(16, 28, title, "start", _INK, bold=True, size=16) + _text(16, 48, subtitle, "start", _QUIET)
    return "\n".join([head, f"<title>{escape(title)}</title>", background, heading, *parts, "</svg>"]) + "\n"


def _text(x: float, y: float, words: str, anchor: str, colour: str, *, bold: bool = False, size: int = 13) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}"{weight}>'
        f"{escape(words)}</text>"
    )


def _line(begin: tuple[float, float], end: tuple[float, float], colour: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    place = f'x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {place} stroke="{colour}"{dashed}/>'
