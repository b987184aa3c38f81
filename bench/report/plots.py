"""Which plots a report has."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bench.aims import (
    ANSWER_TO_READY,
    ANSWER_TO_WORK,
    CELERY,
    EXTRA,
    FFMPEG,
    NAIVE,
    RUSHES,
    SOCKET,
    THROUGHPUT,
    UPLOAD_RATE,
    UPLOAD_TO_READY,
)
from bench.report.charts import Bar, Point, bar_chart, curve_chart
from bench.result import CaseResult, Report
from bench.samples import Statistic

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        RUSHES: "Rushes",
        CELERY: "Celery + Redis",
        NAIVE: "Temporal, one activity",
        FFMPEG: "ffmpeg alone",
        SOCKET: "a bare socket",
    }
)
"""What a reader calls each system."""

_ANSWER: Final = "From the upload's answer to ready, in seconds: bar median, dots rounds. Shorter is better."
_FIRST_BYTE: Final = "From the upload's first byte to ready, in seconds: bar median, dots rounds. Shorter is better."
_WORKERS: Final = (1, 2, 4)


@dataclass(frozen=True)
class Plot:
    """Bars of one figure.

    Attributes:
        letter: Of the case.
        figure: Its name.
        subtitle: What the length of a bar is.
    """

    letter: str
    figure: str
    subtitle: str


PLOTS: Final = (
    Plot("a", ANSWER_TO_READY, _ANSWER),
    Plot("b", ANSWER_TO_READY, _ANSWER),
    Plot("c", THROUGHPUT, "Videos ready a minute. Longer is better."),
    Plot("d", UPLOAD_TO_READY, _FIRST_BYTE),
    Plot("e", EXTRA, "Extra time against an undisturbed run, in seconds. Shorter is better."),
    Plot("g", UPLOAD_RATE, "Megabytes a second: bar median, dots rounds. Longer is better."),
    Plot("i", ANSWER_TO_READY, _ANSWER),
    Plot("k", ANSWER_TO_WORK, "Milliseconds: bar median, dots rounds. Shorter is better."),
)


def plots(report: Report) -> dict[str, str]:
    """SVG texts by the letter of their case; a case without figures has none."""
    drawn = {}
    for plot in PLOTS:
        case = report.case(plot.letter)
        bars = _bars(case, plot) if case is not None else []
        if case is not None and bars:
            drawn[plot.letter] = bar_chart(case.title, plot.subtitle, bars)
    scaled = report.case("f")
    points = _points(scaled) if scaled is not None else []
    if scaled is not None and points:
        drawn["f"] = curve_chart(scaled.title, "Speed-up over one worker. Higher is better.", points, "x")
    return drawn


def _bars(case: CaseResult, plot: Plot) -> list[Bar]:
    bars = [
        Bar(
            label=NAMES.get(figure.system, figure.system),
            value=figure.by(Statistic.MEDIAN),
            unit=figure.unit,
            rounds=figure.values,
            own=figure.system == RUSHES,
        )
        for figure in case.figures
        if figure.name == plot.figure
    ]
    if plot.figure == EXTRA:
        bars += [Bar(NAMES.get(one.system, one.system), 0, "s", note=one.text) for one in case.findings]
    return sorted(bars, key=lambda bar: not bar.own)


def _points(case: CaseResult) -> list[Point]:
    points = []
    for count in _WORKERS:
        figure = case.figure(RUSHES, f"speed-up, {count} worker{'s' if count > 1 else ''}")
        if figure is not None:
            points.append(Point(count, figure.by(Statistic.MEDIAN)))
    return points
