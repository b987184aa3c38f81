"""Parts of puts that were killed, and the next put of the same: ``python -m tests.figures.killed_puts``."""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from contracts.storage_keys import processed_key, work_key
from storage.bucket import BucketStorage
from storage.bucket_client import open_bucket
from storage.bucket_objects import Bucket
from storage.local_copies import LocalCopies
from storage.location import BucketLocation
from tests.figures.stage import a_folder, tell
from tests.fixtures.bucket import BUCKET, bucket_server
from tests.fixtures.noise import noise
from tests.storage.published import content_of

_MEBIBYTE: Final = 1024 * 1024
_COPIED_AT_ONCE: Final = 16 * _MEBIBYTE
_WORK: Final = work_key("v1", "chunk-001.mp4")
_PUBLISHED: Final = processed_key("v1", "video.mp4")
_OTHERS: Final = work_key("v1", "chunk-002.mp4")
_CONTENT: Final = noise(70 * _MEBIBYTE)
_HERE: Final = BucketLocation(BUCKET, "killed/")


async def put(bucket: Bucket, scratch: Path) -> None:
    """As a worker puts what it made."""
    copies = LocalCopies(scratch, 1024 * _MEBIBYTE)
    async with BucketStorage(bucket, copies).create(_WORK) as path:
        path.write_bytes(_CONTENT)
        tell("begins")
    await copies.close()


async def publish(bucket: Bucket, _scratch: Path) -> None:
    """As it publishes a file that is too large for one request."""
    tell("begins")
    assert await bucket.copy(_WORK, _PUBLISHED, len(_CONTENT), at_once_bytes=_COPIED_AT_ONCE)


_KINDS: Final = {"put": put, "publish": publish}
_KEYS: Final = {"put": _WORK, "publish": _PUBLISHED}


async def do(kind: str, scratch: Path, environment: Mapping[str, str]) -> None:
    """One of them, in the bucket that the environment names."""
    async with open_bucket(_HERE, environment) as bucket:
        await _KINDS[kind](bucket, scratch)


async def begin(kind: str, scratch: Path, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    """The same in a process of its own, from when it begins to put."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.figures.killed_puts", "--do", kind, str(scratch)),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begins\n"
    return process


async def tell_killed(bucket: Bucket, kind: str, kills: int, scratch: Path, environment: Mapping[str, str]) -> None:
    """Kill it at moments of its whole length, one after the other, and let the next one come to its end."""
    (process, began), dice = (await begin(kind, scratch, environment), time.monotonic()), random.Random(kills)  # noqa: S311
    assert await process.wait() == 0
    length = time.monotonic() - began
    await bucket.delete(_KEYS[kind])
    left = left_bytes = 0
    for _ in range(kills):
        process = await begin(kind, scratch, environment)
        await asyncio.sleep(dice.random() * length)
        if process.returncode is None:
            process.kill()
        await process.wait()
        sizes = [
            (await bucket.put_so_far(one))[0] for one, _ in await bucket.all_unfinished("") if one.key == _KEYS[kind]
        ]
        left, left_bytes = left + bool(sizes), left_bytes + sum(sizes)
        await bucket.delete(_KEYS[kind])  # where it was just over
    process = await begin(kind, scratch, environment)
    assert await process.wait() == 0
    unfinished = [one.key for one, _ in await bucket.all_unfinished("")]
    assert unfinished == [_OTHERS], "that of another file stays"
    copies = LocalCopies(scratch, 0)
    assert await content_of(BucketStorage(bucket, copies), _KEYS[kind]) == _CONTENT
    await copies.close()
    tell(
        f"{kind}: killed {kills} times within {length:.1f} s, {left} left something, {left_bytes / _MEBIBYTE:.0f} MiB; "
        f"after the next one {len(unfinished) - 1} uploads of it were left, and that of another file beside it"
    )


async def measure(kills: int) -> None:
    """Start a bucket, and tell."""
    with a_folder() as folder:
        async with bucket_server(folder / "bucket") as server, open_bucket(_HERE, server.environment) as bucket:
            await bucket.put_part(await bucket.begin_parts(_OTHERS), 1, noise(_MEBIBYTE))
            for kind in _KINDS:
                await tell_killed(bucket, kind, kills, folder / "scratch", server.environment)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.killed_puts", description=__doc__)
    parser.add_argument("--kills", type=int, default=8, help="how often each is killed")
    parser.add_argument("--do", nargs=2, metavar=("KIND", "SCRATCH"), help="do that alone, once")
    said = parser.parse_args()
    if said.do is not None:
        asyncio.run(do(said.do[0], Path(said.do[1]), os.environ))
        return
    asyncio.run(measure(said.kills))


if __name__ == "__main__":
    main()
