"""Looking at videos, and what may be done with them at each status."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from contracts.processing import Step
from contracts.status import SEEN_STATUSES, StepState, VideoStatus
from contracts.warnings import VideoWarning
from database.engine import Database
from database.videos import NewVideo
from runs.records import LiveProgress, StepFailure, StepRecord
from storage.disk import DiskStorage
from tests.api.rows import PUBLISHED, make_video, video_of
from tests.api.running import RecordedRuns
from tests.database.samples import let_go

VIDEOS = "/api/v1/videos"


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# Looking


async def test_videos_are_listed_newest_first_in_pages(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    made = [str((await make_video(database, storage, VideoStatus.UPLOADING)).id) for _ in range(5)]
    listed: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = (await client.get(VIDEOS, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        listed += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert listed == made[::-1]
    assert cursor is None


async def test_a_list_may_be_of_one_status(client: httpx.AsyncClient, database: Database, storage: DiskStorage) -> None:
    for status in SEEN_STATUSES:
        await make_video(database, storage, status)
    for status in SEEN_STATUSES:
        items = (await client.get(VIDEOS, params={"status": status})).json()["items"]
        assert [item["status"] for item in items] == [status]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"limit": 0}, "invalid_request"),
        ({"limit": 101}, "invalid_request"),
        ({"limit": "many"}, "invalid_request"),
        ({"status": "finished"}, "invalid_request"),
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"cursor": ""}, "invalid_cursor"),
        ({"cursor": "ä" * 100}, "invalid_cursor"),
    ],
)
async def test_a_list_that_can_not_be_is_refused(
    client: httpx.AsyncClient, parameters: dict[str, str], code: str
) -> None:
    answer = await client.get(VIDEOS, params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_ready_video_says_where_its_files_are(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    read = (await client.get(f"{VIDEOS}/{video.id}")).json()
    assert (read["status"], read["url_mp4"], read["thumbnail"]) == ("ready", "/uploads/a", "/uploads/b")
    assert (read["duration_seconds"], read["width"], read["height"]) == (1.5, 640, 360)
    assert (read["step"], read["progress"], read["step_attempt"]) == (None, None, None)
    assert read["workflow_id"] == f"video-{video.id}"


async def test_a_ready_video_says_what_its_owner_should_know(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    warning = VideoWarning("sound_left_out", "One of the two sound tracks was left out.")
    await database.videos.mark_ready(video.id, 1, replace(PUBLISHED, warnings=(warning,)))
    read = (await client.get(f"{VIDEOS}/{video.id}")).json()
    assert read["warnings"] == [{"code": warning.code, "message": warning.message}]


async def test_a_failed_video_says_why(client: httpx.AsyncClient, database: Database, storage: DiskStorage) -> None:
    video = await make_video(database, storage, VideoStatus.ERROR)
    read = (await client.get(f"{VIDEOS}/{video.id}")).json()
    assert (read["error_code"], read["error_reason"]) == ("invalid_media", "Not a video.")


async def test_a_video_in_processing_says_how_far_it_is(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns
) -> None:
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    runs.live = LiveProgress(Step.TRANSCODE, 0.4, attempt=2, speed=1.5)
    read = (await client.get(f"{VIDEOS}/{video.id}")).json()
    assert (read["step"], read["progress"], read["step_attempt"], read["attempt"]) == ("transcode", 0.4, 2, 1)
    assert read["speed"] == 1.5


async def test_progress_is_unknown_while_temporal_is_away(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns
) -> None:
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    runs.away = True
    answer = await client.get(f"{VIDEOS}/{video.id}")
    assert answer.status_code == 200
    assert (answer.json()["step"], answer.json()["progress"]) == (None, None)


async def test_the_steps_of_a_video_are_told(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns
) -> None:
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    failure = StepFailure("transcode_failed", "ffmpeg was killed.")
    runs.history = [
        StepRecord(
            "encode_chunk",
            "chunk-1-of-2",
            "Picture",
            StepState.RETRYING,
            2,
            "video-media",
            now,
            now,
            4.5,
            "1@host",
            failure,
        )
    ]
    read = (await client.get(f"{VIDEOS}/{video.id}/steps")).json()
    assert read["video_id"] == str(video.id)
    [step] = read["steps"]
    assert (step["activity_id"], step["state"], step["attempts"]) == ("chunk-1-of-2", "retrying", 2)
    assert step["last_failure"] == {"code": "transcode_failed", "message": "ffmpeg was killed."}


async def test_steps_are_unavailable_while_temporal_is_away(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns
) -> None:
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    runs.away = True
    answer = await client.get(f"{VIDEOS}/{video.id}/steps")
    assert (answer.status_code, answer.json()["code"]) == (503, "temporal_unavailable")
    assert "retry-after" in answer.headers


ADDRESSES = [("GET", ""), ("GET", "/steps"), ("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")]


@pytest.mark.parametrize(("method", "suffix"), ADDRESSES)
async def test_a_video_that_is_not_there_is_404_and_a_malformed_id_422(
    client: httpx.AsyncClient, method: str, suffix: str
) -> None:
    unknown = await client.request(method, f"{VIDEOS}/{uuid4()}{suffix}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "video_not_found")
    malformed = await client.request(method, f"{VIDEOS}/not-an-id{suffix}")
    assert (malformed.status_code, malformed.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(("method", "suffix"), ADDRESSES)
async def test_a_video_of_another_user_is_not_there(
    client: httpx.AsyncClient, database: Database, method: str, suffix: str
) -> None:
    video_id = uuid4()
    await database.videos.create_uploading(NewVideo(video_id, "another", "t", "f.mp4", "originals/f.mp4", 60))
    assert (await client.request(method, f"{VIDEOS}/{video_id}{suffix}")).status_code == 404
    assert (await client.get(VIDEOS)).json()["items"] == []


# Retry


@pytest.mark.parametrize("temporal_is_away", [False, True])
async def test_a_failed_video_is_processed_once_more(
    client: httpx.AsyncClient,
    database: Database,
    storage: DiskStorage,
    runs: RecordedRuns,
    *,
    temporal_is_away: bool,
) -> None:
    video = await make_video(database, storage, VideoStatus.ERROR)
    runs.away = temporal_is_away
    answer = await client.post(f"{VIDEOS}/{video.id}/retry")
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    retried = await video_of(database, video.id)
    assert (retried.status, retried.attempt, retried.error_code) == (VideoStatus.PROCESSING, 2, None)
    assert [request.attempt for request, _ in runs.started] == ([] if temporal_is_away else [2])


@pytest.mark.parametrize("status", [VideoStatus.UPLOADING, VideoStatus.PROCESSING, VideoStatus.READY])
async def test_a_video_that_did_not_fail_can_not_be_retried(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, status: VideoStatus
) -> None:
    video = await make_video(database, storage, status)
    answer = await client.post(f"{VIDEOS}/{video.id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_retryable")


async def test_a_video_without_its_original_can_not_be_retried(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.ERROR)
    await storage.delete(video.original_key)
    answer = await client.post(f"{VIDEOS}/{video.id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "original_missing")
    assert (await video_of(database, video.id)).status == VideoStatus.ERROR


# Delete


@pytest.mark.parametrize("status", SEEN_STATUSES)
async def test_nobody_sees_a_deleted_video_any_more(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns, status: VideoStatus
) -> None:
    video = await make_video(database, storage, status)
    answer = await client.delete(f"{VIDEOS}/{video.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert [deletion.video_id for deletion in runs.deletions] == [str(video.id)]
    here = f"{VIDEOS}/{video.id}"
    for again in (
        await client.get(here),
        await client.get(f"{here}/steps"),
        await client.get(f"/uploads/processed/{video.id}/video.mp4"),
        await client.patch(here, json={"visibility": "public"}),
        await client.post(f"{here}/links", json={}),
        await client.post(f"{here}/cancel"),
        await client.post(f"{here}/retry"),
        await client.head(f"/api/v1/uploads/{video.id}", headers={"Tus-Resumable": "1.0.0"}),
        await client.delete(here),
    ):
        assert again.status_code == 404, again.url
    assert (await client.get(VIDEOS)).json()["items"] == []


async def test_a_running_video_is_deleted_also_while_temporal_is_away(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns
) -> None:
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    runs.away = True
    assert (await client.delete(f"{VIDEOS}/{video.id}")).status_code == 204
    assert (await client.get(f"{VIDEOS}/{video.id}")).status_code == 404
    await let_go(database)
    waiting = await database.deletions.due(limit=10)
    assert [row.id for row in waiting] == [video.id]


async def test_of_two_deletes_at_once_one_is_accepted(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, runs: RecordedRuns
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    answers = await asyncio.gather(*(client.delete(f"{VIDEOS}/{video.id}") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404]
    assert len(runs.deletions) == 1
