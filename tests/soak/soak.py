"""Uploads through every door while everything is killed, stopped and away: ``make soak``.

Two apis and three workers with scratch folders of their own share a bucket, PostgreSQL and Temporal, and nothing else;
or one machine has all of it on its disk. Every upload that was acknowledged has to end ready or in the error that its
file deserves, with its original as sent; a cancel that was accepted has to hold, and what was deleted has to be gone. A
ready video that is made anew has to be served whole all the while. A seed decides what is sent and harmed, and when.
"""

import asyncio
import contextlib
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from contracts.errors import DatabaseUnavailable
from contracts.status import VideoStatus
from database.engine import Database
from media.ffmpeg import Ffmpeg
from storage.location import BucketLocation
from tests.end_to_end.conftest import with_everything_allowed
from tests.fixtures.bucket import BUCKET, bucket_server
from tests.fixtures.clips import Clip, Clips, kept_clips
from tests.fixtures.senders import Sender
from tests.fixtures.small_disk import NoMounts, SmallDisk, mounted
from tests.fixtures.stack import Home
from tests.fixtures.stored import stored_files
from tests.soak.counting import FAULTS, Counting, Sent
from tests.soak.harming import Harming
from tests.soak.making_anew import MadeAnew, Making, MakingAnew
from tests.soak.parts import Machines, machines
from tests.soak.plan import BAD, COPIED, ENCODED, Plan, parse
from tests.soak.results import Results

_LOOK_SECONDS: Final = 0.5
_FORMER_SECONDS: Final = "10"
"""Longer than an api is stopped that has read which edition is served."""

_COPIES_BYTES: Final = 8 * 1024 * 1024
_ENOUGH: Final = (signal.SIGINT, signal.SIGTERM)


