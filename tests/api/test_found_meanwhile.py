"""An upload that fails here after another has found its file whole is accepted, and its only copy stays."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from api.options import ApiOptions
from api.services import Services
from contracts.errors import DatabaseUnavailable, StorageFailed
from contracts.refusals import QuotaExceeded
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from database.videos import Videos
from runs.expired import ExpiredUploads
from storage.disk import DiskStorage
from storage.disk_original import DiskOriginalWriter
from storage.protocol import Claim
from tests.api.running import RecordedRuns, in_process, services_of

UPLOAD = "/api/v1/videos/upload"
CONTENT = b"the only copy"


async def let_its_time_be_over(database: Database, video_id: UUID) -> None:
    async with database.transaction() as session:
        over = "UPDATE videos SET upload_expires_at = now() - interval '1 second' WHERE id = :id"
        await session.execute(text(over), {"id": video_id})


async def found_by_another(database: Database, storage: DiskStorage, video_id: UUID) -> None:
    """As while this process was stopped for longer than its lease: the row's time is over, and who leads looks."""
    await let_its_time_be_over(database, video_id)
    video = await database.videos.get(video_id)
    assert video is not None
    found = await ExpiredUploads(database.videos, database.backlog, storage).end(video)
    assert found is not None
    assert found.status == VideoStatus.PROCESSING


class FailsOnceItStands(DiskStorage):
    """A disk that refuses to make the folder durable after the file has its name."""

    database: Database

    async def create_original(self, key: str, claim: Claim | None = None) -> DiskOriginalWriter:
        storage = self

        class Writer(DiskOriginalWriter):
            async def commit(self) -> None:
                await super().commit()
                await storage.meanwhile(UUID(Path(key).stem))
                raise StorageFailed("The disk reports a fault.")

        writer = Writer(self._path(key))
        await writer.open(claim)
        return writer

    async def meanwhile(self, video_id: UUID) -> None:
        await found_by_another(self.database, self, video_id)


class CancelledOnceItStands(FailsOnceItStands):
    async def meanwhile(self, video_id: UUID) -> None:
        assert await self.database.videos.cancel_unstarted(video_id, None)


class DeletedOnceItStands(FailsOnceItStands):
    async def meanwhile(self, video_id: UUID) -> None:
        assert await self.database.videos.delete(video_id)


class ExpiredOnceItStands(FailsOnceItStands):
    async def meanwhile(self, video_id: UUID) -> None:
        await let_its_time_be_over(self.database, video_id)
        assert await self.database.backlog.expire(video_id)


def kept_in(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in (folder / "originals").iterdir()]


async def send(services: Services, options: ApiOptions) -> httpx.Response:
    async with in_process(services, options) as client:
        return await client.post(UPLOAD, files={"file": ("clip.mp4", CONTENT)})


async def test_a_file_that_was_found_whole_stays_when_the_disk_fails_after_it_stands(
    database: Database, runs: RecordedRuns, options: ApiOptions, uploads_folder: Path, tmp_path: Path
) -> None:
    storage = FailsOnceItStands(uploads_folder, tmp_path / "scratch")
    storage.database = database
    answer = await send(services_of(database, storage, runs), options)
    assert (answer.status_code, answer.json()["status"]) == (202, VideoStatus.PROCESSING)
    assert kept_in(uploads_folder) == [CONTENT]
    assert len(runs.started) == 1


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (CancelledOnceItStands, "The upload was ended while it came: The video was cancelled."),
        (DeletedOnceItStands, "The video was deleted during its upload."),
        (
            ExpiredOnceItStands,
            "The upload was ended while it came: The upload did not finish in the time that it may take. Upload the "
            "video again.",
        ),
    ],
)
async def test_a_file_whose_upload_was_ended_goes_when_the_disk_fails_after_it_stands_and_it_is_told_how(
    database: Database,
    runs: RecordedRuns,
    options: ApiOptions,
    uploads_folder: Path,
    tmp_path: Path,
    ended: type[FailsOnceItStands],
    told: str,
) -> None:
    storage = ended(uploads_folder, tmp_path / "scratch")
    storage.database = database
    answer = await send(services_of(database, storage, runs), options)
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_withdrawn")
    assert answer.json()["detail"] == told
    assert kept_in(uploads_folder) == []


async def test_a_file_that_was_found_whole_stays_when_its_user_may_keep_no_more(
    services: Services, options: ApiOptions, database: Database, storage: DiskStorage, uploads_folder: Path
) -> None:
    class FoundBefore(Videos):
        async def finish_upload(self, video_id: UUID, **of: Any) -> Video:
            await found_by_another(database, storage, video_id)
            raise QuotaExceeded(f"{of} is more than may be kept.", 1)

    answer = await send(replace(services, videos=FoundBefore(database.transaction)), options)
    assert (answer.status_code, answer.json()["status"]) == (202, VideoStatus.PROCESSING)
    assert kept_in(uploads_folder) == [CONTENT]


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_file_that_fails_after_it_stands_goes_with_its_row_or_stays_for_it(
    database: Database, runs: RecordedRuns, options: ApiOptions, uploads_folder: Path, tmp_path: Path, is_away: bool
) -> None:
    class Alone(FailsOnceItStands):
        async def meanwhile(self, video_id: UUID) -> None:
            pass

    class Away(Videos):
        async def interrupt_upload(self, video_id: UUID, reason: str) -> bool:
            if is_away:
                raise DatabaseUnavailable(f"The connection was lost before {video_id} was told: {reason}")
            return await super().interrupt_upload(video_id, reason)

    storage = Alone(uploads_folder, tmp_path / "scratch")
    services = replace(services_of(database, storage, runs), videos=Away(database.transaction))
    answer = await send(services, options)
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_failed")
    assert kept_in(uploads_folder) == ([CONTENT] if is_away else [])
