"""What is asked for in an address: nothing is taken that has no meaning there, and moments as people write them."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from contracts.status import VideoStatus
from database.engine import Database
from storage.disk import DiskStorage
from tests.api.rows import make_video

VIDEOS = "/api/v1/videos"


@pytest.mark.parametrize(
    ("path", "query", "names"),
    [
        (VIDEOS, "state=error&limit=1&colour=red", {"query.state", "query.colour"}),
        (VIDEOS, "metadata=4711", {"query.metadata"}),
        (VIDEOS, "metadata[]=4711", {"query.metadata[]"}),
        ("/api/v1/cohorts", "state=done", {"query.state"}),
        ("/api/v1/webhooks", "user=ann", {"query.user"}),
        ("/api/v1/system/running", "user=ann", {"query.user"}),
        ("/api/v1/events", "video=4711", {"query.video"}),
        (f"{VIDEOS}/{UUID(int=4711)}", "status=ready", {"query.status"}),
    ],
)
async def test_a_parameter_that_there_is_not_is_refused_by_its_name(
    client: httpx.AsyncClient, path: str, query: str, names: set[str]
) -> None:
    answer = await client.get(f"{path}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert {wrong["parameter"] for wrong in answer.json()["errors"]} == names
    if path == VIDEOS:
        assert "created_after, created_before, cursor, error_code" in answer.json()["detail"]
        assert "metadata[…]" in answer.json()["detail"]


async def test_what_changes_anything_refuses_such_a_parameter_too_and_files_and_tus_take_it(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    for method, path in (("DELETE", f"{VIDEOS}/{video.id}"), ("POST", f"{VIDEOS}/upload"), ("POST", "/api/v1/cohorts")):
        assert (await client.request(method, f"{path}?force=1")).json()["code"] == "invalid_request", path
    for method, path in (("OPTIONS", "/api/v1/uploads"), ("GET", "/"), ("GET", "/healthz"), ("GET", "/api/v1/me")):
        assert (await client.request(method, f"{path}?_=1764500000")).status_code in {200, 204}, path
    assert (await client.get(f"{VIDEOS}/{video.id}/original?_=1764500000")).status_code == 200


@pytest.mark.parametrize("moment", ["2026-03-01", "2026-03-01T00:00", "2026-03-01T01:00:00+01:00"])
async def test_a_moment_without_a_zone_is_of_utc_and_a_date_alone_is_its_beginning(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, moment: str
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    async with database.transaction() as session:
        await session.execute(text("UPDATE videos SET created_at = '2026-02-28T23:59:59Z'"))
    for name, found in (("created_before", [str(video.id)]), ("created_after", [])):
        items = (await client.get(VIDEOS, params={name: moment})).json()["items"]
        assert [item["id"] for item in items] == found


@pytest.mark.parametrize("moment", ["2h", "yesterday", "2026-13-01", "01.03.2026"])
async def test_what_is_no_moment_is_refused_with_one_that_is(client: httpx.AsyncClient, moment: str) -> None:
    answer = await client.get(VIDEOS, params={"created_after": moment})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "`2026-11-30T14:20:00Z`" in answer.json()["detail"]
