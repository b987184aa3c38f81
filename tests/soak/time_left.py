"""How near the truth the time left is that a long encode tells: ``make time-left``."""

import argparse
import asyncio
import math
import sys
import tempfile
import time
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from client.asynchronous import AsyncRushes
from contracts.event_types import EventType
from contracts.processing import Step
from contracts.status import VideoStatus
from media.ffmpeg import Ffmpeg
from tests.fixtures.clips import Clips
from tests.fixtures.stack import make_home, running

_ALLOWED: Final = 0.3
_QUARTER: Final = 0.25
_LAST_SECONDS: Final = 5.0
"""Of the last seconds it is told that they are the last, and no more is wanted."""

_LINES: Final = 12
_SOURCE: Final = "testsrc2=size=1280x720:rate=30:duration={seconds},noise=alls=16:allf=t:enable='lt(mod(t,9),5)'"
"""Half of it is quiet and half is not, in turns, so that chunks take unlike times, as those of films do."""


@dataclass(frozen=True)
class Told:
    """What an event said.

    Attributes:
        at: When, by this machine's clock, in seconds.
        left_seconds: How long it would still take.
    """

    at: float
    left_seconds: float | None


@dataclass(frozen=True)
class Judged:
    """What was said, beside what came.

    Attributes:
        passed: How much of the encode was over, 0 to 1.
        told_seconds: How long it would still take.
        left_seconds: How long it took.
    """

    passed: float
    told_seconds: float
    left_seconds: float

    @property
    def error(self) -> float:
        """How far beside the truth, as a part of it."""
        return abs(self.told_seconds - self.left_seconds) / self.left_seconds


def judge(told: list[Told], begun: float, ended: float) -> list[Judged]:
    """All that was told between the first quarter and the last seconds; nothing told counts as endless."""
    whole = ended - begun
    after = (one for one in told if one.at - begun >= _QUARTER * whole and ended - one.at > _LAST_SECONDS)
    return [
        Judged((one.at - begun) / whole, math.inf if one.left_seconds is None else one.left_seconds, ended - one.at)
        for one in after
    ]


async def encode(seconds: int) -> tuple[list[Told], float, float]:
    """What was told of a real encode, when that began, and when the video was ready."""
    told: list[Told] = []
    with tempfile.TemporaryDirectory(prefix="rushes-time-left-") as place:
        folder = Path(place)
        clip = folder / "long.mp4"
        source = ("-f", "lavfi", "-i", _SOURCE.format(seconds=seconds))
        clips = Clips((await Ffmpeg.locate()).ffmpeg_path, folder)
        await asyncio.to_thread(clips.draw, clip, *source, "-c:v", "mpeg4", "-q:v", "4", within_seconds=600)
        async with running(make_home(folder)) as run, AsyncRushes(run.api) as rushes:
            video = await rushes.upload(clip)
            async with aclosing(rushes.events(video)) as events:
                async for event in events:
                    now = time.monotonic()
                    if event.type == EventType.PROGRESS and event.data["step"] == Step.TRANSCODE:
                        told.append(Told(now, event.data["time_left_seconds"]))
                    if event.data["status"] == VideoStatus.ERROR:
                        raise SystemExit(event.data["error_reason"])
                    if event.data["status"] == VideoStatus.READY:
                        return told, told[0].at, now
    raise AssertionError  # the stream goes on until the video has ended


def main() -> int:
    """Print what was told and what came; 1 if it was ever further off than it may be."""
    parser = argparse.ArgumentParser(prog="tests.soak.time_left", description=__doc__)
    parser.add_argument("--seconds", type=int, default=150, help="of video")
    told, begun, ended = asyncio.run(encode(parser.parse_args().seconds))
    judged = judge(told, begun, ended)
    for one in judged[:: max(1, len(judged) // _LINES)]:
        print(f"{one.passed:4.0%} over: told {one.told_seconds:5.1f} s, it took {one.left_seconds:5.1f} s")  # noqa: T201
    worst = max(judged, key=lambda one: one.error)
    print(f"{ended - begun:.0f} s of encoding, {len(told)} events, {len(judged)} of them judged")  # noqa: T201
    print(f"worst after the first quarter: {worst.error:.0%} beside the truth, when {worst.passed:.0%} was over")  # noqa: T201
    return int(worst.error > _ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
