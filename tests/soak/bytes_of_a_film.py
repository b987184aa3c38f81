"""How much four workers read from a bucket to encode one long film: ``python -m tests.soak.bytes_of_a_film``.

The film is an hour of small pictures, HEVC in an MP4, that every worker reaches through a proxy which counts.
"""

import argparse
import asyncio
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from cli.api_client import ApiClient
from cli.begun_uploads import BegunUploads
from cli.resuming import ResumingUpload
from embedded.ports import LOOPBACK
from media.ffmpeg import Ffmpeg
from storage.location import BucketLocation
from tests.end_to_end.conftest import with_everything_allowed
from tests.fixtures.bucket import BUCKET, bucket_server
from tests.fixtures.stack import running
from tests.soak.parts import Kept

_PIECE_SECONDS: Final = 30
_WITHIN_SECONDS: Final = 1800.0
_ROOT: Final = Path(__file__).resolve().parents[2]


class Counted:
    """Bytes that came from the server."""

    def __init__(self) -> None:
        """None yet."""
        self.read = 0

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, counts: bool) -> None:
        """Pass on all of one direction."""
        try:
            while some := await source.read(256 * 1024):
                self.read += len(some) if counts else 0
                target.write(some)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()


@asynccontextmanager
async def counting(port: int) -> AsyncIterator[tuple[str, Counted]]:
    """Another address of the server, and what was read through it."""
    counted, opened = Counted(), set[asyncio.Task[Any]]()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(LOOPBACK, port)
        await asyncio.gather(
            counted.carry(reader, server_writer, counts=False), counted.carry(server_reader, writer, counts=True)
        )

    def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(connected(reader, writer))
        opened.add(task)
        task.add_done_callback(opened.discard)

    listening = await asyncio.start_server(connect, LOOPBACK, 0, limit=1024 * 1024)
    try:
        yield f"http://{LOOPBACK}:{listening.sockets[0].getsockname()[1]}", counted
    finally:
        listening.close()
        for task in opened:
            task.cancel()


def draw(ffmpeg: Path, target: Path, minutes: int) -> None:
    """A film that has to be encoded: a piece with grain, again and again, with one unbroken sound."""
    piece = target.with_name("piece.mp4")
    picture = f"testsrc2=size=320x180:rate=25:duration={_PIECE_SECONDS},noise=alls=12:allf=t"
    hevc = ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "20", "-x265-params", "log-level=1:keyint=50"]
    quiet = [str(ffmpeg), "-v", "error", "-nostdin", "-y"]
    subprocess.run([*quiet, "-f", "lavfi", "-i", picture, *hevc, "-tag:v", "hvc1", str(piece)], check=True)
    sound = f"sine=frequency=440:duration={60 * minutes}"
    looped = ["-stream_loop", str(60 * minutes // _PIECE_SECONDS - 1), "-i", str(piece), "-f", "lavfi", "-i", sound]
    subprocess.run([*quiet, *looped, "-c:v", "copy", "-c:a", "aac", "-shortest", str(target)], check=True)


async def measure(minutes: int, workers: int) -> bool:
    """Print what was read; whether the film became ready."""
    ffmpeg = await Ffmpeg.locate()
    async with AsyncExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="rushes-film-")))
        server = await resources.enter_async_context(bucket_server(folder / "server"))
        address, counted = await resources.enter_async_context(counting(server.ports["s3.port"]))
        film = folder / "film.mp4"
        await asyncio.to_thread(draw, ffmpeg.ffmpeg_path, film, minutes)
        size = await asyncio.to_thread(lambda: film.stat().st_size)
        settings = server.environment | {
            "AWS_ENDPOINT_URL": address,
            "RUSHES_STORAGE": str(BucketLocation(BUCKET, f"{secrets.token_hex(4)}/")),
            "RUSHES_MEDIA_SLOTS": "1",
        }
        home = with_everything_allowed(folder).with_settings(**settings)
        run = await resources.enter_async_context(running(home))
        for number in range(1, workers):
            own = {"RUSHES_HOME": str(folder / f"{number}"), "RUSHES_SCRATCH": str(folder / f"{number}" / "scratch")}
            further = Kept(
                f"worker-{number}",
                (sys.executable, str(_ROOT / "worker.py"), "--queue", "video-media"),
                {**home.environment, "TEMPORAL_ADDRESS": run.temporal, **own},
            )
            await further.start()
            resources.push_async_callback(further.stop)
        await asyncio.sleep(5)  # until all of them have begun to ask for work
        async with ApiClient(run.api) as api:
            upload = ResumingUpload(api, film, {}, BegunUploads(folder / "begun.json"))
            video_id = await upload.send(on_sent=lambda _: None, on_broken=lambda _: None)
        counted.read, began = 0, time.monotonic()
        row = await _ended(run.api, video_id)
        steps = await _steps(run.api, video_id)
    took_part = {step["worker"] for step in steps if step["activity"] == "encode_chunk"}
    chunks = sum(step["activity"] == "encode_chunk" for step in steps)
    told = (
        f"{minutes} min, {size / 1e6:.0f} MB, {chunks} chunks by {len(took_part)} workers: {row['status']} after "
        f"{time.monotonic() - began:.0f} s, {counted.read / 1e6:.0f} MB read from the bucket, "
        f"{counted.read / size:.2f} x the film"
    )
    print(told)  # noqa: T201
    return bool(row["status"] == "ready")


async def _ended(api: str, video_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + _WITHIN_SECONDS
    async with httpx.AsyncClient(base_url=api, timeout=30) as client:
        while True:
            row: dict[str, Any] = (await client.get(f"/api/v1/videos/{video_id}")).json()
            if row["status"] in {"ready", "error"} or time.monotonic() > deadline:
                return row
            await asyncio.sleep(1)


async def _steps(api: str, video_id: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=api, timeout=30) as client:
        found: list[dict[str, Any]] = (await client.get(f"/api/v1/videos/{video_id}/steps")).json()["steps"]
        return found


def main() -> int:
    """Measure; 1 if the film did not become ready."""
    parser = argparse.ArgumentParser(prog="tests.soak.bytes_of_a_film", description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--workers", type=int, default=4)
    arguments = parser.parse_args()
    return int(not asyncio.run(measure(arguments.minutes, arguments.workers)))


if __name__ == "__main__":
    sys.exit(main())
