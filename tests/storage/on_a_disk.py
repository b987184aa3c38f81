"""Tries every write on a disk that the test prepared, and says on stdout what each answered, as JSON.

Run as ``python -m tests.storage.on_a_disk UPLOADS SCRATCH``, in a mount or user namespace of its own.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable
from pathlib import Path

from contracts.errors import StorageFailed
from contracts.storage_keys import WorkFile, processed_folder
from storage.disk import DiskStorage
from storage.filesystem import told_as_storage_failed

MEBIBYTE = 1024 * 1024


async def answer_of(work: Awaitable[object]) -> str:
    """``ok``, or the sentence of the failure."""
    try:
        await work
    except StorageFailed as failure:
        return str(failure)
    return "ok"


async def upload(storage: DiskStorage, size_bytes: int) -> None:
    """Store an original as the api does: discarded when it fails."""
    writer = await storage.create_original("originals/clip.mp4")
    try:
        for _ in range(size_bytes // MEBIBYTE):
            await writer.write(bytes(MEBIBYTE))
        await writer.commit()
    finally:
        await writer.discard()


async def work(storage: DiskStorage, size_bytes: int) -> None:
    """Write a work file as a step does."""
    async with storage.create("work/v2/chunk.mp4") as path:
        # What ffmpeg would be refused, the disk's own refusal tells.
        with told_as_storage_failed("write", path.parent):
            path.write_bytes(bytes(size_bytes))


async def try_everything(uploads: Path, scratch: Path) -> dict[str, str]:
    """What each write answers; the last one with scratch on the disk that the test prepared."""
    storage = DiskStorage(uploads, scratch)
    return {
        "check": await answer_of(storage.check()),
        "upload": await answer_of(upload(storage, 8 * MEBIBYTE)),
        "publish": await answer_of(storage.publish("v1", {"video.mp4": WorkFile("work/v1/video.mp4", 8 * MEBIBYTE)})),
        "withdraw": await answer_of(storage.delete_folder(processed_folder("v3"))),
        "work": await answer_of(work(DiskStorage(scratch, uploads / "originals"), 8 * MEBIBYTE)),
    }


def left_on(uploads: Path) -> dict[str, list[str]]:
    """The files that are left."""
    return {"files": sorted(str(path.relative_to(uploads)) for path in uploads.rglob("*") if path.is_file())}


if __name__ == "__main__":
    answers = asyncio.run(try_everything(Path(sys.argv[1]), Path(sys.argv[2])))
    sys.stdout.write(json.dumps(answers | left_on(Path(sys.argv[1]))))
