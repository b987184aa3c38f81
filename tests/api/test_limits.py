"""How much a user may have, bring and ask for, at every door at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx

from api.options import ApiOptions
from api.services import Services
from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from storage.disk import DiskStorage
from tests.api.accounts import bearer, key_of, upload_as
from tests.api.rows import make_video
from tests.api.running import in_process

VIDEOS = "/api/v1/videos"


async def test_limits_are_held_against_what_there_is_and_told(client: httpx.AsyncClient, database: Database) -> None:
    key = await key_of(database, "ann")
    await database.accounts.set_limits("ann", {"max_stored_bytes": 14})
    assert (await upload_as(client, key)).status_code == 202
    assert (await upload_as(client, key)).status_code == 202
    refused = await upload_as(client, key)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert int(refused.headers["retry-after"]) > 0
    me = (await client.get("/api/v1/me", headers=bearer(key))).json()
    assert (me["limits"]["max_stored_bytes"], me["usage"]["stored_bytes"]) == (14, 14)
    other = await key_of(database, "bea")
    assert (await upload_as(client, other)).status_code == 202


async def test_forms_at_once_keep_no_more_than_fits_and_leave_nothing_of_the_others(
    client: httpx.AsyncClient, database: Database, uploads_folder: Path
) -> None:
    key = await key_of(database, "ann")
    await database.accounts.set_limits("ann", {"max_stored_bytes": 20})
    answers = await asyncio.gather(*(upload_as(client, key) for _ in range(6)))  # of 7 bytes each, not told beforehand
    assert sorted(answer.status_code for answer in answers) == [202, 202, 429, 429, 429, 429]
    assert len((await client.get(VIDEOS, headers=bearer(key))).json()["items"]) == 2
    assert len(list((uploads_folder / "originals").iterdir())) == 2


async def test_imports_on_their_way_are_counted_as_uploads_are(
    services: Services, options: ApiOptions, database: Database
) -> None:
    key = await key_of(database, "ann")
    await database.accounts.set_limits("ann", {"max_uploads_in_flight": 1})
    import_wanted = {"url": "https://videos.example.com/a.mp4"}
    async with in_process(services, options) as client:
        answers = [await client.post(f"{VIDEOS}/import", headers=bearer(key), json=import_wanted) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 429]


async def test_imports_that_are_retried_are_counted_too(
    services: Services, options: ApiOptions, database: Database
) -> None:
    key = await key_of(database, "ann")
    async with in_process(services, options) as client:
        failed = []
        for number in range(3):
            wanted = {"url": f"https://videos.example.com/{number}.mp4"}
            imported = (await client.post(f"{VIDEOS}/import", headers=bearer(key), json=wanted)).json()["video_id"]
            assert await database.videos.mark_error(UUID(imported), 1, ErrorCode.SOURCE_FAILED, "It is away.")
            failed.append(imported)
        await database.accounts.set_limits("ann", {"max_uploads_in_flight": 1})
        retries = [client.post(f"{VIDEOS}/{video_id}/retry", headers=bearer(key)) for video_id in failed]
        answers = dict(zip(failed, await asyncio.gather(*retries), strict=True))
        assert sorted(answer.status_code for answer in answers.values()) == [202, 429, 429]
        (taken,) = [video_id for video_id, answer in answers.items() if answer.status_code == 202]
        waiting = next(video_id for video_id in failed if video_id != taken)
        row = await database.videos.get(UUID(waiting))
        assert row is not None
        assert (row.status, row.attempt) == (VideoStatus.ERROR, 1)
        assert await database.videos.mark_error(UUID(taken), 2, ErrorCode.SOURCE_FAILED, "It is away.")
        assert (await client.post(f"{VIDEOS}/{waiting}/retry", headers=bearer(key))).status_code == 202


async def test_uploads_in_flight_and_announced_bytes_count(client: httpx.AsyncClient, database: Database) -> None:
    key = await key_of(database, "ann")
    await database.accounts.set_limits("ann", {"max_uploads_in_flight": 1, "max_stored_bytes": 100})
    tus = bearer(key) | {"Tus-Resumable": "1.0.0", "Upload-Metadata": "filename Y2xpcC5tcDQ="}
    too_large = await client.post("/api/v1/uploads", headers=tus | {"Upload-Length": "101"})
    assert too_large.status_code == 429
    first = await client.post("/api/v1/uploads", headers=tus | {"Upload-Length": "60"})
    assert first.status_code == 201
    second = await client.post("/api/v1/uploads", headers=tus | {"Upload-Length": "40"})
    assert (second.status_code, second.json()["code"]) == (429, "quota_exceeded")
    await client.delete(first.headers["location"], headers=tus)
    assert (await client.post("/api/v1/uploads", headers=tus | {"Upload-Length": "100"})).status_code == 201


async def test_two_uploads_at_once_are_not_both_the_last_that_fits(
    client: httpx.AsyncClient, database: Database
) -> None:
    key = await key_of(database, "ann")
    await database.accounts.set_limits("ann", {"max_stored_bytes": 100})
    tus = bearer(key) | {"Tus-Resumable": "1.0.0", "Upload-Metadata": "filename Y2xpcC5tcDQ=", "Upload-Length": "60"}
    answers = await asyncio.gather(*(client.post("/api/v1/uploads", headers=tus) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 429, 429, 429]


async def test_a_form_that_brought_too_much_goes_with_its_file_and_never_after_it(
    services: Services, options: ApiOptions, database: Database, tmp_path: Path
) -> None:
    class Observed(DiskStorage):
        async def delete(self, key: str) -> None:
            seen.append((await database.videos.list_page(None, limit=5, after=None)).videos)
            await super().delete(key)

    seen: list[Sequence[Video]] = []
    key = await key_of(database, "ann")
    await database.accounts.set_limits("ann", {"max_stored_bytes": 3})
    observed = Observed(tmp_path / "uploads", tmp_path / "scratch")
    async with in_process(replace(services, storage=observed), options) as client:
        assert (await upload_as(client, key)).json()["code"] == "quota_exceeded"
    assert [list(videos) for videos in seen] == [[]]
    assert list((tmp_path / "uploads" / "originals").iterdir()) == []


async def test_minutes_of_the_last_day_are_counted(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    await make_video(database, storage, VideoStatus.READY)  # 1.5 s, one begun minute
    key = await key_of(database, "local")
    await database.accounts.set_limits("local", {"max_minutes_a_day": 1})
    assert (await upload_as(client, key)).json()["code"] == "quota_exceeded"


async def test_deleting_what_was_made_gives_no_minutes_back(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    key = await key_of(database, "local")
    await database.accounts.set_limits("local", {"max_minutes_a_day": 1})
    assert (await client.delete(f"{VIDEOS}/{video.id}", headers=bearer(key))).status_code == 204
    await database.deletions.finish(video.id)
    assert (await upload_as(client, key)).json()["code"] == "quota_exceeded"


async def test_too_many_requests_a_second_are_told_when_to_come_back(
    client: httpx.AsyncClient, database: Database
) -> None:
    key = await key_of(database, "ann")
    await database.accounts.set_limits("ann", {"max_requests_a_second": 2})
    answers = [await client.get("/api/v1/me", headers=bearer(key)) for _ in range(4)]
    assert {answer.status_code for answer in answers[2:]} == {429}
    assert answers[-1].headers["retry-after"] == "1"
