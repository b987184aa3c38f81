"""One large upload, interrupted again and again, arrives intact: ``python -m tests.soak.interrupted``."""

import argparse
import asyncio
import contextlib
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final

from client.asynchronous import AsyncRushes
from client.begun_uploads import BegunUploads
from tests.end_to_end.conftest import in_the_bucket, serving, with_everything_allowed
from tests.fixtures.bucket import bucket_server
from tests.fixtures.stack import Home

_GIBIBYTE: Final = 1024**3
_BLOCK_BYTES: Final = 4 * 1024 * 1024


def write_file(path: Path, size_bytes: int, seed: int) -> str:
    """Bytes by chance; returns their SHA-256."""
    dice, digest = random.Random(seed), hashlib.sha256()  # noqa: S311  content, no secret
    with path.open("wb") as file:
        for begin in range(0, size_bytes, _BLOCK_BYTES):
            block = dice.randbytes(64) * (min(_BLOCK_BYTES, size_bytes - begin) // 64)
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def upload(home: Home, api: str, path: Path, begun: BegunUploads, times: int) -> tuple[str, int, int]:
    """Send the file; kill the api, or end the client, each time that another part of it was sent.

    Returns:
        The video's id, and how often each was interrupted.
    """
    size = await asyncio.to_thread(lambda: path.stat().st_size)
    killed = ended = 0
    for number in range(times + 1):
        goal = size if number == times else size * (number + 1) // (times + 1)
        reached = asyncio.Event()
        async with AsyncRushes(api) as client:
            tell = partial(_tell, goal, reached)
            task = asyncio.create_task(client.upload(path, begun=begun, on_sent=tell))
            if number == times:
                return await task, killed, ended
            await reached.wait()
            if number % 2:
                run = home.run_file
                assert run is not None
                os.kill(run.pids["api"], signal.SIGKILL)
                killed += 1
            else:
                ended += 1
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    raise AssertionError("the last time returns")


def _tell(goal: int, reached: asyncio.Event, sent: int, _size: int) -> None:
    if sent >= goal:
        reached.set()


async def interrupted(gibibytes: float, times: int, *, in_a_bucket: bool) -> bool:
    """Whether the original is the file, to the last byte."""
    async with contextlib.AsyncExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="rushes-interrupted-")))
        path = folder / "large.mp4"
        wanted = await asyncio.to_thread(write_file, path, int(gibibytes * _GIBIBYTE), 1)
        home = with_everything_allowed(folder).with_settings(RUSHES_UPLOAD_LEASE_SECONDS="2")
        if in_a_bucket:
            server = await resources.enter_async_context(bucket_server(folder / "bucket"))
            home = in_the_bucket(home, server)
        service = await resources.enter_async_context(serving(home))
        began = time.monotonic()
        begun = BegunUploads(folder / "begun")
        video_id, killed, ended = await upload(home, service.run.api, path, begun, times)
        seconds = time.monotonic() - began
        original = await service.original(f"originals/{video_id}.mp4", folder)
        found = await asyncio.to_thread(sha256, original)
    print(f"{gibibytes:g} GiB in {seconds:.0f} s, api killed {killed} times, client ended {ended} times")  # noqa: T201
    print("sha256 as sent" if found == wanted else f"sha256 {found} instead of {wanted}")  # noqa: T201
    return found == wanted


def main() -> int:
    """Print what came of it; 1 if a byte is wrong."""
    parser = argparse.ArgumentParser(prog="tests.soak.interrupted", description=__doc__)
    parser.add_argument("--gibibytes", type=float, default=5)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--bucket", action="store_true", help="the files are in a bucket, not on a disk")
    arguments = parser.parse_args()
    return int(not asyncio.run(interrupted(arguments.gibibytes, arguments.times, in_a_bucket=arguments.bucket)))


if __name__ == "__main__":
    sys.exit(main())
