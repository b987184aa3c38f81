"""The dashboard of deploy/monitoring as a page: its panels in their places, with what a real Prometheus answers.

Grafana draws them finer. What is told is the same: queries, titles, units and names are those of the file.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final, Protocol

_FILE: Final = Path(__file__).resolve().parents[2] / "deploy" / "monitoring" / "grafana-dashboard.json"
_COLUMNS: Final = 24
_COLUMN: Final = 60
_ROW: Final = 34
_POINTS: Final = 120
_COLOURS: Final = ("#2f6f8f", "#c2703d", "#4f7f52", "#8a5a99", "#b0913a", "#5b6770", "#a3454f", "#3f8f8a")
_LEFT: Final = 58
_LINES: Final = 4
_TICKS: Final = (15, 30, 60, 120, 300)
_MOST_TICKS: Final = 8
_MOST_NAMED: Final = 4
_LONGEST_NAME: Final = 30
_LETTER: Final = 7
"""Pixels that a letter of the legend takes, in a wide face."""
_BESIDE_A_NAME: Final = 25
"""Pixels of its mark, and of the room between it and the next one."""
_LEGEND_LINE: Final = 16
_STYLE: Final = """
body { margin: 0; background: #f3f4f6; font: 13px system-ui, "Liberation Sans", sans-serif; color: #1f2933 }
main { position: relative; margin: 10px }
section { position: absolute; box-sizing: border-box; background: #fff; border: 1px solid #dde1e6; border-radius: 4px;
  padding: 8px 10px; overflow: hidden }
h2 { margin: 0 0 4px; font-size: 13px; font-weight: 600 }
.stat { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline }
.stat b { font-size: 26px; font-weight: 500 }
table { border-spacing: 0 4px } th, td { padding-right: 22px; text-align: left }
th { font-size: 11px; font-weight: 500; color: #52606d } td { font-size: 15px }
.green { color: #3f7d4a } .red { color: #b3372e }
.none { display: flex; height: calc(100% - 24px); align-items: center; justify-content: center; color: #7b8794 }
.names { display: flex; flex-wrap: wrap; gap: 0 12px; font-size: 11px; line-height: 16px; color: #52606d }
.names span { white-space: nowrap }
.names i { display: inline-block; width: 9px; height: 3px; margin-right: 4px; vertical-align: middle }
svg { display: block }
text { font-size: 10px; fill: #7b8794 }
"""


@dataclass(frozen=True)
class Line:
    """One series.

    Attributes:
        name: As the legend has it.
        points: Time in seconds since 1970, and value.
    """

    name: str
    points: Sequence[tuple[float, float]]


class Measured(Protocol):
    """What was measured, as ``Prometheus`` tells it."""

    async def over(self, expression: str, begin: float, end: float, step_seconds: float, /) -> list[Any]:
        """What an expression gave from one time to another, in seconds since 1970."""


async def draw(prometheus: Measured, begin: float, end: float) -> str:
    """The page, of what was measured from one time to another, in seconds since 1970."""
    panels = json.loads(_FILE.read_text(encoding="utf-8"))["panels"]
    drawn = [await _panel(prometheus, panel, begin, end) for panel in panels]
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * _ROW
    size = f"width:{_COLUMNS * _COLUMN}px;height:{height}px"
    return f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style><main style='{size}'>{''.join(drawn)}</main>"


async def _panel(prometheus: Measured, panel: Mapping[str, Any], begin: float, end: float) -> str:
    place, defaults = panel["gridPos"], panel["fieldConfig"]["defaults"]
    unit = defaults["unit"]
    width, height = place["w"] * _COLUMN - 8, place["h"] * _ROW - 8
    lines: list[Line] = []
    for target in panel["targets"]:
        step = max(1.0, (end - begin) / _POINTS)
        for series in await prometheus.over(target["expr"], begin, end, step):
            values = [(float(at), float(value)) for at, value in series["values"] if value not in {"NaN", "+Inf"}]
            if values:
                lines.append(Line(_name(target["legendFormat"], series["metric"]), values))
    lines.sort(key=lambda line: -max(value for _, value in line.points))
    match panel["type"]:
        case _ if not lines:
            inner = "<div class=none>No data</div>"
        case "stat" if "mappings" in defaults:
            inner = _words(lines, defaults["mappings"][0]["options"])
        case "stat":
            inner = _stat(lines, unit)
        case "table":
            inner = _table(lines, panel["transformations"][0]["options"]["renameByName"])
        case _:
            inner = _chart(lines, _scale(lines, defaults), unit, width - 22, height - 42, begin, end)
    where = f"left:{place['x'] * _COLUMN}px;top:{place['y'] * _ROW}px;width:{width}px;height:{height}px"
    return f"<section style='{where}'><h2>{escape(panel['title'])}</h2>{inner}</section>"


def _name(legend: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), legend).strip()


def _stat(lines: Sequence[Line], unit: str) -> str:
    shown = (
        f"<span><b>{escape(_text(line.points[-1][1], unit))}</b> {escape(line.name)}</span>"
        for line in sorted(lines, key=lambda line: line.name)
    )
    return f"<div class=stat>{''.join(shown)}</div>"


def _words(lines: Sequence[Line], words: Mapping[str, Mapping[str, Any]]) -> str:
    """What each value means."""
    shown = []
    for line in sorted(lines, key=lambda line: line.name):
        word = words[f"{line.points[-1][1]:g}"]
        shown.append(f"<tr><td>{escape(line.name)}</td><td class={word['color']}>{escape(word['text'])}</td></tr>")
    return f"<table>{''.join(shown)}</table>"


def _table(lines: Sequence[Line], columns: Mapping[str, str]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns.values())
    rows = "".join(f"<tr><td>{escape(line.name)}</td><td>{line.points[-1][1]:g}</td></tr>" for line in lines)
    return f"<table><tr>{head}</tr>{rows}</table>"


@dataclass(frozen=True)
class Scale:
    """Where values stand on the axis.

    Attributes:
        bottom: Its end below; what is less lies there as well.
        top: Its end above.
        is_logarithmic: Whether each power of ten takes as much of it.
    """

    bottom: float
    top: float
    is_logarithmic: bool

    @property
    def values(self) -> Sequence[float]:
        """What is written beside it."""
        if not self.is_logarithmic:
            return [self.top * number / _LINES for number in range(_LINES + 1)]
        powers = range(round(math.log10(self.bottom)), round(math.log10(self.top)) + 1)
        return [10.0**power for power in powers]

    def share(self, value: float) -> float:
        """How far up a value is, from 0 to 1."""
        if not self.is_logarithmic:
            return value / self.top
        return math.log(max(value, self.bottom) / self.bottom) / math.log(self.top / self.bottom)


def _scale(lines: Sequence[Line], defaults: Mapping[str, Any]) -> Scale:
    values = [value for line in lines for _, value in line.points]
    if defaults.get("custom", {}).get("scaleDistribution", {}).get("type") == "log" and max(values) > 0:
        least, most = min(value for value in values if value > 0), max(values)
        bottom = math.floor(math.log10(least))
        return Scale(10.0**bottom, 10.0 ** max(math.ceil(math.log10(most)), bottom + 1), is_logarithmic=True)
    return Scale(0, defaults.get("max") or _top(max(values), defaults["unit"]), is_logarithmic=False)


def _chart(lines: Sequence[Line], scale: Scale, unit: str, width: int, height: int, begin: float, end: float) -> str:
    names = [_shortened(line.name) for line in lines[:_MOST_NAMED]]
    more = [f"and {len(lines) - _MOST_NAMED} more"] if len(lines) > _MOST_NAMED else []
    height -= _LEGEND_LINE * _lines_of([*names, *more], width)

    def x(at: float) -> float:
        return _LEFT + (at - begin) / (end - begin) * (width - _LEFT)

    def y(value: float) -> float:
        return height - 14 - scale.share(value) * (height - 22)

    parts = []
    for value in scale.values:
        parts.append(f"<line x1='{_LEFT}' x2='{width}' y1='{y(value):.1f}' y2='{y(value):.1f}' stroke='#e9ecef'/>")
        parts.append(f"<text x='{_LEFT - 6}' y='{y(value) + 3:.1f}' text-anchor='end'>{_text(value, unit)}</text>")
    step = next(seconds for seconds in _TICKS if (end - begin) / seconds <= _MOST_TICKS or seconds == _TICKS[-1])
    for seconds in range(0, int(end - begin) - step // 2, step):
        told = f"{seconds // 60}:{seconds % 60:02}"
        parts.append(f"<text x='{x(begin + seconds):.1f}' y='{height}'>{told}</text>")
    for number, line in reversed(list(enumerate(lines))):  # the largest above the others
        points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in line.points)
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='1.6'/>")
    legend = [
        *(
            f"<span><i style='background:{_COLOURS[number % len(_COLOURS)]}'></i>{escape(name)}</span>"
            for number, name in enumerate(names)
        ),
        *(f"<span>{words}</span>" for words in more),
    ]
    return f"<svg width='{width}' height='{height}'>{''.join(parts)}</svg><div class=names>{''.join(legend)}</div>"


def _lines_of(names: Sequence[str], width: int) -> int:
    """How many lines a legend of these names takes."""
    lines, filled = 1, 0
    for name in names:
        needed = len(name) * _LETTER + _BESIDE_A_NAME
        if filled and filled + needed > width:
            lines, filled = lines + 1, 0
        filled += needed
    return lines


def _shortened(name: str) -> str:
    return f"{name[: _LONGEST_NAME - 1]}…" if len(name) > _LONGEST_NAME else name or "all"


def _top(most: float, unit: str) -> float:
    """Where the axis ends: a round number in the unit that is written there."""
    if unit not in {"bytes", "Bps"} or most <= 0:
        return _round_up(most) or 1.0
    scale = 1024.0 ** min(int(math.log(most, 1024)), 3)
    return _round_up(most / scale) * scale


def _round_up(value: float) -> float:
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value * 0.999)


def _text(value: float, unit: str) -> str:
    match unit:
        case "bytes" | "Bps":
            for name in ("B", "KiB", "MiB", "GiB"):
                if abs(value) < 1024 or name == "GiB":
                    return f"{value:.{0 if value >= 100 else 1}f} {name}{'/s' if unit == 'Bps' else ''}".replace(
                        ".0 ", " "
                    )
                value /= 1024
            raise AssertionError
        case "s" if 0 < value < 1:
            return f"{value * 1000:.3g} ms"
        case "s":
            return f"{value:.3g} s"
        case "percentunit":
            return f"{value:.0%}"
        case "reqps":
            return f"{value:.2g}/s"
        case _:
            return f"{value:.3g}"
