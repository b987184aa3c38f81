"""Who comes in, and what each sees: keys, sessions and owners."""

import asyncio

import httpx
import pytest

from accounts.keys import KeyText
from api.authentication import CSRF_HEADER, SESSION_COOKIE
from api.options import ApiOptions
from api.services import Services
from database.engine import Database
from tests.api.accounts import bearer, key_of, upload_as
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


async def test_an_administrator_lists_one_user_s_videos_and_nobody_else_another_s(
    client: httpx.AsyncClient, database: Database
) -> None:
    ann, bea, root = [await key_of(database, user, is_admin=user == "root") for user in ("ann", "bea", "root")]
    of_ann, of_bea = [(await upload_as(client, key)).json()["video_id"] for key in (ann, bea)]

    async def listed(key: KeyText, user: str) -> list[str]:
        answer = await client.get(VIDEOS, headers=bearer(key), params={"user": user})
        return [video["id"] for video in answer.json()["items"]]

    assert [await listed(root, user) for user in ("ann", "bea", "nobody")] == [[of_ann], [of_bea], []]
    assert [await listed(bea, user) for user in ("ann", "bea")] == [[], [of_bea]]


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


async def test_a_page_of_one_session_reads_nothing_as_the_next_one(
    client: httpx.AsyncClient, database: Database
) -> None:
    headers = {CSRF_HEADER: (await begin(client, database))["csrf_token"]}
    assert (await client.get(VIDEOS, headers=headers)).status_code == 200
    begun = await client.post("/api/v1/session", headers=bearer(await key_of(database, "bob")))
    assert begun.status_code == 201
    refused = await client.get(VIDEOS, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_refused")
    assert (await client.get(VIDEOS)).status_code == 200, "what only reads may come without a token"


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
