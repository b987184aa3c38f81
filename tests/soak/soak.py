"""Uploads through every door while everything is killed, stopped and away: ``make soak``.

Two apis and three workers with scratch folders of their own share a bucket, PostgreSQL and Temporal, and nothing else;
or one machine has all of it on its disk. Every upload that was acknowledged has to end ready or in the error that its
file deserves, with its original as sent; a cancel that was accepted has to hold, and what was deleted has to be gone. A
ready video that is made anew has to be served whole all the while. What is sent and harmed, and when, a seed decides
beforehand.
"""

import asyncio
import contextlib
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
from tests.fixtures.clips import Clips, kept_clips
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
from tests.soak.schedule import Fate, PlannedUpload, generator, uploads

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
    """

    def __init__(self, plan: Plan, parts: Machines, clips: Clips, counting: Counting) -> None:
        self._plan = plan
        self._parts = parts
        self._clips = clips
        self._counting = counting
        self._room = asyncio.Event()
        self.is_over = False
        self.sent: list[Sent] = []

    def end(self) -> None:
        """Send nothing more."""
        self.is_over = True
        self._room.set()

    async def run(self) -> None:
        """Send all there is to send, as ``look_for_room`` lets it."""
        planned = uploads(self._plan)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._plan.in_flight):
                group.create_task(self._send_some(planned))

    async def look_for_room(self) -> None:
        """Until it is cancelled, let uploads begin while fewer are on their way than may be."""
        while True:
            with contextlib.suppress(DatabaseUnavailable):
                if self.is_over or await self._counting.on_their_way() < self._plan.in_flight:
                    self._room.set()
                else:
                    self._room.clear()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _send_some(self, planned: Iterator[PlannedUpload]) -> None:
        for upload in planned:
            await self._room.wait()
            if self.is_over:
                return
            await self._send(upload)

    async def _send(self, upload: PlannedUpload) -> None:
        sender = Sender(self._parts.apis, generator(self._plan, f"the apis of upload {upload.number}"))
        doors = {"form": sender.form, "tus": sender.tus, "import": sender.imported, "direct": sender.direct}
        video_id = await doors[upload.door](self._clips.path(upload.clip))
        sent = Sent(video_id, upload.clip, upload.door)
        self.sent.append(sent)
        if upload.making is None:
            await _end(sender, sent, upload.fate)
        else:
            await _make_anew(sender, sent, upload.making)
        sent.all_asked = True


async def _end(sender: Sender, sent: Sent, fate: Fate) -> None:
    if fate == Fate.CANCELLED:
        sent.cancel_asked = True
        sent.cancel_held = await sender.post(f"/api/v1/videos/{sent.video_id}/cancel")
    elif fate in {Fate.DELETED, Fate.DELETED_ONCE_ENDED}:
        if fate == Fate.DELETED_ONCE_ENDED:
            await sender.ended(sent.video_id)
        await sender.delete(sent.video_id)
        sent.deleted = True


async def _make_anew(sender: Sender, sent: Sent, making: Making) -> None:
    row = await sender.ended(sent.video_id)
    if row is None or row["status"] != VideoStatus.READY:
        return  # what became of it is counted by itself
    sent.made_anew = MadeAnew(making)
    await MakingAnew(sender).run(sent.video_id, sent.made_anew)
    sent.deleted = making == Making.DELETED


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
    if not plan.in_a_bucket:
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
        sending = Soak(plan, parts, clips, counting)
        harming = Harming(plan, parts, disk, lambda: len(sending.sent))
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
    """Until all is sent and harmed at least as it is to be, its time is over, or a signal says that it is enough."""
    loop = asyncio.get_running_loop()
    for number in _ENOUGH:
        loop.add_signal_handler(number, sending.end)
    if plan.most_seconds is not None:
        loop.call_later(plan.most_seconds, sending.end)
    beside = [
        asyncio.create_task(each) for each in (sending.look_for_room(), harming.run(), results.tell_each_minute())
    ]
    sent = asyncio.create_task(_send_and_wait(sending, harming.least_done))
    try:
        going_on = {sent, *beside}
        while not sent.done():
            ended, going_on = await asyncio.wait(going_on, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()  # raises where it has failed
    finally:
        for number in _ENOUGH:
            loop.remove_signal_handler(number)
        for task in (sent, *beside):
            task.cancel()
        await asyncio.gather(sent, *beside, return_exceptions=True)


async def _send_and_wait(sending: Soak, least_done: asyncio.Event) -> None:
    await sending.run()
    if not sending.is_over:
        await least_done.wait()


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
