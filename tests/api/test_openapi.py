"""The OpenAPI document says what the api does."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.status import StepState
from runs.records import StepFailure, StepRecord
from tests.api.openapi_check import assert_matches
from tests.api.running import RecordedRuns

OPERATIONS = {
    ("post", "/api/v1/videos/upload"): "upload_video",
    ("post", "/api/v1/videos/import"): "import_video",
    ("options", "/api/v1/uploads"): "describe_uploads",
    ("post", "/api/v1/uploads"): "create_upload",
    ("head", "/api/v1/uploads/{video_id}"): "get_upload_offset",
    ("patch", "/api/v1/uploads/{video_id}"): "append_to_upload",
    ("delete", "/api/v1/uploads/{video_id}"): "terminate_upload",
    ("post", "/api/v1/videos/direct"): "begin_direct_upload",
    ("post", "/api/v1/videos/direct/{video_id}/complete"): "complete_direct_upload",
    ("get", "/api/v1/videos"): "list_videos",
    ("get", "/api/v1/videos/{video_id}"): "get_video",
    ("delete", "/api/v1/videos/{video_id}"): "delete_video",
    ("get", "/api/v1/videos/{video_id}/steps"): "get_video_steps",
    ("post", "/api/v1/videos/{video_id}/cancel"): "cancel_video",
    ("post", "/api/v1/videos/{video_id}/retry"): "retry_video",
    ("post", "/api/v1/videos/{video_id}/reprocess"): "reprocess_video",
    ("patch", "/api/v1/videos/{video_id}"): "change_video",
    ("get", "/api/v1/videos/{video_id}/original"): "get_original",
    ("post", "/api/v1/videos/{video_id}/links"): "make_link",
    ("get", "/api/v1/events"): "listen_to_events",
    ("get", "/api/v1/videos/{video_id}/events"): "listen_to_video",
    ("post", "/api/v1/webhooks"): "create_webhook",
    ("get", "/api/v1/webhooks"): "list_webhooks",
    ("get", "/api/v1/webhooks/{webhook_id}"): "get_webhook",
    ("patch", "/api/v1/webhooks/{webhook_id}"): "change_webhook",
    ("delete", "/api/v1/webhooks/{webhook_id}"): "delete_webhook",
    ("post", "/api/v1/webhooks/{webhook_id}/secret"): "rotate_webhook_secret",
    ("get", "/api/v1/webhooks/{webhook_id}/deliveries"): "list_webhook_deliveries",
    ("post", "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend"): "resend_webhook_delivery",
    ("post", "/api/v1/session"): "begin_session",
    ("get", "/api/v1/session"): "get_session",
    ("delete", "/api/v1/session"): "end_session",
    ("get", "/api/v1/me"): "get_me",
    ("post", "/api/v1/cohorts"): "retry_cohort",
    ("get", "/api/v1/cohorts"): "list_cohorts",
    ("post", "/api/v1/cohorts/reprocess"): "reprocess_cohort",
    ("get", "/api/v1/cohorts/{cohort_id}"): "get_cohort",
    ("post", "/api/v1/cohorts/{cohort_id}/pause"): "pause_cohort",
    ("post", "/api/v1/cohorts/{cohort_id}/resume"): "resume_cohort",
    ("delete", "/api/v1/cohorts/{cohort_id}"): "cancel_cohort",
    ("get", "/api/v1/system"): "get_system",
    ("get", "/api/v1/system/running"): "list_running",
    ("get", "/uploads/processed/{video_id}/{name}"): "get_published_file",
    ("get", "/healthz"): "healthz",
    ("get", "/readyz"): "readyz",
}


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    read: dict[str, Any] = answer.json()
    return read


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method, path): operation for path, item in document["paths"].items() for method, operation in item.items()}


def assert_documented(answer: httpx.Response, method: str, path: str, document: dict[str, Any]) -> None:
    """The answer's status, content type and content are those of the document."""
    responses = operations(document)[method, path]["responses"]
    assert str(answer.status_code) in responses, f"{answer.status_code} of {method} {path} is not documented"
    content = responses[str(answer.status_code)].get("content")
    if content is None:
        assert answer.content == b""
        return
    schema = content[answer.headers["content-type"].partition(";")[0]]["schema"]
    assert_matches(answer.json(), schema, document)


async def test_every_operation_has_its_stable_id(document: dict[str, Any]) -> None:
    found = {key: operation["operationId"] for key, operation in operations(document).items()}
    assert found == OPERATIONS


