"""Who is served what is published: its owner, everybody once it is public, and who has a link."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from accounts.signing import new_signing_secret
from api.authentication import SESSION_COOKIE
from api.options import ApiOptions
from api.services import Services
from contracts.status import VideoStatus
from database.engine import Database
from storage.disk import DiskStorage
from tests.api.accounts import bearer, key_of
from tests.api.rows import make_video
from tests.api.running import in_process

VIDEOS = "/api/v1/videos"


async def test_published_files_are_the_owners_until_they_are_public(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    owner, other, admin = (
        await key_of(database, "local"),
        await key_of(database, "bea"),
        await key_of(database, "root", is_admin=True),
    )
    path = f"/uploads/processed/{video.id}/video.mp4"

    async def statuses() -> list[int]:
        asked = [{}, bearer(other), {"Authorization": "Bearer wrong"}, bearer(owner), bearer(admin)]
        return [(await client.get(path, headers=headers)).status_code for headers in asked]

    assert await statuses() == [404, 404, 404, 200, 200]
    changed = await client.patch(f"{VIDEOS}/{video.id}", headers=bearer(owner), json={"visibility": "public"})
    assert changed.json()["visibility"] == "public"
    assert await statuses() == [200] * 5
    await client.patch(f"{VIDEOS}/{video.id}", headers=bearer(owner), json={"visibility": "private"})
    assert await statuses() == [404, 404, 404, 200, 200]


async def test_a_link_plays_one_private_video_until_it_expires(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video, another = [await make_video(database, storage, VideoStatus.READY) for _ in range(2)]
    key = await key_of(database, "local")
    with capture_logs() as lines:
        made = await client.post(f"{VIDEOS}/{video.id}/links", headers=bearer(key), json={"expires_in_seconds": 3})
    assert made.status_code == 201
    of_an_hour = await client.post(f"{VIDEOS}/{video.id}/links", headers=bearer(key))
    assert (of_an_hour.status_code, of_an_hour.json()["expires_at"] > made.json()["expires_at"]) == (201, True)
    token = made.json()["url_mp4"].partition("token=")[2]
    path = "/uploads/processed/{}/video.mp4?token={}"
    assert (await client.get(path.format(video.id, token))).status_code == 200
    assert (await client.get(f"/uploads/processed/{video.id}/thumbnail.jpg?token={token}")).status_code == 200
    assert (await client.get(path.format(another.id, token))).status_code == 404
    assert (await client.get(path.format(video.id, token[:-3] + "AAA"))).status_code == 404
    assert [line["event"] for line in lines if "link" in line["event"]] == ["link made"]
    assert token not in str(lines)
    async with asyncio.timeout(10):
        while (await client.get(path.format(video.id, token))).status_code != 404:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(("holds_for", "status"), [(timedelta(hours=1), 200), (timedelta(seconds=-1), 404)])
async def test_a_link_outlives_the_secret_that_signed_it_unless_it_is_to_end_at_once(
    services: Services,
    options: ApiOptions,
    database: Database,
    storage: DiskStorage,
    holds_for: timedelta,
    status: int,
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    key = await key_of(database, "local")

    async def linked(client: httpx.AsyncClient) -> str:
        made = await client.post(f"{VIDEOS}/{video.id}/links", headers=bearer(key), json={})
        return f"/uploads/processed/{video.id}/video.mp4?{made.json()['url_mp4'].partition('?')[2]}"

    async with in_process(services, options) as client:
        link = await linked(client)
        assert (await client.get(link)).status_code == 200
    await database.accounts.rotate_signing(new_signing_secret(), holds_for)
    async with in_process(services, options) as client:  # a process knows of another secret within seconds
        assert (await client.get(link)).status_code == status
        assert (await client.get(await linked(client))).status_code == 200


async def test_a_session_is_no_link_and_a_link_no_session(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    key = await key_of(database, "local")
    link = (await client.post(f"{VIDEOS}/{video.id}/links", headers=bearer(key), json={})).json()["url_mp4"]
    token = link.partition("token=")[2]
    assert (await client.get("/api/v1/me", headers={"Cookie": f"{SESSION_COOKIE}={token}"})).status_code == 401
