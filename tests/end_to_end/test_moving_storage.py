"""The files of a service that takes uploads move into a bucket, and it goes on there."""

import asyncio
from pathlib import Path

import pytest

from tests.end_to_end.conftest import in_the_bucket, serving, with_everything_allowed
from tests.fixtures.bucket import BucketServer
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.stack import Home

pytestmark = pytest.mark.timeout(180)


async def test_files_move_into_a_bucket_while_uploads_come_and_none_is_missing_there(
    tmp_path: Path, shared_bucket_server: BucketServer, clips: Clips
) -> None:
    on_a_disk = with_everything_allowed(tmp_path)
    in_a_bucket = in_the_bucket(on_a_disk, shared_bucket_server)
    clip = clips.path(Clip.SHORT_WITH_SOUND)

    async def move(home: Home, uploads: str) -> str:
        told = await home.rushes("storage", "migrate", uploads, home.environment["RUSHES_STORAGE"])
        assert told.code == 0, told
        return told.out

    async with serving(on_a_disk) as service:
        uploads = service.run.uploads
        sent = [await service.upload(clip)]
        await service.ended(sent[0])
        moving = asyncio.create_task(move(in_a_bucket, uploads))
        while not moving.done():
            sent.append(await service.upload(clip))
            await service.ended(sent[-1])
        assert "0 files copied" not in await moving
        sent.append(await service.upload(clip))
        await service.ended(sent[-1])
    assert len(sent) > 2, "nothing came while it was moved"

    async with serving(in_a_bucket) as service:
        assert "0 files copied" not in await move(in_a_bucket, uploads), "the last came after the first command"
        for video_id in sent:
            row = await service.row(video_id)
            assert row["status"] == "ready", row
        compared = await in_a_bucket.rushes("verify")
        assert f"Videos compared: {len(sent)}. All files are right." in compared.out, compared
