"""Uploads through every door, while the processes that take them are killed: ``make soak``.

Two apis and three workers with scratch folders of their own share a bucket, PostgreSQL and Temporal, and nothing else.
Every upload that was acknowledged has to end ready or in the error that its file deserves, with its original as sent.
"""

import argparse
import asyncio
import contextlib
import hashlib
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from cli.api_client import ApiClient
from cli.begun_uploads import BegunUploads
from cli.errors import CommandFailed
from cli.resuming import ResumingUpload
from media.ffmpeg import Ffmpeg
from storage.bucket_client import open_bucket
from storage.bucket_objects import Bucket
from storage.location import BucketLocation
from tests.end_to_end.conftest import with_everything_allowed
from tests.fixtures.bucket import BUCKET, bucket_server
from tests.fixtures.clips import Clip, Clips
from tests.soak.parts import Machines, machines

_GOOD: Final = (Clip.SHORT_WITH_SOUND, Clip.SILENT, Clip.SUB_SECOND, Clip.TEN_BIT_422, Clip.ROTATED, Clip.AVI)
_BAD: Final = {Clip.TEXT_NAMED_MP4: "invalid_media", Clip.AUDIO_ONLY: "no_video_stream"}
_AT_ONCE: Final = 6
_PAUSE_SECONDS: Final = (0.5, 3.0)
_END_WITHIN_SECONDS: Final = 600.0


Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Sent:
    """An upload that was acknowledged.

    Attributes:
        video_id: Its video.
        clip: Which file.
        door: How it came.
    """

    video_id: str
    clip: Clip
    door: str


class Soak:
    """One run.

    Args:
        parts: The processes.
        clips: The files.
        bucket: Past the service.
        dice: Of a seed.
    """

    def __init__(self, parts: Machines, clips: Clips, bucket: Bucket, dice: random.Random, folder: Path) -> None:
        self._parts = parts
        self._clips = clips
        self._bucket = bucket
        self._dice = dice
        self._folder = folder
        self._sent: list[Sent] = []

    async def run(self, uploads: int) -> Counter[str]:
        """Send so many while processes die, wait for all, and count how they ended."""
        dying = asyncio.create_task(self._kill())
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> None:
            async with turn:
                await self._send(number)

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(uploads):
                    group.create_task(one(number))
        finally:
            dying.cancel()
            await asyncio.gather(dying, return_exceptions=True)
        return await self._count()

    async def _kill(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(*_PAUSE_SECONDS))
            self._parts.kill_one(self._dice)

    async def _send(self, number: int) -> None:
        clip = self._dice.choice(_GOOD) if self._dice.random() < 0.8 else self._dice.choice(sorted(_BAD))
        door = ("form", "tus", "direct")[number % 3]
        path = self._clips.path(clip)
        doors: dict[str, Callable[[Path, int], Awaitable[str]]] = {
            "form": self._by_form,
            "tus": self._by_tus,
            "direct": self._directly,
        }
        self._sent.append(Sent(await doors[door](path, number), clip, door))

    async def _by_form(self, path: Path, number: int) -> str:
        key, content = {"Idempotency-Key": f"soak-{number}"}, await asyncio.to_thread(path.read_bytes)

        async def send(api: httpx.AsyncClient) -> str:
            answer = await api.post("/api/v1/videos/upload", files={"file": (path.name, content)}, headers=key)
            return str(answer.raise_for_status().json()["video_id"])

        return await self._until_answered(send)

    async def _by_tus(self, path: Path, number: int) -> str:
        begun = BegunUploads(self._folder / f"begun-{number}.json")
        while True:
            api = ApiClient(self._dice.choice(self._parts.apis))
            try:
                async with api:
                    upload = ResumingUpload(api, path, {"title": f"soak {number}"}, begun)
                    return await upload.send(on_sent=lambda _: None, on_broken=lambda _: None)
            except CommandFailed:
                await asyncio.sleep(0.2)

    async def _directly(self, path: Path, number: int) -> str:
        content = await asyncio.to_thread(path.read_bytes)

        async def begin(api: httpx.AsyncClient) -> dict[str, Any]:
            wanted = {"filename": path.name, "size_bytes": len(content), "title": f"soak {number}"}
            begun: dict[str, Any] = (await api.post("/api/v1/videos/direct", json=wanted)).raise_for_status().json()
            return begun

        begun = await self._until_answered(begin)
        for part in begun["parts"]:
            at = (part["number"] - 1) * begun["part_bytes"]
            async with httpx.AsyncClient() as anybody:
                (await anybody.put(part["url"], content=content[at : at + begun["part_bytes"]])).raise_for_status()

        async def complete(api: httpx.AsyncClient) -> str:
            done = await api.post(f"/api/v1/videos/direct/{begun['video_id']}/complete", json={})
            return str(done.raise_for_status().json()["video_id"])

        return await self._until_answered(complete)

    async def _until_answered(self, ask: Callable[[httpx.AsyncClient], Awaitable[Answer]]) -> Answer:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                async with httpx.AsyncClient(base_url=self._dice.choice(self._parts.apis), timeout=30) as api:
                    return await ask(api)
            await asyncio.sleep(0.2)

    async def _count(self) -> Counter[str]:
        counted: Counter[str] = Counter(acknowledged=len(self._sent))
        counted["duplicated"] = len(self._sent) - len({sent.video_id for sent in self._sent})
        deadline = time.monotonic() + _END_WITHIN_SECONDS
        for sent in self._sent:
            row = await self._ended(sent.video_id, deadline)
            wanted = _BAD.get(sent.clip)
            if row is None:
                counted["lost"] += 1
            elif row["status"] not in {"ready", "error"}:
                counted["stuck"] += 1
            elif row["status"] == "ready" and wanted is None:
                counted["ready"] += 1
            elif row["error_code"] == wanted:
                counted["coded errors"] += 1
            else:
                counted["wrongly ended"] += 1
                print(f"{sent}: {row['status']} {row['error_code']} {row['error_reason']}", file=sys.stderr)  # noqa: T201
            counted["mismatched"] += not await self._arrived_as_sent(sent)
        counted["stray"] = await self._strays()
        return counted

    async def _ended(self, video_id: str, deadline: float) -> dict[str, Any] | None:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                async with httpx.AsyncClient(base_url=self._parts.apis[0], timeout=30) as api:
                    answer = await api.get(f"/api/v1/videos/{video_id}")
                    if answer.status_code == 404:
                        return None
                    row: dict[str, Any] = answer.raise_for_status().json()
                    if row["status"] in {"ready", "error"} or time.monotonic() > deadline:
                        return row
            await asyncio.sleep(0.2)

    async def _arrived_as_sent(self, sent: Sent) -> bool:
        path = self._clips.path(sent.clip)
        key = f"originals/{sent.video_id}{path.suffix}"
        found = await self._bucket.head(key)
        if found is None:
            return False
        content = await self._bucket.read(key, 0, found.size_bytes)
        sent_content = await asyncio.to_thread(path.read_bytes)
        return hashlib.sha256(content).digest() == hashlib.sha256(sent_content).digest()

    async def _strays(self) -> int:
        """Objects of no acknowledged upload, and work files; those of requests that nobody was answered may expire."""
        known = {sent.video_id for sent in self._sent}
        keys = [key async for key, _ in self._bucket.listed("")]
        return sum(key.startswith("work/") or not any(video_id in key for video_id in known) for key in keys)