async def test_every_operation_is_described_with_the_errors_that_it_may_answer(document: dict[str, Any]) -> None:
    for key, operation in operations(document).items():
        assert operation["summary"], key
        for status, response in operation["responses"].items():
            assert response["description"], (key, status)
            if int(status) >= 400:
                problem = response["content"]["application/problem+json"]
                assert set(response["content"]) == {"application/problem+json"}
                assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
                for example in problem["examples"].values():
                    assert_matches(example["value"], problem["schema"], document)
                    assert example["value"]["status"] == int(status)


async def test_the_examples_are_as_their_schemas_say(document: dict[str, Any]) -> None:
    with_examples = [name for name, schema in document["components"]["schemas"].items() if "examples" in schema]
    assert {"VideoView", "VideoList", "VideoAccepted"} <= set(with_examples)
    for name in with_examples:
        schema = document["components"]["schemas"][name]
        for example in schema["examples"]:
            assert_matches(example, schema, document)


def test_the_docs_page_offers_to_choose_a_file(document: dict[str, Any]) -> None:
    body = operations(document)["post", "/api/v1/videos/upload"]["requestBody"]
    schema = body["content"]["multipart/form-data"]["schema"]
    assert schema["properties"]["file"]["format"] == "binary"
    assert schema["required"] == ["file"]


async def test_the_docs_page_comes_from_this_server_alone(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert sources
    for source in sources:
        assert source.startswith("/"), source
        assert (await client.get(source)).status_code == 200


async def test_answers_are_as_the_document_says(
    document: dict[str, Any], client: httpx.AsyncClient, runs: RecordedRuns
) -> None:
    now = datetime.now(UTC)
    failure = StepFailure("transcode_failed", "ffmpeg was killed.")
    runs.history = [
        StepRecord(
            "validate_video",
            "validate",
            "Validate",
            StepState.COMPLETED,
            1,
            "video-control",
            now,
            now,
            0.2,
            "1@host",
            None,
        ),
        StepRecord(
            "encode_chunk",
            "chunk-1-of-2",
            "Picture",
            StepState.SCHEDULED,
            0,
            "video-media",
            now,
            None,
            None,
            None,
            failure,
        ),
    ]
    uploaded = await client.post("/api/v1/videos/upload", files={"file": ("a.mp4", b"x")})
    imported = await client.post("/api/v1/videos/import", json={"url": "https://clips.example/a.mp4"})
    one = "/api/v1/videos/{video_id}"
    here = one.format(video_id=uploaded.json()["video_id"])
    nowhere = one.format(video_id=uuid4())
    answers = [
        (uploaded, "post", "/api/v1/videos/upload"),
        (await client.post("/api/v1/videos/upload"), "post", "/api/v1/videos/upload"),
        (imported, "post", "/api/v1/videos/import"),
        (await client.post("/api/v1/videos/import", json={}), "post", "/api/v1/videos/import"),
        (await client.get("/api/v1/videos"), "get", "/api/v1/videos"),
        (await client.get("/api/v1/videos?limit=0"), "get", "/api/v1/videos"),
        (await client.get(here), "get", one),
        (await client.get(nowhere), "get", one),
        (await client.get(f"{here}/steps"), "get", f"{one}/steps"),
        (await client.post(f"{here}/retry"), "post", f"{one}/retry"),
        (await client.post(f"{here}/cancel"), "post", f"{one}/cancel"),
        (await client.post(f"{here}/cancel"), "post", f"{one}/cancel"),
        (await client.post(f"{here}/retry"), "post", f"{one}/retry"),
        (await client.delete(here), "delete", one),
        (await client.delete(here), "delete", one),
        (await client.get("/api/v1/system"), "get", "/api/v1/system"),
        (await client.get("/healthz"), "get", "/healthz"),
        (await client.get("/readyz"), "get", "/readyz"),
        (await client.get(f"/uploads/processed/{uuid4()}/video.mp4"), "get", "/uploads/processed/{video_id}/{name}"),
    ]
    statuses = [answer.status_code for answer, _, _ in answers]
    assert statuses == [202, 415, 202, 422, 200, 422, 200, 404, 200, 409, 202, 409, 202, 204, 404, 200, 200, 200, 404]
    for answer, method, path in answers:
        assert_documented(answer, method, path, document)
