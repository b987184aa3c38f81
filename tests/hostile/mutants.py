"""Good files with some of their bytes changed: each ends well or with a code. ``python -m tests.hostile.mutants``."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from media.ffmpeg import Ffmpeg
from tests.fixtures.clips import Clips
from tests.hostile.crafted import CONTAINERS, good_file
from tests.hostile.ending import BOUNDS, ending_of

SEED: Final = 20_260
_AT_ONCE: Final = 2
_HEAD_BYTES: Final = 1500
"""Half of the changes are made here, where a container says what it holds."""


def mutated(content: bytes, number: int) -> bytes:
    """The same for each number: one to twenty bytes changed, or a piece taken out, doubled, or cut off."""
    dice = random.Random(SEED + number)  # noqa: S311  not a secret, but the same each time
    changed = bytearray(content)
    for _ in range(dice.randint(1, 20)):
        within = len(changed) if dice.random() < 0.5 else min(_HEAD_BYTES, len(changed))
        changed[dice.randrange(within)] = dice.choice((0, 0x7F, 0x80, 0xFF, dice.randrange(256)))
    begin, length = dice.randrange(len(changed)), dice.randrange(1, 400)
    match dice.randrange(8):
        case 0:
            del changed[begin : begin + length]
        case 1:
            changed[begin:begin] = changed[begin : begin + length]
        case 2:
            del changed[begin:]
        case _:
            pass
    return bytes(changed)


async def endings(ffmpeg: Ffmpeg, folder: Path, count: int) -> Counter[str]:
    """Make so many mutants, of each container in turn, and tell how often each ending came.

    Raises:
        Exception: One ended in neither way; a note says which it was.
    """
    clips = Clips(ffmpeg.ffmpeg_path, folder)
    good = [good_file(clips, folder, ending) for ending in CONTAINERS]
    counted: Counter[str] = Counter()
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            kind = good[number % len(good)]
            source = folder / f"mutant-{number}{kind.suffix}"
            source.write_bytes(mutated(kind.read_bytes(), number))
            try:
                counted[await ending_of(ffmpeg, source, folder)] += 1
            except BaseException as error:
                error.add_note(f"mutant {number} of {kind.name}")
                raise
            source.unlink()

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(work())
    return counted


async def _main(count: int) -> None:
    ffmpeg = await Ffmpeg.locate(sandbox="auto", bounds=BOUNDS)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counted = await endings(ffmpeg, Path(folder), count)
    told = ", ".join(f"{ending} {times}" for ending, times in counted.most_common())
    sys.stdout.write(f"{count} mutants in {time.monotonic() - began:.0f} s, {ffmpeg.sandbox.layer}: {told}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="how many mutants (default: 500)")
    asyncio.run(_main(parser.parse_args().count))
