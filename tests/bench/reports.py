"""A report as a run would write it, small enough to read."""

from typing import Final

from bench.aims import (
    ANSWER_TO_READY,
    CELERY,
    EXTRA,
    FFMPEG,
    GROWTH,
    IDENTICAL,
    RUSHES,
    SOCKET,
    SPEED_UP,
    THROUGHPUT,
    UPLOAD_RATE,
)
from bench.result import CaseResult, Figure, Finding, Machine, Report, Skipped

_COPIED: Final = CaseResult(
    letter="a",
    title="1080p that needs no encoding",
    conditions=("30 s.",),
    figures=(
        Figure(RUSHES, ANSWER_TO_READY, "s", (0.5, 0.4, 0.6)),
        Figure(RUSHES, IDENTICAL, "share", (1.0,)),
        Figure(CELERY, ANSWER_TO_READY, "s", (25.0, 26.0)),
    ),
    skipped=(Skipped("naive", "it did\nnot start"),),
)
_ENCODED: Final = CaseResult(
    letter="b",
    title="Ten bits",
    conditions=(),
    figures=(Figure(RUSHES, ANSWER_TO_READY, "s", (21.0,)), Figure(FFMPEG, ANSWER_TO_READY, "s", (20.0,))),
)
_BURST: Final = CaseResult(
    letter="c", title="A burst", conditions=(), figures=(Figure(RUSHES, THROUGHPUT, "1/min", (60.0,)),)
)
_KILLED: Final = CaseResult(
    letter="e",
    title="A killed worker",
    conditions=(),
    figures=(Figure(RUSHES, EXTRA, "s", (9.0,)),),
    findings=(Finding(CELERY, "lost: its video stayed in processing"),),
)
_SCALED: Final = CaseResult(
    letter="f",
    title="Several workers",
    conditions=(),
    figures=(Figure(RUSHES, "speed-up, 1 worker", "x", (1.0,)), Figure(RUSHES, SPEED_UP, "x", (3.5,))),
)
_UPLOADED: Final = CaseResult(
    letter="g",
    title="One upload",
    conditions=(),
    figures=(
        Figure(RUSHES, UPLOAD_RATE, "MB/s", (300.0, 350.0)),
        Figure(SOCKET, UPLOAD_RATE, "MB/s", (500.0,)),
        Figure(RUSHES, GROWTH, "MiB", (1.0, 40.0)),
    ),
)

REPORT: Final = Report(
    began="2026-11-24T12:00:00+00:00",
    quick=False,
    command="python -m bench run",
    machine=Machine("A Processor | 3000", 2, 8 * 1024**3, "Linux 6.1"),
    versions={"rushes": "0.1.0", "ffmpeg": "9.0"},
    cases=(_COPIED, _ENCODED, _BURST, _KILLED, _SCALED, _UPLOADED),
)
