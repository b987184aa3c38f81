"""``/api/v1/cohorts``: whose videos are retried, counted beforehand, and held by whom they belong to."""

from datetime import UTC, datetime

import httpx

from api.services import Services
from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.engine import Database
from tests.api.accounts import bearer, key_of
from tests.api.running import RecordedCohortRuns
from tests.database.samples import video_in

COHORTS = "/api/v1/cohorts"


async def fail(database: Database, code: ErrorCode) -> None:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    await database.videos.mark_error(video.id, 1, code, "It failed.")


async def test_a_dry_run_counts_and_begins_nothing(
    client: httpx.AsyncClient, services: Services, database: Database
) -> None:
    await fail(database, ErrorCode.STORAGE_FAILED)
    await fail(database, ErrorCode.INVALID_MEDIA)
    answer = await client.post(COHORTS, json={"error_code": "storage_failed", "dry_run": True})
    assert (answer.status_code, answer.json()) == (202, {"cohort_id": None, "total": 1})
    assert isinstance(services.cohort_runs, RecordedCohortRuns)
    assert services.cohort_runs.started == {}
    for refused in ({"error_code": "bad luck"}, {"error_code": "storage_failed", "a_minute": 1e-300}):
        assert (await client.post(COHORTS, json=refused)).json()["code"] == "invalid_request"


async def test_a_video_that_failed_before_and_was_renamed_since_is_none_that_failed_since(
    client: httpx.AsyncClient, database: Database
) -> None:
    await fail(database, ErrorCode.STORAGE_FAILED)
    since = {"error_code": "storage_failed", "dry_run": True, "failed_after": datetime.now(UTC).isoformat()}
    (failed,) = (await client.get("/api/v1/videos")).json()["items"]
    assert (await client.patch(f"/api/v1/videos/{failed['id']}", json={"title": "Another"})).status_code == 200
    await fail(database, ErrorCode.STORAGE_FAILED)
    assert (await client.post(COHORTS, json=since)).json()["total"] == 1


async def test_a_cohort_is_of_its_user_s_videos_and_held_by_nobody_else(
    client: httpx.AsyncClient, services: Services, database: Database
) -> None:
    await fail(database, ErrorCode.STORAGE_FAILED)
    ann, root = bearer(await key_of(database, "ann")), bearer(await key_of(database, "root", is_admin=True))
    wanted = {"error_code": "storage_failed", "a_minute": 30}
    assert (await client.post(COHORTS, json=wanted, headers=ann)).json()["total"] == 0
    begun = (await client.post(COHORTS, json=wanted, headers=root)).json()
    assert begun["total"] == 1
    one = f"{COHORTS}/{begun['cohort_id']}"
    assert (await client.get(one, headers=root)).json()["total"] == 1
    assert (await client.post(f"{one}/pause", headers=root)).status_code == 204
    assert (await client.post(f"{one}/resume", headers=ann)).json()["code"] == "cohort_not_found"
    assert (await client.delete(one, headers=root)).status_code == 204
    assert isinstance(services.cohort_runs, RecordedCohortRuns)
    assert services.cohort_runs.told == ["pause", "cancel"]
