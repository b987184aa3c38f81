"""What Rushes is to reach, as one table, and whether a run reached it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bench.result import CaseResult, Report
from bench.samples import Statistic

RUSHES: Final = "rushes"
CELERY: Final = "celery"
NAIVE: Final = "naive"
FFMPEG: Final = "bare ffmpeg"
SOCKET: Final = "bare socket"

ANSWER_TO_READY: Final = "answer to ready"
UPLOAD_TO_READY: Final = "upload start to ready"
IDENTICAL: Final = "identical pictures"
THROUGHPUT: Final = "videos ready"
EXTRA: Final = "extra time"
SPEED_UP: Final = "speed-up, 4 workers"
UPLOAD_RATE: Final = "upload rate"
GROWTH: Final = "growth of the api's memory"
READ_FROM_BUCKET: Final = "read from the bucket, of the film's size"
RECORDING_FROM_BUCKET: Final = "read from the bucket, of the recording's size"
ANSWER_TO_WORK: Final = "answer to first activity"
LIST_IN_SERVER: Final = "list, in the server"
READ_IN_SERVER: Final = "read, in the server"


class Bound(StrEnum):
    """On which side of the limit the figure is to be."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


@dataclass(frozen=True)
class Aim:
    """One aim.

    Attributes:
        letter: Of the case.
        figure: Name of Rushes' figure.
        statistic: Which number of its values.
        bound: Which side of the limit is good.
        limit: In the figure's unit; as a ratio where ``over`` is named.
        unit: Of the limit.
        over: The system that the same figure is divided by, or None.
        why: What stands in the way, where it has been missed.
        holds_for: What else it would be, where the figure is of a case that others may not be like.
    """

    letter: str
    figure: str
    statistic: Statistic
    bound: Bound
    limit: float
    unit: str
    over: str | None = None
    why: str = ""
    holds_for: str = ""

    @property
    def text(self) -> str:
        """The aim in words."""
        of_whom = f" of {self.over}" if self.over is not None else ""
        which = "" if self.statistic is Statistic.MEDIAN else f" ({self.statistic})"
        return f"{self.figure}{which}: {self.bound} {value_text(self.limit, self.unit)}{of_whom}"


_WHY_ENCODING: Final = (
    "Bare ffmpeg does less: Rushes also looks at every packet before, reads each chunk back, joins them, compares the "
    "result packet by packet, and draws a thumbnail. The last chunk ends alone, and each decodes up to a GOP of the "
    "source that the one before decodes, too."
)
_WHY_BURST: Final = (
    "The processor is busy all the time, and the seven clips that must be encoded take a large part of it, in x264, "
    "which is the same for every system. What is left for each of the others is nine starts of ffmpeg and ffprobe to "
    "look, copy, compare, try and draw; celery starts two."
)
_WHY_A_SECOND: Final = (
    "Each program that reads a stranger's file starts in a sandbox of its own, which costs more than "
    "a little of so short a time: [decision 26](decisions/0026-a-sandbox-around-ffmpeg.md)."
)
_WHY_EXTRA: Final = (
    "A death is known once a heartbeat has not come for eight seconds, and the chunk that was in hand is encoded again "
    "from its beginning: how much of it was done by then is a matter of luck, and there are two rounds."
)
_WHY_UPLOAD: Final = (
    "The bare socket neither parses nor hashes. Where the api's time goes: "
    "[decision 6](decisions/0006-streaming-uploads.md)."
)

_DENSE_FILM: Final = (
    "It is of a film that is dense for its size, HEVC in an MP4, so that its result, of which the worker that joins "
    "fetches the chunks of others, is a third of it. Of a film whose result weighs as much as itself about 1.9 times "
    "its size is read; H.264 is looked through as a whole by one worker, which is once more; of a short one more is "
    "read, as each worker takes the seconds around its chunks as well; other containers are read whole by each worker "
    "that takes part ([decision 23](decisions/0023-a-bucket.md)). `make bench ONLY=j` measures a recording beside it."
)

AIMS: Final = (
    Aim("a", ANSWER_TO_READY, Statistic.MEDIAN, Bound.AT_MOST, 0.04, "x", CELERY),
    Aim("a", IDENTICAL, Statistic.MEDIAN, Bound.AT_LEAST, 1, "share"),
    Aim("b", ANSWER_TO_READY, Statistic.MEDIAN, Bound.AT_MOST, 1.03, "x", FFMPEG, _WHY_ENCODING),
    Aim("c", THROUGHPUT, Statistic.MEDIAN, Bound.AT_LEAST, 4, "x", CELERY, _WHY_BURST),
    Aim("d", UPLOAD_TO_READY, Statistic.MEDIAN, Bound.AT_MOST, 0.25, "s", why=_WHY_A_SECOND),
    Aim("e", EXTRA, Statistic.MEDIAN, Bound.AT_MOST, 15, "s", why=_WHY_EXTRA),
    Aim("f", SPEED_UP, Statistic.MEDIAN, Bound.AT_LEAST, 3.4, "x"),
    Aim("g", UPLOAD_RATE, Statistic.MEDIAN, Bound.AT_LEAST, 0.8, "x", SOCKET, _WHY_UPLOAD),
    Aim("g", GROWTH, Statistic.MOST, Bound.AT_MOST, 32, "MiB"),
    Aim("h", LIST_IN_SERVER, Statistic.P95, Bound.AT_MOST, 5, "ms"),
    Aim("h", READ_IN_SERVER, Statistic.P95, Bound.AT_MOST, 5, "ms"),
    Aim("i", ANSWER_TO_READY, Statistic.MEDIAN, Bound.AT_MOST, 4, "s"),
    Aim("j", READ_FROM_BUCKET, Statistic.MEDIAN, Bound.AT_MOST, 1.5, "x", holds_for=_DENSE_FILM),
    Aim("k", ANSWER_TO_WORK, Statistic.P95, Bound.AT_MOST, 50, "ms"),
)


@dataclass(frozen=True)
class Verdict:
    """What a run says to an aim.

    Attributes:
        aim: Which.
        measured: In the aim's unit; None where it was not measured.
    """

    aim: Aim
    measured: float | None

    @property
    def is_met(self) -> bool:
        """Whether it was measured and is on the good side."""
        if self.measured is None:
            return False
        at_most = self.aim.bound is Bound.AT_MOST
        return self.measured <= self.aim.limit if at_most else self.measured >= self.aim.limit

    @property
    def text(self) -> str:
        """``met``, ``missed by …``, or ``not measured``."""
        if self.measured is None:
            return "not measured"
        return "met" if self.is_met else f"missed by {value_text(abs(self.measured - self.aim.limit), self.aim.unit)}"


def verdicts(report: Report) -> list[Verdict]:
    """What the run says to each aim of a case that was run."""
    return [Verdict(aim, _measured(aim, case)) for aim in AIMS if (case := report.case(aim.letter)) is not None]


def value_text(value: float, unit: str) -> str:
    """A value as people read it, with about three digits that matter."""
    if unit == "share":
        return f"{value:.0%}".replace("%", " %")
    digits = next((count for limit, count in ((1, 3), (10, 2), (100, 1)) if abs(value) < limit), 0)
    return f"{value:.{digits}f} {unit}".rstrip()


def _measured(aim: Aim, case: CaseResult) -> float | None:
    own = case.figure(RUSHES, aim.figure)
    if own is None:
        return None
    if aim.over is None:
        return own.by(aim.statistic)
    other = case.figure(aim.over, aim.figure)
    return own.by(aim.statistic) / other.by(aim.statistic) if other is not None else None
