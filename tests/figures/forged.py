"""Runs that nobody here started, whoever may reach Temporal: ``python -m tests.figures.forged``."""

import argparse
import asyncio
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
from temporalio.client import Client, WorkflowFailureError

from contracts.processing import VideoDeletionInput, VideoProcessingInput
from contracts.storage_keys import original_key
from contracts.temporal_names import CONTROL_QUEUE, VIDEO_DELETION_WORKFLOW, VIDEO_PROCESSING_WORKFLOW
from tests.end_to_end.service import Service
from tests.figures.stage import a_folder, a_service, drawn_clips, ready, seconds_of, tell
from tests.fixtures.clips import Clip

_NO_IDS: Final = ("", "no-uuid", "../originals", "originals/", "0" * 32, "a" * 5000, "{id}", "urn:uuid:" + "0" * 36)
_WITHIN_SECONDS: Final = 120
Forged = tuple[str, VideoProcessingInput | VideoDeletionInput]


def forged(video_id: str, failed_id: str) -> Iterator[Forged]:
    """What somebody may ask for who knows the ids and keys of a ready video and of one in error."""
    kept, nobody = original_key(video_id, ".mp4"), str(uuid4())
    for no_id in (*_NO_IDS, video_id.upper(), nobody):
        for imported, reprocess in ((False, False), (True, False), (False, True)):
            request = VideoProcessingInput(no_id, "local", kept, imported=imported, reprocess=reprocess)
            yield VIDEO_PROCESSING_WORKFLOW, request
        yield VIDEO_DELETION_WORKFLOW, VideoDeletionInput(no_id, "local", kept)
    for real in (video_id, failed_id):
        for attempt in (0, 1, 2, 7):
            for reprocess in (False, True):
                yield VIDEO_PROCESSING_WORKFLOW, VideoProcessingInput(real, "eve", kept, attempt, reprocess=reprocess)
        yield VIDEO_DELETION_WORKFLOW, VideoDeletionInput(real, "eve", kept)


async def rows_of(service: Service) -> list[tuple[Any, ...]]:
    """Every row of a video, with all that it says."""
    async with await psycopg.AsyncConnection.connect(service.run.database) as connection:
        return await (await connection.execute("SELECT * FROM videos ORDER BY id")).fetchall()


def files_of(service: Service) -> dict[str, str]:
    """Every stored file, and what it is."""
    files = [path for path in Path(service.run.uploads).rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def end_of(client: Client, one: Forged, run: str) -> float:
    """How long the run lasts, which has to fail."""
    kind, request = one
    began = time.monotonic()
    handle = await client.start_workflow(kind, request, id=run, task_queue=CONTROL_QUEUE)
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            await handle.result()
    except WorkflowFailureError:
        return time.monotonic() - began
    raise AssertionError(f"{one} came to a good end")


async def measure(times: int) -> None:
    """Start a stack with a video and one in error, forge, and tell."""
    clips = await drawn_clips()
    with a_folder() as folder:
        async with a_service(folder) as service:
            (video_id,) = await ready(service, clips.path(Clip.SHORT_WITH_SOUND), 1)
            failed_id = await service.upload(clips.path(Clip.TEXT_NAMED_MP4))
            assert (await service.ended(failed_id))["status"] == "error"
            for one in (video_id, failed_id):
                await service.closed(one)
            before, files = await rows_of(service), await asyncio.to_thread(files_of, service)
            client = await Client.connect(service.run.temporal)
            every = [one for _ in range(times) for one in forged(video_id, failed_id)]
            runs = [end_of(client, one, f"forged-{number}") for number, one in enumerate(every)]
            took = await asyncio.gather(*runs)
            changed = [row for row in await rows_of(service) if row not in before]
            assert len(await rows_of(service)) == len(before)
            assert changed == []
            assert await asyncio.to_thread(files_of, service) == files
    tell(
        f"forged runs: {len(every)} at once, with ids that no row has and with those of videos, to process, fetch, "
        f"make anew and delete: each ended by itself, {seconds_of(took)}; rows and files changed: {len(changed)}"
    )


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.forged", description=__doc__)
    parser.add_argument("--times", type=int, default=2, help="how often each form is started")
    asyncio.run(measure(parser.parse_args().times))


if __name__ == "__main__":
    main()
