"""Uploads on their way: how many at a time, how long a row outlives its process, what becomes of those that break."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from contracts.errors import DatabaseUnavailable
from contracts.refusals import Refused
from contracts.status import SEEN_STATUSES, VideoStatus
from database.engine import Database
from database.upload_leases import UploadLeases
from ingest.open_uploads import OpenUploads
from storage.disk import DiskStorage
from tests.api.forms import file_part
from tests.api.running import over_http, until
from tests.api.test_upload_over_http import UPLOAD, begin_upload, files_in, videos_in
from tests.api.tus import append, created
from tests.database.samples import new_video

CLIP = {"file": ("clip.mp4", b"x")}


async def test_a_row_is_kept_for_as_long_as_its_upload_takes(
    services: Services, options: ApiOptions, database: Database
) -> None:
    expiries: set[datetime | None] = set()

    async def renewed() -> bool:
        expiries.update(video.upload_expires_at for video in await videos_in(database, VideoStatus.UPLOADING))
        return len(expiries) > 3

    async with over_http(services, replace(options, limits=replace(options.limits, lease_seconds=0.6))) as http:
        _, writer = await begin_upload(http, "Content-Length: 7000000", body=file_part(b"x" * 1000))
        await until(renewed)
        assert await database.backlog.expired_uploads(limit=10) == []
        writer.close()


async def test_the_key_of_a_process_that_died_is_free_with_its_lease(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, uploads_folder: Path
) -> None:
    left = await database.videos.create_uploading(new_video(), "key")
    writer = await storage.create_original(left.original_key)
    await writer.write(b"half")
    await writer.keep()
    await writer.close()
    headers = {"Idempotency-Key": "key"}
    assert (await client.post(UPLOAD, headers=headers, files=CLIP)).json()["code"] == "upload_in_progress"
    await database.upload_leases.extend([left.id], -1)
    answer = await client.post(UPLOAD, headers=headers, files=CLIP)
    assert answer.status_code == 202
    assert answer.json()["video_id"] != str(left.id)
    [closed] = await videos_in(database, VideoStatus.ERROR)
    assert (closed.id, closed.error_code) == (left.id, "upload_interrupted")
    assert not any(str(left.id) in name for name in files_in(uploads_folder))


async def test_one_upload_more_than_are_taken_at_a_time_is_told_to_come_back(
    services: Services, options: ApiOptions, database: Database
) -> None:
    async def begun() -> bool:
        return bool(await videos_in(database, VideoStatus.UPLOADING))

    async with over_http(services, replace(options, limits=replace(options.limits, most_open=1))) as http:
        _, writer = await begin_upload(http, "Content-Length: 7000000", body=file_part(b"x" * 1000))
        await until(begun)
        refused = await http.post(UPLOAD, files=CLIP)
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_uploads")
        assert int(refused.headers["Retry-After"]) > 0
        url = await created(http, 1)  # one by tus counts once bytes of it come
        refused = await append(http, url, 0, b"x")
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_uploads")
        writer.close()

        async def taken() -> bool:
            return (await http.post(UPLOAD, files=CLIP)).status_code == 202

        await until(taken)


class CountedLeases(UploadLeases):
    """Away for the first question, and remembers each."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.closed: set[UUID] = set()

    async def interrupt(self, reasons: Mapping[UUID, str]) -> None:
        self.asked.append(len(reasons))
        if len(self.asked) == 1:
            raise DatabaseUnavailable("away")
        self.closed.update(reasons)


async def test_one_user_can_not_take_the_places_of_all_others() -> None:
    uploads = OpenUploads(CountedLeases(), most=3, most_of_one=2, lease_seconds=30)
    with uploads.counted("ann"), uploads.counted("ann"):
        with pytest.raises(Refused, match="2 of your uploads"), uploads.counted("ann"):
            pass
        with uploads.counted("bob"), pytest.raises(Refused, match="3 uploads are on their way"):
            uploads.counted("cem").__enter__()
    with uploads.counted("ann"):
        pass


async def test_rows_of_senders_that_vanish_by_the_thousand_are_closed_in_a_few_statements() -> None:
    leases = CountedLeases()
    uploads = OpenUploads(leases, most=10, most_of_one=10, lease_seconds=30, pause_seconds=0.01)
    gone = {uuid4() for _ in range(1500)}
    for video_id in gone:
        uploads.broke(video_id, "The connection ended.")
    await uploads.settle()
    assert leases.closed == gone
    assert leases.asked == [500, 500, 500, 500], "the first of them was not answered"


async def test_a_row_that_has_moved_on_is_not_closed_with_the_others(database: Database) -> None:
    moved, broken = [await database.videos.create_uploading(new_video(), None) for _ in range(2)]
    await database.videos.finish_upload(moved.id, file_size_bytes=1, content_sha256="0" * 64)
    await database.upload_leases.interrupt({moved.id: "Gone.", broken.id: "Gone."})
    rows = {video.id: video for status in SEEN_STATUSES for video in await videos_in(database, status)}
    assert rows[moved.id].status == VideoStatus.PROCESSING
    assert (rows[broken.id].status, rows[broken.id].error_reason) == (VideoStatus.ERROR, "Gone.")