class Soak:
    """Sends.

    Args:
        plan: How much.
        parts: The processes.
        clips: The files.
        counting: Says how many videos are on their way.
        dice: Decide what is sent.
    """

    def __init__(self, plan: Plan, parts: Machines, clips: Clips, counting: Counting, dice: random.Random) -> None:
        self._plan = plan
        self._clips = clips
        self._counting = counting
        self._dice = dice
        self._sender = Sender(parts.apis, dice)
        self._doors = {"form": self._sender.form, "tus": self._sender.tus, "import": self._sender.imported}
        if plan.several:
            self._doors["direct"] = self._sender.direct
        self._making_anew = MakingAnew(self._sender, plan.made_anew)
        self._room = asyncio.Event()
        self._over = False
        self.sent: list[Sent] = []

    def end(self) -> None:
        """Send nothing more."""
        self._over = True
        self._room.set()

    async def run(self) -> None:
        """Send all there is to send."""
        looking = asyncio.create_task(self._look_for_room())
        numbers = iter(range(self._plan.uploads))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._plan.in_flight):
                    group.create_task(self._send_some(numbers))
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look_for_room(self) -> None:
        while True:
            with contextlib.suppress(DatabaseUnavailable):
                if self._over or await self._counting.on_their_way() < self._plan.in_flight:
                    self._room.set()
                else:
                    self._room.clear()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _send_some(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            await self._room.wait()
            if self._over:
                return
            await self._send(number)

    async def _send(self, number: int) -> None:
        clip = self._choose()
        door = sorted(self._doors)[number % len(self._doors)]
        sent = Sent(await self._doors[door](self._clips.path(clip)), clip, door)
        self.sent.append(sent)
        made_anew = None if clip in BAD else self._making_anew.turn()
        if made_anew is None:
            await self._end(sent)
        else:
            await self._make_anew(sent, made_anew)
        sent.all_asked = True

    async def _end(self, sent: Sent) -> None:
        fate = self._dice.random()
        if fate < 0.1:
            sent.cancel_asked = True
            sent.cancel_held = await self._sender.post(f"/api/v1/videos/{sent.video_id}/cancel")
        elif fate < 0.2:
            if fate < 0.15:
                await self._sender.ended(sent.video_id)
            await self._sender.delete(sent.video_id)
            sent.deleted = True

    async def _make_anew(self, sent: Sent, made_anew: MadeAnew) -> None:
        row = await self._sender.ended(sent.video_id)
        if row is None or row["status"] != VideoStatus.READY:
            return  # what became of it is counted by itself
        sent.made_anew = made_anew
        await self._making_anew.run(sent.video_id, made_anew)
        sent.deleted = made_anew.wanted == Making.DELETED

    def _choose(self) -> Clip:
        if self._dice.random() >= self._plan.good:
            return self._dice.choice(sorted(BAD))
        return self._dice.choice(ENCODED if self._dice.random() < self._plan.encoded else COPIED)


def _disk(plan: Plan, folder: Path, resources: AsyncExitStack) -> SmallDisk | None:
    try:
        return resources.enter_context(mounted(folder, plan.disk_mebibytes))
    except NoMounts as error:
        print(f"The disk is never full: this user may not mount a small one ({error}).", file=sys.stderr)  # noqa: T201
        return None


@asynccontextmanager
async def _home(plan: Plan, folder: Path, disk: Path) -> AsyncIterator[Home]:
    home = with_everything_allowed(folder).with_settings(
        RUSHES_UPLOAD_LEASE_SECONDS="2",
        RUSHES_SWEEP_AGE_SECONDS="20",
        RUSHES_SWEEP_INTERVAL_SECONDS=str(plan.sweep_seconds),
        RUSHES_SCRATCH=str(disk / "scratch"),
        RUSHES_FORMER_FILES_SECONDS=_FORMER_SECONDS,
        RUSHES_PUBLISHED_SECONDS=_FORMER_SECONDS,
    )
    if not plan.several:
        yield home.with_settings(RUSHES_UPLOADS=str(disk / "uploads"), RUSHES_SPARE_BYTES="0")
        return
    async with bucket_server(folder / "server") as server:
        location = BucketLocation(BUCKET, f"{secrets.token_hex(4)}/")
        yield home.with_settings(
            **server.environment,
            RUSHES_STORAGE=str(location),
            RUSHES_MEDIA_SLOTS="1",
            RUSHES_COPIES_BYTES=str(_COPIES_BYTES),
        )


async def soak(plan: Plan, clips: Clips) -> Counter[str]:
    """Start everything, send these clips, and say what came of it."""
    async with AsyncExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="rushes-soak-")))
        for clip in (*COPIED, *ENCODED, *BAD):
            clips.path(clip)
        disk = _disk(plan, folder / "disk", resources)
        home = await resources.enter_async_context(_home(plan, folder, folder / "disk"))
        parts = await resources.enter_async_context(machines(home, folder, several=plan.several))
        database = Database(parts.run.database, 2)
        resources.push_async_callback(database.dispose)
        storage = await resources.enter_async_context(stored_files(home, Path(parts.run.uploads), folder / "looked at"))
        counting = Counting(database, storage, clips, BAD)
        dice = random.Random(plan.seed)  # noqa: S311 # a game, no secret
        sending = Soak(plan, parts, clips, counting, dice)
        harming = Harming(plan, parts, disk, dice, lambda: len(sending.sent))
        results = Results(plan, lambda: counting.look(sending.sent), parts.harm)
        began = time.monotonic()
        await _send_and_harm(plan, sending, harming, results)
        seconds = time.monotonic() - began
        counted = await counting.count(sending.sent)
        await results.write(counted, ended=True)
        if plan.logs is not None:
            await asyncio.to_thread(parts.keep_logs, plan.logs)
        counted.update({f"harm: {what}": times for what, times in sorted(parts.harm.items())})
        counted["seconds of sending"] = round(seconds)
        return counted


async def _soak_with_clips(plan: Plan) -> Counter[str]:
    return await soak(plan, kept_clips((await Ffmpeg.locate()).ffmpeg_path))


async def _send_and_harm(plan: Plan, sending: Soak, harming: Harming, results: Results) -> None:
    """Until all is sent, its time is over, or a signal says that it is enough."""
    loop = asyncio.get_running_loop()
    for number in _ENOUGH:
        loop.add_signal_handler(number, sending.end)
    if plan.most_seconds is not None:
        loop.call_later(plan.most_seconds, sending.end)
    beside = [asyncio.create_task(harming.run()), asyncio.create_task(results.tell_each_minute())]
    sent = asyncio.create_task(sending.run())
    try:
        await asyncio.wait({sent, *beside}, return_when=asyncio.FIRST_COMPLETED)
        for task in (sent, *beside):
            if task.done():
                task.result()  # what ends beside it has failed
    finally:
        for number in _ENOUGH:
            loop.remove_signal_handler(number)
        for task in (sent, *beside):
            task.cancel()
        await asyncio.gather(sent, *beside, return_exceptions=True)


def main() -> int:
    """Print what was counted; 1 if anything was lost, or ended as it should not."""
    plan = parse()
    began = time.monotonic()
    counted = asyncio.run(_soak_with_clips(plan))
    for name, number in counted.items():
        print(f"{name:28} {number}")  # noqa: T201
    print(f"{'seconds in all':28} {time.monotonic() - began:.0f}")  # noqa: T201
    return int(any(counted[name] for name in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
