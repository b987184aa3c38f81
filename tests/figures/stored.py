"""What ``rushes verify`` finds of files that were harmed, and makes again: ``python -m tests.figures.stored``."""

import argparse
import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from media.ffmpeg import Ffmpeg
from tests.end_to_end.conftest import serving, with_everything_allowed
from tests.end_to_end.service import Service
from tests.fixtures.clips import Clip, Clips
from tests.waiting import eventually

_WELL_WITHIN_SECONDS: Final = 600


def _turn_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _cut_a_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


HARMS: Final[Sequence[Callable[[Path], None]]] = (_turn_a_byte, _cut_a_byte, Path.unlink)


def harm(paths: Iterable[Path]) -> None:
    """Each in another way than the one before."""
    for path, one in zip(paths, itertools.cycle(HARMS), strict=False):
        one(path)


async def named(service: Service) -> set[str]:
    """Keys of the files, or folders of them, that are said to be wrong."""
    verified = await service.home.rushes("verify", "--json")
    return {json.loads(line)["key"] for line in verified.out.splitlines()}


async def tell_harmed(service: Service, videos: Sequence[str]) -> None:
    """Published files that are harmed and made again, then originals, then files of which no row speaks."""
    uploads = Path(service.run.uploads)
    published = [f"processed/{video}/{name}" for video in videos for name in ("video.mp4", "thumbnail.jpg")]
    harm(uploads / key for key in published)
    began = time.monotonic()
    found = len(await named(service) & set(published))
    seconds = time.monotonic() - began
    print(f"published files harmed: {found} of {len(published)} named, in {seconds:.1f} s")  # noqa: T201

    async def all_is_right() -> bool:
        assert {(await service.row(video))["status"] for video in videos} == {"ready"}
        return await named(service) == set()

    began = time.monotonic()
    await service.home.rushes("verify", "--repair")
    await eventually(all_is_right, bool, within_seconds=_WELL_WITHIN_SECONDS)
    seconds = time.monotonic() - began
    print(f"{len(videos)} videos made again, ready all the while, in {seconds:.0f} s")  # noqa: T201

    originals = [f"originals/{video}.mp4" for video in videos]
    nobodys = [f"originals/{uuid4()}.mp4" for _ in videos]
    harm(uploads / key for key in originals)
    for key in nobodys:
        (uploads / key).write_bytes(b"accepted after the dump that was put back")
    wrong = await named(service)
    print(  # noqa: T201
        f"originals harmed: {len(wrong & set(originals))} of {len(originals)} named; of which no row speaks, and that "
        f"came just now: {len(wrong & set(nobodys))} of {len(nobodys)}; anything else: "
        f"{len(wrong - set(originals) - set(nobodys))}"
    )


async def measure(count: int) -> None:
    """Start a stack, and tell."""
    ffmpeg = await Ffmpeg.locate()
    with tempfile.TemporaryDirectory(prefix="rushes-figures-") as name:
        home = with_everything_allowed(Path(name))
        clip = Clips(ffmpeg.ffmpeg_path, Path(name)).path(Clip.SHORT_WITH_SOUND)
        async with serving(home) as service:
            videos = [await service.upload(clip) for _ in range(count)]
            for video in videos:
                assert (await service.ended(video, within_seconds=_WELL_WITHIN_SECONDS))["status"] == "ready"
            await tell_harmed(service, videos)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.stored", description=__doc__)
    parser.add_argument("--videos", type=int, default=30, help="how many")
    asyncio.run(measure(parser.parse_args().videos))


if __name__ == "__main__":
    main()
