"""``POST …/reprocess``: what is published stays and plays while a ready video is made anew, and if that fails."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.services import Services
from contracts.errors import ErrorCode
from contracts.processing import Step
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from runs.records import LiveProgress
from storage.disk import DiskStorage
from tests.api.accounts import bearer, key_of
from tests.api.rows import PUBLISHED, make_video, video_of
from tests.api.running import RecordedCohortRuns, RecordedRuns
from tests.storage.published import publish_something

VIDEOS = "/api/v1/videos"
FILES = "/uploads/processed"


@pytest.fixture
async def ready(database: Database, storage: DiskStorage) -> Video:
    return await make_video(database, storage, VideoStatus.READY)


async def reprocess(client: httpx.AsyncClient, video: Video, **wanted: object) -> httpx.Response:
    return await client.post(f"{VIDEOS}/{video.id}/reprocess", json=wanted)


async def made_anew(database: Database, storage: DiskStorage, video: Video) -> None:
    """Its run has ended well."""
    await publish_something(storage, str(video.id), b"made anew", edition=2)
    await database.reprocessings.finish(video.id, 2, PUBLISHED, keep=timedelta(hours=1))


async def test_a_ready_video_is_made_anew_by_a_run_with_the_profile_and_plays_meanwhile(
    client: httpx.AsyncClient, runs: RecordedRuns, ready: Video
) -> None:
    runs.live = LiveProgress(Step.TRANSCODE, 0.25, attempt=1)
    answer = await reprocess(client, ready, profile="archive")
    assert (answer.status_code, answer.json()["status"]) == (202, "ready")
    [(request, _)] = runs.started
    assert (request.attempt, request.profile, request.reprocess) == (2, "archive", True)
    told = (await client.get(f"{VIDEOS}/{ready.id}")).json()
    seen = ("status", "profile", "reprocess_profile", "reprocess_error_code", "step", "progress", "published_edition")
    assert [told[name] for name in seen] == ["ready", "web", "archive", None, "transcode", 0.25, 0]
    assert (await client.get(f"{FILES}/{ready.id}/video.mp4")).content == b"video"
    listed = (await client.get("/api/v1/system/running")).json()["items"]
    assert [one["id"] for one in listed] == [str(ready.id)]


async def test_without_a_profile_it_is_the_video_s_own(
    client: httpx.AsyncClient, runs: RecordedRuns, ready: Video
) -> None:
    assert (await client.post(f"{VIDEOS}/{ready.id}/reprocess")).status_code == 202
    assert runs.started[0][0].profile == ready.profile


async def test_what_can_not_be_made_anew_is_refused_and_why(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, ready: Video, uploads_folder: Path
) -> None:
    failed = await make_video(database, storage, VideoStatus.ERROR)
    not_ready = await reprocess(client, failed)
    assert (not_ready.status_code, not_ready.json()["code"]) == (409, "not_reprocessable")
    unknown = await reprocess(client, ready, profile="cinema")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_profile")
    assert (await reprocess(client, ready, quality="best")).json()["code"] == "invalid_request"
    assert (await reprocess(client, ready)).status_code == 202
    twice = await reprocess(client, ready)
    assert (twice.json()["code"], "already" in twice.json()["detail"]) == ("not_reprocessable", True)
    another = await make_video(database, storage, VideoStatus.READY)
    (uploads_folder / another.original_key).unlink()
    gone = await reprocess(client, another)
    assert (gone.status_code, gone.json()["code"]) == (409, "original_missing")
    assert not (await video_of(database, another.id)).is_reprocessing


async def test_new_files_are_served_at_the_same_address_and_who_was_watching_goes_on_with_the_old_ones(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, ready: Video
) -> None:
    await reprocess(client, ready)
    address = f"{FILES}/{ready.id}/video.mp4"
    before = await client.get(address)
    await publish_something(storage, str(ready.id), b"made anew", edition=2)
    assert (await client.get(address, params={"edition": 2})).content == b"video", "not before the row names it"
    await database.reprocessings.finish(ready.id, 2, PUBLISHED, keep=timedelta(hours=1))
    after = await client.get(address, headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.content) == (200, b"made anew")
    assert after.headers["cache-control"] == "private, no-cache"
    for edition, content in ((0, b"video"), (2, b"made anew"), (7, b"made anew")):
        answer = await client.get(address, params={"edition": edition})
        is_kept = answer.headers["cache-control"] == "private, max-age=3600"
        assert (answer.content, is_kept) == (content, edition != 7)
    assert (await client.get(address, params={"edition": -1})).status_code == 422


async def test_a_cancel_ends_the_run_and_the_video_stays_as_it_was(
    client: httpx.AsyncClient, database: Database, runs: RecordedRuns, ready: Video
) -> None:
    await reprocess(client, ready)
    runs.run_is_open = True
    answer = await client.post(f"{VIDEOS}/{ready.id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "ready")
    assert runs.cancelled == [str(ready.id)]
    await database.reprocessings.fail(ready.id, 2, ErrorCode.INTERNAL, "Ended.")
    told = (await client.get(f"{VIDEOS}/{ready.id}")).json()
    assert (told["status"], told["reprocess_error_code"]) == ("ready", "cancelled")
    assert (await client.get(f"{FILES}/{ready.id}/video.mp4")).content == b"video"
    assert (await client.post(f"{VIDEOS}/{ready.id}/cancel")).json()["code"] == "not_cancellable"


async def test_one_that_no_run_was_started_for_is_cancelled_at_once_and_retried_with_the_same_profile(
    client: httpx.AsyncClient, runs: RecordedRuns, ready: Video
) -> None:
    assert (await client.post(f"{VIDEOS}/{ready.id}/retry")).json()["code"] == "not_retryable"
    await reprocess(client, ready, profile="archive")
    await client.post(f"{VIDEOS}/{ready.id}/cancel")
    assert (await client.get(f"{VIDEOS}/{ready.id}")).json()["reprocess_error_code"] == "cancelled"
    assert (await client.post(f"{VIDEOS}/{ready.id}/retry")).status_code == 202
    assert [(request.attempt, request.profile) for request, _ in runs.started] == [(2, "archive"), (3, "archive")]


async def test_a_video_that_is_deleted_meanwhile_is_gone(
    client: httpx.AsyncClient, runs: RecordedRuns, ready: Video
) -> None:
    await reprocess(client, ready)
    assert (await client.delete(f"{VIDEOS}/{ready.id}")).status_code == 204
    assert (await client.get(f"{FILES}/{ready.id}/video.mp4")).status_code == 404
    assert [request.video_id for request in runs.deletions] == [str(ready.id)]


async def test_nobody_makes_another_s_video_anew_and_an_administrator_does_not_use_up_its_owner_s_minutes(
    client: httpx.AsyncClient, database: Database, ready: Video
) -> None:
    owner, ann = bearer(await key_of(database, "local")), bearer(await key_of(database, "ann"))
    root = bearer(await key_of(database, "root", is_admin=True))
    await database.accounts.set_limits("local", {"max_minutes_a_day": 1})
    here = f"{VIDEOS}/{ready.id}/reprocess"
    assert (await client.post(here, headers=ann)).json()["code"] == "video_not_found"
    assert (await client.post(here, headers=owner)).json()["code"] == "quota_exceeded"
    assert (await client.post(here, headers=root)).status_code == 202


async def test_a_cohort_is_of_ready_videos_that_fit_and_counted_beforehand(
    client: httpx.AsyncClient, services: Services, database: Database, storage: DiskStorage, ready: Video
) -> None:
    other = await make_video(database, storage, VideoStatus.READY)
    await client.patch(f"{VIDEOS}/{other.id}", json={"metadata": {"order": "4711"}})
    await database.reprocessings.begin(other.id, "archive", counts=False)
    await database.reprocessings.fail(other.id, 2, ErrorCode.STORAGE_FAILED, "The disk is full.")

    async def counted(**where: object) -> int:
        asked = {"profile": "archive", "where": where, "dry_run": True}
        return int((await client.post("/api/v1/cohorts/reprocess", json=asked)).json()["total"])

    assert await counted() == 2
    assert await counted(metadata={"order": "4711"}) == await counted(error_code="storage_failed") == 1
    assert (await counted(profile="web"), await counted(profile="archive")) == (2, 0)
    moment = ready.created_at.isoformat()
    assert (await counted(created_before=moment), await counted(created_after=moment)) == (0, 2)
    refused = await client.post("/api/v1/cohorts/reprocess", json={"profile": "cinema", "where": {}})
    assert refused.json()["code"] == "unknown_profile"
    begun = await client.post("/api/v1/cohorts/reprocess", json={"profile": "archive", "where": {}, "a_minute": 30})
    assert begun.json()["total"] == 2
    assert isinstance(services.cohort_runs, RecordedCohortRuns)
    [(cohort_id, cohort)] = services.cohort_runs.started.items()
    assert cohort.reprocessing is not None
    assert (cohort.reprocessing.profile, cohort.a_minute) == ("archive", 30)
    [listed] = (await client.get("/api/v1/cohorts")).json()["items"]
    assert (listed["cohort_id"], listed["in_words"], listed["status"]) == (
        cohort_id,
        "reprocess with archive",
        "running",
    )
    assert (await client.get(f"/api/v1/cohorts/{cohort_id}")).json()["total"] == 2


async def test_a_link_opens_what_is_served_now(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, ready: Video
) -> None:
    await reprocess(client, ready)
    link = (await client.post(f"{VIDEOS}/{ready.id}/links", json={})).json()["url_mp4"]
    token = link.partition("?")[2]
    await made_anew(database, storage, ready)
    ann = bearer(await key_of(database, "ann"))
    address = f"{FILES}/{ready.id}/video.mp4"
    assert (await client.get(f"{address}?{token}", headers=ann)).content == b"made anew"
    assert (await client.get(f"{address}?{token}&edition=0", headers=ann)).content == b"video"
    assert (await client.get(f"{address}?edition=0", headers=ann)).status_code == 404
