"""Hostile files through a worker, which has to live: ``python -m tests.hostile.through_a_worker``."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from media.ffmpeg import Ffmpeg
from tests.end_to_end.conftest import serving, with_everything_allowed
from tests.end_to_end.service import Service
from tests.fixtures.clips import Clips
from tests.hostile.crafted import CONTAINERS, good_file
from tests.hostile.ending import READY
from tests.hostile.mutants import mutated

WITHIN_SECONDS: Final = 180.0
"""A failure that may be ffmpeg's is tried five times, half a minute in all."""

_AT_ONCE: Final = 16


async def endings_of(service: Service, sources: Sequence[Path]) -> Counter[str]:
    """Upload all; how often each ending came, ``ready`` or a code.

    Raises:
        TimeoutError: One had not ended in time.
    """
    counted: Counter[str] = Counter()
    waiting = iter(sources)

    async def work() -> None:
        for source in waiting:
            video_id = await service.upload(source)
            row = await service.ended(video_id, within_seconds=WITHIN_SECONDS)
            counted[row["error_code"] or READY] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(work())
    return counted


def mutants(clips: Clips, folder: Path, numbers: Sequence[int], endings: Sequence[str]) -> list[Path]:
    """These mutants, of containers with these endings in turn."""
    good = [good_file(clips, folder, ending) for ending in endings]
    made = []
    for number in numbers:
        kind = good[number % len(good)]
        made.append(folder / f"mutant-{number}{kind.suffix}")
        made[-1].write_bytes(mutated(kind.read_bytes(), number))
    return made


async def _main(count: int) -> int:
    ffmpeg = await Ffmpeg.locate()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = Clips(ffmpeg.ffmpeg_path, folder)
        sources = mutants(clips, folder, range(count), list(CONTAINERS))
        extensions = json.dumps(sorted({source.suffix for source in sources}))
        home = with_everything_allowed(folder).with_settings(RUSHES_ALLOWED_EXTENSIONS=extensions)
        async with serving(home) as service:
            worker, began = service.run.pids["worker"], time.monotonic()
            counted = await endings_of(service, sources)
            lives = service.run.pids["worker"] == worker
    told = ", ".join(f"{ending} {times}" for ending, times in counted.most_common())
    sys.stdout.write(
        f"{count} mutants through a worker in {time.monotonic() - began:.0f} s, "
        f"which {'lives' if lives else 'DIED'}: {told}\n"
    )
    return int(not lives or counted["internal"] > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="how many mutants (default: 500)")
    sys.exit(asyncio.run(_main(parser.parse_args().count)))
