"""What a move that is killed sends again, and leaves: ``python -m tests.figures.moving``."""

import argparse
import asyncio
import hashlib
import random
from collections import Counter
from pathlib import Path
from typing import Final

from storage.bucket_client import open_bucket
from storage.location import BucketLocation
from tests.figures.stage import a_folder, tell
from tests.fixtures.bucket import BUCKET, bucket_server
from tests.fixtures.noise import noise
from tests.fixtures.stack import Home, make_home
from tests.storage.test_bucket_failures import through_a_narrow_way
from tests.waiting import eventually

_MEBIBYTE: Final = 1024 * 1024
_BYTES_A_SECOND: Final = 64 * _MEBIBYTE
_KEY: Final = "originals/v1.mp4"
_BLOCK: Final = noise(_MEBIBYTE)


async def kill_in_the_midst(home: Home, command: tuple[str, ...], carried: Counter[str], way: str, after: int) -> None:
    """Begin a move, and kill it once it has carried so many bytes."""
    before = carried[way]
    process = await home.begin(*command)

    async def enough() -> bool:
        return carried[way] - before >= after or process.returncode is not None

    await eventually(enough, bool, within_seconds=120)
    assert process.returncode is None, "it was over before"
    process.kill()
    await process.communicate()


async def move(home: Home, ends: tuple[str, str], carried: Counter[str], way: str, kills: int, size: int) -> str:
    """Kill it again and again, then let it go on to its end; what is to be said of it."""
    command, dice = ("storage", "migrate", *ends), random.Random(kills)  # noqa: S311 - the same each time
    for _ in range(kills):
        await kill_in_the_midst(home, command, carried, way, dice.randrange(5, 70) * _MEBIBYTE)
    moved = await home.rushes(*command, within_seconds=300)
    assert "1 files copied" in moved.out, moved
    again = carried[way] - size
    assert again < kills * 70 * _MEBIBYTE
    return f"{carried[way] / _MEBIBYTE:.0f} MiB were carried, {again / _MEBIBYTE / kills:.0f} again for each kill"


async def measure(mebibytes: int, kills: int) -> None:
    """Start a bucket, move into it and out of it, and tell."""
    with a_folder() as folder:
        uploads, back = folder / "uploads", folder / "back"
        original = uploads / _KEY
        original.parent.mkdir(parents=True)
        digest, size = await asyncio.to_thread(_write, original, mebibytes), mebibytes * _MEBIBYTE
        home = make_home(folder)
        async with bucket_server(folder / "bucket") as server:
            carried = Counter[str]()
            async with through_a_narrow_way(server, _BYTES_A_SECOND, carried) as slow:
                slowly = home.with_settings(**slow, RUSHES_SCRATCH=str(folder / "scratch"))
                place = f"s3://{BUCKET}/moved"
                told = await move(slowly, (str(uploads), place), carried, "there", kills, size)
                async with open_bucket(BucketLocation(BUCKET, "moved/"), server.environment) as bucket:
                    left = len(await bucket.all_unfinished(""))
                assert left == 0
                tell(
                    f"a move of {mebibytes} MiB into a bucket, killed {kills} times: {told}; uploads begun and "
                    f"left: {left}"
                )
                carried.clear()
                told = await move(slowly, (place, str(back)), carried, "back", kills, size)
        assert await asyncio.to_thread(_digest, back / _KEY) == digest, "there and back it is the same file"
        others = [path.name for path in (back / "originals").iterdir() if path.name != Path(_KEY).name]
        assert others == []
        tell(f"the same back onto a disk: {told}; part files left: {len(others)}; its SHA-256 is what it was")


def _write(path: Path, mebibytes: int) -> str:
    with path.open("wb") as file:
        for number in range(mebibytes):
            file.write(number.to_bytes(8, "big") + _BLOCK[8:])
    return _digest(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.moving", description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=256, help="size of the file")
    parser.add_argument("--kills", type=int, default=5, help="how often each move is killed")
    said = parser.parse_args()
    asyncio.run(measure(said.mebibytes, said.kills))


if __name__ == "__main__":
    main()
