"""A cancel that is answered 202 ends in ``cancelled``, and any other answer leaves the video alone."""

import asyncio
from uuid import UUID

import httpx
import pytest

from contracts.errors import ErrorCode, VideoCancelled
from contracts.status import VideoStatus
from database.engine import Database
from storage.disk import DiskStorage
from tests.api.rows import PUBLISHED, make_video, video_of
from tests.api.running import RecordedRuns

VIDEOS = "/api/v1/videos"


async def test_a_running_video_is_cancelled_through_its_workflow(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns
) -> None:
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    runs.run_is_open = True
    answer = await client.post(f"{VIDEOS}/{video.id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    assert runs.cancelled == [str(video.id)]


@pytest.mark.parametrize("status", [VideoStatus.UPLOADING, VideoStatus.PROCESSING])
async def test_a_video_without_a_run_is_cancelled_at_once(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, status: VideoStatus
) -> None:
    video = await make_video(database, storage, status)
    answer = await client.post(f"{VIDEOS}/{video.id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "error")
    assert (await video_of(database, video.id)).error_code == "cancelled"


@pytest.mark.parametrize("status", [VideoStatus.READY, VideoStatus.ERROR])
async def test_a_finished_video_can_not_be_cancelled(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, status: VideoStatus
) -> None:
    video = await make_video(database, storage, status)
    answer = await client.post(f"{VIDEOS}/{video.id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")
    assert (await video_of(database, video.id)).status == status


async def test_a_cancel_while_temporal_is_away_is_accepted_and_waits(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns
) -> None:
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    runs.away = True
    for _ in range(2):
        answer = await client.post(f"{VIDEOS}/{video.id}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    assert (await video_of(database, video.id)).cancel_requested_at is not None
    with pytest.raises(VideoCancelled):
        await database.videos.mark_ready(video.id, 1, PUBLISHED)


async def test_of_a_cancel_and_a_run_that_ends_the_answer_tells_which_came_first(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns
) -> None:
    runs.run_is_open = True
    seen: set[int] = set()

    async def ends(video_id: UUID, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)  # a request takes longer than a statement, so each end comes a little later
        try:
            await database.videos.mark_ready(video_id, 1, PUBLISHED)
        except VideoCancelled:
            await database.videos.mark_error(video_id, 1, ErrorCode.INTERNAL, "The run's own reason.")

    async with asyncio.timeout(60):
        while seen != {202, 409}:
            videos = [await make_video(database, storage, VideoStatus.PROCESSING) for _ in range(10)]
            cancels = [client.post(f"{VIDEOS}/{video.id}/cancel") for video in videos]
            ends_of_runs = [ends(video.id, place * 0.01) for place, video in enumerate(videos)]
            answers, _ = await asyncio.gather(asyncio.gather(*cancels), asyncio.gather(*ends_of_runs))
            for video, answer in zip(videos, answers, strict=True):
                ended = await video_of(database, video.id)
                expected = ("error", "cancelled") if answer.status_code == 202 else ("ready", None)
                assert (ended.status, ended.error_code) == expected
            seen |= {answer.status_code for answer in answers}
