"""Who comes in, and what each sees: keys, sessions and owners."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from structlog.testing import capture_logs

from accounts.signing import new_signing_secret
from api.authentication import CSRF_HEADER, SESSION_COOKIE
from api.options import ApiOptions
from api.services import Services
from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from storage.disk import DiskStorage
from tests.api.accounts import bearer, key_of, upload_as
from tests.api.rows import make_video
from tests.api.running import in_process, running_server
from tests.figures.strangers import send_as_a_stranger

VIDEOS = "/api/v1/videos"
MEBIBYTE = 1024 * 1024


async def test_while_there_is_no_key_this_machine_is_the_user_local(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/me")).json()["user_id"] == "local"


async def test_while_there_is_no_key_nobody_else_is_served(services: Services, options: ApiOptions) -> None:
    async with in_process(services, options, base_url="http://192.0.2.7") as client:
        answer = await client.get(VIDEOS)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert "rushes keys create" in answer.json()["detail"]


@pytest.mark.parametrize("header", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"])
async def test_nor_who_comes_past_a_proxy_on_this_machine(client: httpx.AsyncClient, header: str) -> None:
    assert (await client.get(VIDEOS, headers={header: "192.0.2.7"})).status_code == 401


@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer x", "Basic eDp5", "Bearer rushes_000000000000_" + "x" * 43]
)
async def test_once_there_is_a_key_nobody_comes_in_without(
    client: httpx.AsyncClient, database: Database, authorization: str | None
) -> None:
    key = await key_of(database, "ann")
    for method, path in (
        ("GET", VIDEOS),
        ("GET", "/api/v1/system"),
        ("POST", f"{VIDEOS}/upload"),
        ("POST", "/api/v1/uploads"),
    ):
        headers = {"Authorization": authorization} if authorization is not None else {}
        answer = await client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
    await database.accounts.revoke_key(key.id)
    assert (await client.get(VIDEOS)).status_code == 401, "a revoked key opened the door to everybody"


async def test_a_key_holds_until_it_expires_or_is_revoked(client: httpx.AsyncClient, database: Database) -> None:
    good, old = await key_of(database, "ann", hours=1), await key_of(database, "ann", hours=-1)
    assert (await client.get("/api/v1/me", headers=bearer(good))).json()["user_id"] == "ann"
    assert (await client.get("/api/v1/me", headers=bearer(old))).status_code == 401
    await database.accounts.revoke_key(good.id)
    assert (await client.get("/api/v1/me", headers=bearer(good))).status_code == 401


async def test_each_sees_and_changes_only_its_own_videos_and_an_administrator_all(
    client: httpx.AsyncClient, database: Database
) -> None:
    keys = [await key_of(database, user, is_admin=user == "root") for user in ("ann", "bea", "root")]
    video_id = (await upload_as(client, keys[0])).json()["video_id"]
    asked = [
        ("GET", f"{VIDEOS}/{video_id}"),
        ("GET", f"{VIDEOS}/{video_id}/steps"),
        ("POST", f"{VIDEOS}/{video_id}/retry"),
        ("POST", f"{VIDEOS}/{video_id}/cancel"),
        ("POST", f"{VIDEOS}/{video_id}/links"),
        ("PATCH", f"{VIDEOS}/{video_id}"),
        ("DELETE", f"{VIDEOS}/{video_id}"),
    ]
    bodies = {"POST": {}, "PATCH": {"visibility": "public"}}
    for method, path in asked:
        others = await client.request(method, path, headers=bearer(keys[1]), json=bodies.get(method))
        assert (others.status_code, others.json()["code"]) == (404, "video_not_found"), (method, path)
    listed = [
        [video["id"] for video in (await client.get(VIDEOS, headers=bearer(key))).json()["items"]] for key in keys
    ]
    assert listed == [[video_id], [], [video_id]]
    assert (await client.delete(f"{VIDEOS}/{video_id}", headers=bearer(keys[2]))).status_code == 204


async def test_a_body_of_a_stranger_is_not_read(services: Services, options: ApiOptions, database: Database) -> None:
    await key_of(database, "ann")
    upload = "POST /api/v1/videos/upload"
    refused = [
        (upload, "Authorization: Bearer wrong", "401 Unauthorized"),
        (upload, "Origin: null", "403 Forbidden"),
        (upload, "Cookie: rushes_session=wrong", "401 Unauthorized"),
        ("POST /nowhere", "Accept: */*", "404 Not Found"),
        ("PUT /api/v1/videos", "Accept: */*", "405 Method Not Allowed"),
    ]
    # By itself the kernel holds a mebibyte at times.
    async with running_server(services, options, kernel_bytes=64 * 1024) as (_, url):
        place = httpx.URL(url)
        assert place.port is not None
        for asked, header, status in refused:
            taken, answer = await asyncio.to_thread(
                send_as_a_stranger, place.host, place.port, asked, header, most_bytes=64 * MEBIBYTE
            )
            assert taken < MEBIBYTE, f"{asked} {header}: with what the kernel holds for a program that does not take it"
            assert answer == f"HTTP/1.1 {status}"


# Sessions


async def begin(client: httpx.AsyncClient, database: Database) -> dict[str, str]:
    key = await key_of(database, "ann")
    answer = await client.post("/api/v1/session", headers=bearer(key))
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie, "it would not come back over plain http"
    session: dict[str, str] = answer.json()
    return session | {"key_id": key.id}


async def test_a_session_reads_with_its_cookie_and_changes_only_with_its_token(
    client: httpx.AsyncClient, database: Database
) -> None:
    session = await begin(client, database)
    assert (await client.get("/api/v1/me")).json()["user_id"] == "ann"
    file = {"file": ("clip.mp4", b"content", "video/mp4")}
    refused = await client.post(f"{VIDEOS}/upload", files=file)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_refused")
    wrong = await client.post(f"{VIDEOS}/upload", files=file, headers={CSRF_HEADER: client.cookies[SESSION_COOKIE]})
    assert wrong.status_code == 403
    again = (await client.get("/api/v1/session")).json()["csrf_token"]
    for token in (session["csrf_token"], again):
        answer = await client.post(f"{VIDEOS}/upload", files=file, headers={CSRF_HEADER: token})
        assert answer.status_code == 202


async def test_where_tls_is_a_session_s_cookie_goes_over_nothing_else(
    services: Services, options: ApiOptions, database: Database
) -> None:
    async with in_process(services, options, base_url="https://127.0.0.1") as client:
        answer = await client.post("/api/v1/session", headers=bearer(await key_of(database, "ann")))
    assert "secure" in answer.headers["set-cookie"].lower().split("; ")


async def test_so_it_does_behind_a_proxy_that_nobody_said_is_one_for_who_comes_by_a_browser(
    client: httpx.AsyncClient, database: Database
) -> None:
    of_browser = bearer(await key_of(database, "ann")) | {"Host": "videos.example.com"}
    cookies = []
    for scheme in ("http", "https"):
        origin = {"Origin": f"{scheme}://videos.example.com"}
        answer = await client.post("/api/v1/session", headers=of_browser | origin)
        cookies.append(answer.headers["set-cookie"].lower().split("; "))
    assert ["secure" in cookie for cookie in cookies] == [False, True]


async def test_a_session_ends_with_its_key_and_when_it_is_left(client: httpx.AsyncClient, database: Database) -> None:
    session = await begin(client, database)
    cookie = client.cookies[SESSION_COOKIE]
    assert (await client.delete("/api/v1/session")).status_code == 204
    assert (await client.get("/api/v1/me")).status_code == 401
    with_cookie = {"Cookie": f"{SESSION_COOKIE}={cookie}"}
    assert (await client.get("/api/v1/me", headers=with_cookie)).status_code == 200
    await database.accounts.revoke_key(session["key_id"])
    assert (await client.get("/api/v1/me", headers=with_cookie)).status_code == 401


async def test_a_session_is_not_begun_with_a_session_nor_with_a_forged_one(
    client: httpx.AsyncClient, database: Database
) -> None:
    session = await begin(client, database)
    assert (await client.post("/api/v1/session", headers={CSRF_HEADER: session["csrf_token"]})).status_code == 401
    forged = client.cookies[SESSION_COOKIE][:-4] + "AAAA"
    client.cookies.clear()
    assert (await client.get("/api/v1/me", headers={"Cookie": f"{SESSION_COOKIE}={forged}"})).status_code == 401


async def test_a_key_does_not_make_a_session_of_a_cookie_that_is_none(
    client: httpx.AsyncClient, database: Database
) -> None:
    headers = bearer(await key_of(database, "ann")) | {"Cookie": f"{SESSION_COOKIE}=nothing of ours"}
    answer = await client.get("/api/v1/session", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


# What is published


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
    await database.accounts.rotate_signing(new_signing_secret(), datetime.now(UTC) + holds_for)
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


# How much


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


async def test_a_deletion_is_a_line_for_whoever_audits(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    with capture_logs() as lines:
        assert (await client.delete(f"{VIDEOS}/{video.id}")).status_code == 204
    deleted = [line for line in lines if line["event"] == "video deleted"]
    assert [(line["user_id"], line["owner"]) for line in deleted] == [("local", "local")]
    assert await database.videos.get(UUID(str(video.id))) is None
