"""How long a backup and its restore take, until all plays again: ``python -m tests.figures.backup``."""

import argparse
import asyncio
import hashlib
import os
import secrets
import shutil
import signal
import time
from collections.abc import Sequence
from typing import Final

from storage.marking import OWNER
from tests.end_to_end.conftest import serving, with_everything_allowed
from tests.end_to_end.service import Service
from tests.end_to_end.test_backup import done
from tests.figures.stage import a_folder, drawn_clips, ready, tell
from tests.fixtures.clips import Clip

_WITHIN_SECONDS: Final = 600


async def films(service: Service, videos: Sequence[str]) -> list[str]:
    """The SHA-256 of each film, as a browser gets it."""
    digests = []
    for video in videos:
        answer = await service.http.get((await service.row(video))["url_mp4"])
        answer.raise_for_status()
        digests.append(hashlib.sha256(answer.content).hexdigest())
    return digests


async def measure(count: int, on_their_way: int) -> None:
    """Make videos, take a backup in mid-run, restore it elsewhere, and tell."""
    clip = (await drawn_clips()).path(Clip.SHORT_WITH_SOUND)
    with a_folder() as folder:
        before, after = (with_everything_allowed(folder / name) for name in ("before", "after"))
        dump, files = folder / "rows.dump", folder / "files"
        async with serving(before) as service:
            videos = await ready(service, clip, count)
            content = await films(service, videos)
            os.kill(service.run.pids["worker"], signal.SIGSTOP)
            begun = [await service.upload(clip) for _ in range(on_their_way)]
            began = time.monotonic()
            await done(before, "database", "dump", str(dump))
            dumped = time.monotonic() - began
            await asyncio.to_thread(shutil.copytree, service.run.uploads, files)
            copied = time.monotonic() - began - dumped
            os.kill(service.run.pids["worker"], signal.SIGCONT)
        (files / OWNER).write_text(secrets.token_hex(16))  # the clusters of tests are copies of one, and so the same
        async with serving(after) as service:
            began = time.monotonic()
            await asyncio.to_thread(shutil.copytree, files, service.run.uploads, dirs_exist_ok=True)
            await done(after, "database", "restore", str(dump))
            await done(after, "migrate")
            restored = time.monotonic() - began
            assert await films(service, videos) == content, "each plays, and is what it was"
            played = time.monotonic() - began
            for video in begun:
                ended = await service.ended(video, within_seconds=_WITHIN_SECONDS)
                assert ended["status"] == "ready", ended
            made = time.monotonic() - began
            assert (await after.rushes("verify")).code == 0
    tell(
        f"a backup of {count} videos and {on_their_way} in mid-run: dump {dumped:.1f} s, copy {copied:.1f} s; restored "
        f"into an empty stack in {restored:.1f} s, {count} of {count} played to the byte after {played:.1f} s, "
        f"{on_their_way} of {on_their_way} that were in mid-run ready after {made:.0f} s; `rushes verify` finds nothing"
    )


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.backup", description=__doc__)
    parser.add_argument("--videos", type=int, default=20, help="how many are ready")
    parser.add_argument("--on-their-way", type=int, default=5, help="how many are in mid-run")
    said = parser.parse_args()
    asyncio.run(measure(said.videos, said.on_their_way))


if __name__ == "__main__":
    main()
