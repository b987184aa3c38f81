"""Uploads through every door while everything is killed, stopped and away: ``make soak``.

Two apis and three workers with scratch folders of their own share a bucket, PostgreSQL and Temporal, and nothing else;
or one machine has all of it on its disk. Every upload that was acknowledged has to end ready or in the error that its
file deserves, with its original as sent; a cancel that was accepted has to hold, and what was deleted has to be gone. A
seed decides what is sent and harmed, and when.
"""

import argparse
import asyncio
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from database.engine import Database
from media.ffmpeg import Ffmpeg
from storage.location import BucketLocation
from tests.end_to_end.conftest import with_everything_allowed
from tests.fixtures.bucket import BUCKET, bucket_server
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.senders import Sender
from tests.fixtures.stack import Home
from tests.fixtures.stored import stored_files
from tests.soak.counting import FAULTS, Counting, Sent
from tests.soak.parts import Machines, machines

GOOD: Final = (Clip.SHORT_WITH_SOUND, Clip.SILENT, Clip.SUB_SECOND, Clip.TEN_BIT_422, Clip.ROTATED, Clip.AVI)
BAD: Final = {Clip.TEXT_NAMED_MP4: "invalid_media", Clip.AUDIO_ONLY: "no_video_stream"}
_AT_ONCE: Final = 6
_PAUSE_SECONDS: Final = (0.5, 3.0)


@dataclass(frozen=True)
class Plan:
    """How hard it is to be.

    Attributes:
        uploads: How many are sent.
        seed: Of all that is left to chance.
        several: Whether several machines share a bucket; else one has a disk.
        away_seconds: How long Temporal, and after it PostgreSQL, does nothing in the middle of it.
    """

    uploads: int
    seed: int
    several: bool
    away_seconds: float


class Soak:
    """Sends, and harms.

    Args:
        plan: How much.
        parts: The processes.
        clips: The files.
    """

    def __init__(self, plan: Plan, parts: Machines, clips: Clips) -> None:
        self._plan = plan
        self._parts = parts
        self._clips = clips
        self._dice = random.Random(plan.seed)  # noqa: S311 # a game, no secret
        self._sender = Sender(parts.apis, self._dice)
        self._sent: list[Sent] = []

    async def run(self) -> list[Sent]:
        """Send all while processes die; returns what was acknowledged."""
        harming = [asyncio.create_task(self._harm()), asyncio.create_task(self._be_away())]
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> None:
            async with turn:
                await self._send(number)

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._plan.uploads):
                    group.create_task(one(number))
        finally:
            for task in harming:
                task.cancel()
            await asyncio.gather(*harming, return_exceptions=True)
        return self._sent

    async def _harm(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(*_PAUSE_SECONDS))
            if self._dice.random() < 0.8:
                self._parts.kill_one(self._dice)
            else:
                await self._parts.stop_one(self._dice)

    async def _be_away(self) -> None:
        for name in ("temporal", "postgres"):
            while len(self._sent) < self._plan.uploads // (3 if name == "temporal" else 2):
                await asyncio.sleep(0.1)
            await self._parts.pause(name, self._plan.away_seconds)

    async def _send(self, number: int) -> None:
        is_good = self._dice.random() < 0.8
        clip = self._dice.choice(GOOD) if is_good else self._dice.choice(sorted(BAD))
        doors = {"form": self._sender.form, "tus": self._sender.tus, "import": self._sender.imported}
        if self._plan.several:
            doors["direct"] = self._sender.direct
        door = sorted(doors)[number % len(doors)]
        sent = Sent(await doors[door](self._clips.path(clip)), clip, door)
        self._sent.append(sent)
        fate = self._dice.random()
        if fate < 0.1:
            sent.cancel_held = await self._sender.post(f"/api/v1/videos/{sent.video_id}/cancel")
        elif fate < 0.2:
            if fate < 0.15:
                await self._sender.ended(sent.video_id)
            await self._sender.delete(sent.video_id)
            sent.deleted = True


@asynccontextmanager
async def _home(plan: Plan, folder: Path) -> AsyncIterator[Home]:
    home = with_everything_allowed(folder).with_settings(
        RUSHES_UPLOAD_LEASE_SECONDS="2", RUSHES_SWEEP_AGE_SECONDS="20", RUSHES_SWEEP_INTERVAL_SECONDS="5"
    )
    if not plan.several:
        yield home
        return
    async with bucket_server(folder / "server") as server:
        location = BucketLocation(BUCKET, f"{secrets.token_hex(4)}/")
        yield home.with_settings(**server.environment, RUSHES_STORAGE=str(location), RUSHES_MEDIA_SLOTS="1")


async def soak(plan: Plan) -> Counter[str]:
    """Start everything, run, and say what came of it."""
    ffmpeg = await Ffmpeg.locate()
    async with AsyncExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="rushes-soak-")))
        (folder / "clips").mkdir()
        clips = Clips(ffmpeg.ffmpeg_path, folder / "clips")
        for clip in (*GOOD, *BAD):
            clips.path(clip)
        home = await resources.enter_async_context(_home(plan, folder))
        parts = await resources.enter_async_context(machines(home, folder, several=plan.several))
        began = time.monotonic()
        sent = await Soak(plan, parts, clips).run()
        seconds = time.monotonic() - began
        database = Database(parts.run.database, 2)
        resources.push_async_callback(database.dispose)
        storage = await resources.enter_async_context(stored_files(home, Path(parts.run.uploads), folder / "looked at"))
        counted = await Counting(database, storage, clips, BAD).count(sent)
        counted.update({f"harm: {what}": times for what, times in sorted(parts.harm.items())})
        counted["seconds of sending"] = round(seconds)
        return counted


def main() -> int:
    """Print what was counted; 1 if anything was lost, or ended as it should not."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one-machine", action="store_true", help="on a disk, instead of several on a bucket")
    parser.add_argument("--away-seconds", type=float, default=60, help="how long Temporal and PostgreSQL are away")
    arguments = parser.parse_args()
    began = time.monotonic()
    plan = Plan(arguments.uploads, arguments.seed, not arguments.one_machine, arguments.away_seconds)
    counted = asyncio.run(soak(plan))
    for name, number in counted.items():
        print(f"{name:28} {number}")  # noqa: T201
    print(f"{'seconds in all':28} {time.monotonic() - began:.0f}")  # noqa: T201
    return int(any(counted[name] for name in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
