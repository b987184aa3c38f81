"""A page of another website changes nothing here, and every answer tells a browser what it may do with it."""

from dataclasses import replace

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from tests.api.running import in_process

UPLOAD = "/api/v1/videos/upload"
CLIP = {"file": ("clip.mp4", b"x")}
PARTNER = "https://app.example.com"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "file://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize(("method", "path"), [("POST", UPLOAD), ("DELETE", f"/api/v1/videos/{'0' * 32}")])
async def test_what_changes_anything_is_refused_to_a_page_of_another_website(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = await client.request(method, path, headers=headers, files=CLIP if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    assert (await client.get("/api/v1/videos")).json()["items"] == []


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://127.0.0.1"}, {"Origin": "http://127.0.0.1:80"}, {"Sec-Fetch-Site": "same-origin"}],
)
async def test_our_own_pages_and_programs_are_served(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await client.post(UPLOAD, headers=headers, files=CLIP)).status_code == 202


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "["])
async def test_without_a_key_a_name_that_a_website_has_pointed_here_is_nobody(
    client: httpx.AsyncClient, host: str
) -> None:
    for method in ("GET", "DELETE"):
        answer = await client.request(method, f"/api/v1/videos/{'0' * 32}", headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_where_names_are_set_another_one_is_not_answered(services: Services, options: ApiOptions) -> None:
    known = replace(options, allowed_hosts=("videos.example.com",))
    async with in_process(services, known) as client:
        for host, status in (("videos.example.com:8000", 200), ("localhost:8000", 200), ("evil.example", 421)):
            assert (await client.get("/healthz", headers={"Host": host})).status_code == status


async def test_a_website_that_is_named_may_ask_and_read_what_tus_needs(services: Services, options: ApiOptions) -> None:
    preflight = {"Origin": PARTNER, "Access-Control-Request-Method": "PATCH"}
    async with in_process(services, replace(options, cors_origins=(PARTNER,))) as client:
        allowed = await client.options("/api/v1/uploads", headers=preflight)
        sent = await client.post(UPLOAD, headers={"Origin": PARTNER}, files=CLIP)
        refused = await client.post(UPLOAD, headers={"Origin": "https://evil.example"}, files=CLIP)
    assert allowed.headers["Access-Control-Allow-Origin"] == PARTNER
    assert "PATCH" in allowed.headers["Access-Control-Allow-Methods"]
    assert (sent.status_code, refused.status_code) == (202, 403)
    assert "Upload-Offset" in sent.headers["Access-Control-Expose-Headers"]


async def test_no_website_may_read_anything_by_default(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/videos", headers={"Origin": PARTNER})
    assert [name for name in answer.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/videos", "/nowhere", "/uploads/processed/x/video.mp4"])
async def test_every_answer_is_neither_guessed_at_nor_framed(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("door", ["upload", "import", "direct"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
async def test_a_door_says_that_it_takes_post_and_does_not_complain_of_an_id(
    client: httpx.AsyncClient, method: str, door: str
) -> None:
    answer = await client.request(method, f"/api/v1/videos/{door}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
