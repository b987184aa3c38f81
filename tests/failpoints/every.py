"""Die at every step there is, one after the other: ``make failpoints``."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from media.ffmpeg import Ffmpeg
from storage.location import BucketLocation
from tests.end_to_end.conftest import with_everything_allowed
from tests.failpoints.scenarios import PLACES, PLACES_IN_A_BUCKET, Walk
from tests.failpoints.trial import Trial, trial
from tests.fixtures.bucket import BUCKET, bucket_server
from tests.fixtures.clips import Clips


async def _walk_all(made: Trial, places: Mapping[Walk, tuple[str, ...]], only: str) -> int:
    """Walk each; returns how many did not end well."""
    failed = 0
    for walk, each in places.items():
        for place in each:
            name = f"{walk.__name__} {place}"
            if only not in name:
                continue
            began = time.monotonic()
            try:
                await made.walk(walk, place)
                ended = "ok"
            except (AssertionError, TimeoutError) as error:
                failed += 1
                ended = f"FAILED {type(error).__name__} {error}"
            print(f"{time.monotonic() - began:5.1f} s  {name}  {ended}", flush=True)  # noqa: T201
    return failed


async def every(only: str) -> int:
    """On a disk, then what is another thing in a bucket."""
    ffmpeg = await Ffmpeg.locate()
    with tempfile.TemporaryDirectory(prefix="rushes-failpoints-") as name:
        folder = Path(name)
        (folder / "clips").mkdir()
        clips = Clips(ffmpeg.ffmpeg_path, folder / "clips")
        on_disk, in_bucket = folder / "on a disk", folder / "in a bucket"
        async with trial(with_everything_allowed(on_disk), folder, clips) as made:
            failed = await _walk_all(made, PLACES, only)
        async with bucket_server(folder / "server") as server:
            home = with_everything_allowed(in_bucket).with_settings(
                **server.environment, RUSHES_STORAGE=str(BucketLocation(BUCKET, f"{secrets.token_hex(4)}/"))
            )
            async with trial(home, folder, clips) as made:
                failed += await _walk_all(made, PLACES_IN_A_BUCKET, only)
    return failed


def main() -> int:
    """Print how each ended; 1 if one did not end well."""
    parser = argparse.ArgumentParser(prog="make failpoints", description=__doc__)
    parser.add_argument("--only", default="", help="a part of the name")
    return int(asyncio.run(every(parser.parse_args().only)) > 0)


if __name__ == "__main__":
    sys.exit(main())