async def soak(uploads: int, seed: int) -> Counter[str]:
    """Start everything, run, and say what came of it."""
    ffmpeg = await Ffmpeg.locate()
    with tempfile.TemporaryDirectory(prefix="rushes-soak-") as name:
        folder = Path(name)
        async with bucket_server(folder / "server") as server:
            location = BucketLocation(BUCKET, f"{secrets.token_hex(4)}/")
            home = with_everything_allowed(folder).with_settings(
                **server.environment,
                RUSHES_STORAGE=str(location),
                RUSHES_UPLOAD_LEASE_SECONDS="2",
                RUSHES_MEDIA_SLOTS="1",
            )
            (folder / "clips").mkdir()
            clips = Clips(ffmpeg.ffmpeg_path, folder / "clips")
            async with open_bucket(location, server.environment) as bucket, machines(home, folder) as parts:
                run = Soak(parts, clips, bucket, random.Random(seed), folder)  # noqa: S311  a game, no secret
                counted = await run.run(uploads)
                counted["kills"] = sum(parts.kills.values())
                return counted


def main() -> int:
    """Print what was counted; 1 if anything was lost, or ended as it should not."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--uploads", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    counted = asyncio.run(soak(arguments.uploads, arguments.seed))
    for name, number in counted.items():
        print(f"{name:14} {number}")  # noqa: T201
    print(f"{'seconds':14} {time.monotonic() - began:.0f}")  # noqa: T201
    faults = ("duplicated", "lost", "stuck", "wrongly ended", "mismatched", "stray")
    return int(any(counted[name] for name in faults))


if __name__ == "__main__":
    sys.exit(main())
