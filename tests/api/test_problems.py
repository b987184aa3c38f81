"""Every error is a problem document, every answer has a request id, and the logs tell the same story."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import structlog
from structlog.testing import capture_logs
from structlog.typing import EventDict

from api.options import ApiOptions
from api.problems import PROBLEMS, ProblemCode, ProblemDocument
from api.services import Services
from contracts.refusals import RefusalCode
from contracts.status import VideoStatus
from database.engine import Database
from storage.disk import DiskStorage
from tests.api.rows import make_video
from tests.api.running import in_process


class BrokenVideos:
    """Rows that can't be read, for a reason that nobody foresaw."""

    async def get(self, *_: object) -> None:
        raise ZeroDivisionError("a secret of the inside")


@pytest.fixture
async def broken(services: Services, options: ApiOptions) -> AsyncIterator[httpx.AsyncClient]:
    object.__setattr__(services, "videos", BrokenVideos())
    async with in_process(services, options) as client:
        yield client


@asynccontextmanager
async def captured() -> AsyncIterator[list[EventDict]]:
    """What is logged meanwhile, with what was bound to it."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as events:
        yield events


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "not_found"),
        ("PUT", "/api/v1/videos", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
        ("GET", "/api/v1/videos?limit=0", 422, "invalid_request"),
        ("GET", "/api/v1/videos/not-an-id", 422, "invalid_request"),
    ],
)
async def test_an_error_is_a_problem_document(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    document = ProblemDocument.model_validate_json(answer.content)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, document.status, document.code) == (status, status, code)
    assert document.type == f"urn:rushes:problem:{code}"
    assert document.title == PROBLEMS[ProblemCode(code)].title
    assert document.instance == path.partition("?")[0]
    assert document.request_id == answer.headers["x-request-id"]


async def test_a_method_that_is_not_taken_is_told_which_are(client: httpx.AsyncClient) -> None:
    assert (await client.put("/api/v1/videos")).headers["allow"] == "GET"


async def test_of_a_request_that_is_wrong_in_countless_places_some_are_told(client: httpx.AsyncClient) -> None:
    body = {f"a{number}": 1 for number in range(4000)}
    document = (await client.post("/api/v1/videos/direct", json=body)).json()
    assert (document["code"], len(document["errors"])) == ("invalid_request", 20)
    assert document["detail"].endswith("; and 3982 more")
    answer = await client.post("/api/v1/videos/direct", json={"a" * 60_000: 1})
    assert (answer.json()["code"], len(answer.content) < 2000) == ("invalid_request", True)
    parts = f"/api/v1/videos/direct/{'0' * 32}/complete"
    document = (await client.post(parts, json={"parts": [0] * 9000})).json()
    assert [error["parameter"] for error in document["errors"]] == ["body.parts.0"]


async def test_an_invalid_request_says_what_is_wrong_where(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/v1/videos", params={"limit": 0, "status": "x"})).json()
    assert [error["parameter"] for error in document["errors"]] == ["query.status", "query.limit"]
    assert "query.limit" in document["detail"]


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("videos/import", '{"url": ', "body: not JSON: Expecting value, at character 8"),
        ("videos/import", '{"url": "https://a.example/", "titel": "A"}', "body.titel: there is no field of this name"),
        ("videos/import", "{}", "body.url: it is missing"),
        ("videos/import", "", "body: there is none; send the JSON object"),
        ("videos/123/retry", "", "path.video_id: not an id: 32 hexadecimal digits"),
        ("webhooks", '{"url": "https://a.example/", "event_types": ["x"]}', "body.event_types.0: webhooks get video."),
    ],
)
async def test_what_is_wrong_is_told_in_words_of_ours(
    client: httpx.AsyncClient, path: str, body: str, told: str
) -> None:
    headers = {"Content-Type": "application/json"}
    document = (await client.post(f"/api/v1/{path}", content=body, headers=headers)).json()
    assert document["code"] == "invalid_request"
    assert document["detail"].startswith(told)
    assert "video.progress" not in document["detail"]


async def test_an_unexpected_error_tells_nothing_of_the_inside(broken: httpx.AsyncClient) -> None:
    async with captured() as events:
        answer = await broken.get("/api/v1/videos/0b7f4a52-6f0c-4a53-9d5e-2f1f0c7f6a11")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    failure = next(event for event in events if event["event"] == "unexpected error")
    assert failure["request_id"] == answer.json()["request_id"]
    assert failure["video_id"] == "0b7f4a52-6f0c-4a53-9d5e-2f1f0c7f6a11"


@pytest.mark.parametrize("given", ["abc-123", "0af7651916cd43dd8448eb211c80319c"])
async def test_the_callers_request_id_is_kept(client: httpx.AsyncClient, given: str) -> None:
    assert (await client.get("/healthz", headers={"X-Request-ID": given})).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "with space", "x" * 129, 'quo"te', "Ä"])
async def test_a_request_id_that_could_spoil_a_log_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/healthz", headers=httpx.Headers({b"X-Request-ID": given.encode()}))
    assert len(answer.headers["x-request-id"]) == 32


async def test_each_request_is_one_line_with_its_video(client: httpx.AsyncClient) -> None:
    async with captured() as events:
        uploaded = await client.post("/api/v1/videos/upload", files={"file": ("a.mp4", b"x")})
    [line] = [event for event in events if event["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("POST", "/api/v1/videos/upload", 202)
    assert line["video_id"] == uploaded.json()["video_id"]
    assert line["request_id"] == uploaded.headers["x-request-id"]
    assert line["duration_ms"] >= 0


async def test_the_line_about_a_published_file_has_its_video(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    async with captured() as events:
        await client.get(f"/uploads/processed/{video.id}/video.mp4")
    [line] = [event for event in events if event["event"] == "request"]
    assert line["video_id"] == str(video.id)


async def test_one_requests_video_is_not_in_the_next_ones_line(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/videos/upload", files={"file": ("a.mp4", b"x")})
    async with captured() as events:
        await client.get("/api/v1/videos")
    assert "video_id" not in next(event for event in events if event["event"] == "request")


async def test_the_table_has_every_code_that_an_answer_may_have() -> None:
    assert set(PROBLEMS) >= {*ProblemCode, *RefusalCode}
    assert all(400 <= kind.status < 600 and kind.title for kind in PROBLEMS.values())
