"""The running service as a client sees it: over HTTP, and nothing else."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from temporalio.client import Client

from contracts.storage_keys import ORIGINALS_PREFIX, PROCESSED_PREFIX, WORK_PREFIX
from contracts.temporal_names import workflow_id
from embedded.run_file import RunFile
from storage.bucket_client import open_bucket
from storage.location import BucketLocation
from tests.fixtures.stack import Home
from tests.media.processes import descendants_of
from tests.waiting import eventually

Row = dict[str, Any]

_PIECE_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class Service:
    """A stack that runs, and an HTTP client for its api."""

    home: Home
    http: httpx.AsyncClient
    bucket: BucketLocation | None = None

    @property
    def run(self) -> RunFile:
        """What ``run.json`` says now."""
        run = self.home.run_file
        assert run is not None
        return run

    async def upload(self, clip: Path) -> str:
        """Upload a file; returns the video's id."""
        content = await asyncio.to_thread(clip.read_bytes)
        answer = await self.http.post("/api/v1/videos/upload", files={"file": (clip.name, content)})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["video_id"])

    async def import_from(self, url: str) -> str:
        """Have a file fetched; returns the video's id."""
        answer = await self.http.post("/api/v1/videos/import", json={"url": url})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["video_id"])

    async def row(self, video_id: str) -> Row:
        """The video as the api tells it."""
        answer = await self.http.get(f"/api/v1/videos/{video_id}")
        assert answer.status_code == 200, answer.text
        row: Row = answer.json()
        return row

    async def ended(self, video_id: str, *, within_seconds: float = 90) -> Row:
        """The row once it is ``ready`` or ``error``."""
        return await eventually(
            lambda: self.row(video_id), lambda row: row["status"] in ("ready", "error"), within_seconds=within_seconds
        )

    async def steps(self, video_id: str) -> dict[str, Row]:
        """Each activity of the newest run, by name."""
        answer = await self.http.get(f"/api/v1/videos/{video_id}/steps")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found: list[Row] = body["steps"] if isinstance(body, dict) else body
        return {step["activity"]: step for step in found}

    async def steps_by_id(self, video_id: str) -> dict[str, Row]:
        """Each activity of the newest run, by its id."""
        answer = await self.http.get(f"/api/v1/videos/{video_id}/steps")
        return {step["activity_id"]: step for step in answer.json()["steps"]}

    async def a_chunk_is_done(self, video_id: str) -> Row:
        """The first chunk that is encoded, once it is; which one comes first is up to the queue."""

        async def done() -> list[Row]:
            steps = (await self.steps_by_id(video_id)).values()
            return [step for step in steps if step["activity"] == "encode_chunk" and step["state"] == "completed"]

        return (await eventually(done, bool, within_seconds=60))[0]

    async def terminate(self, video_id: str) -> None:
        """End the video's run from outside, as an operator may."""
        client = await Client.connect(self.run.temporal)
        await client.get_workflow_handle(workflow_id(video_id)).terminate("a test")

    async def closed(self, video_id: str) -> dict[str, Row]:
        """The steps once the last of them, the cleaning of scratch, is through."""

        def is_clean(steps: dict[str, Row]) -> bool:
            return steps.get("clean_scratch", {}).get("state") == "completed"

        return await eventually(lambda: self.steps(video_id), is_clean)

    async def encoding(self, video_id: str) -> int:
        """Wait until the video is in mid-transcode; returns the process id of its ffmpeg.

        No progress is waited for: it is looked at once a second, and a short film may be ready by then.
        """
        encoder = await eventually(self._encoders, bool, within_seconds=60)
        assert (await self.row(video_id))["step"] is not None
        return encoder[0]

    async def _encoders(self) -> list[int]:
        return await asyncio.to_thread(lambda: [pid for pid in self.descendants() if _transcodes(pid)])

    def descendants(self) -> set[int]:
        """Every process below the worker."""
        return descendants_of(self.run.pids["worker"])

    async def stored_of(self, video_id: str) -> list[str]:
        """Keys of what is left of the video among originals and published files."""
        return [key for prefix in (ORIGINALS_PREFIX, PROCESSED_PREFIX) for key in await self._keys(prefix, video_id)]

    async def work_of(self, video_id: str) -> list[str]:
        """Keys of the video's work files."""
        return await self._keys(WORK_PREFIX, video_id)

    async def published(self, address: str, folder: Path) -> Path:
        """A published file, as a browser gets it, wherever it lies."""
        answer = await self.http.get(address, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        file = folder / Path(address).name
        await asyncio.to_thread(file.write_bytes, answer.content)
        return file

    async def original(self, key: str, folder: Path) -> Path:
        """An original, as it is stored; from a bucket a copy of it in the folder."""
        if self.bucket is None:
            return Path(self.run.uploads) / key
        copy = folder / "original"
        async with open_bucket(self.bucket, self.home.environment) as bucket:
            found = await bucket.head(key)
            assert found is not None
            with copy.open("wb") as file:
                for begin in range(0, found.size_bytes, _PIECE_BYTES):
                    file.write(await bucket.read(key, begin, min(begin + _PIECE_BYTES, found.size_bytes)))
        return copy

    async def _keys(self, prefix: str, video_id: str) -> list[str]:
        if self.bucket is not None:
            async with open_bucket(self.bucket, self.home.environment) as bucket:
                return [key async for key, _ in bucket.listed(f"{prefix}{video_id}")]
        folder = Path(self.home.environment["RUSHES_SCRATCH"] if prefix == WORK_PREFIX else self.run.uploads)
        found = await asyncio.to_thread(lambda: [path for path in folder.rglob("*") if path.is_file()])
        keys = [f"{prefix if prefix == WORK_PREFIX else ''}{path.relative_to(folder).as_posix()}" for path in found]
        return [key for key in keys if key.startswith(prefix) and video_id in key]


def _transcodes(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return b"libx264" in command
