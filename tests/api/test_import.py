"""What an import gets at once; what comes of its URL is its run's affair."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from api.small_body import MOST_BODY_BYTES
from contracts.errors import ErrorCode
from contracts.processing import VideoProcessingInput
from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from fetching.addresses import AddressRules
from ingest.importing import ImportLimits
from tests.api.running import RecordedRuns, in_process

IMPORT = "/api/v1/videos/import"
URL = "https://clips.example/2026/Ficus%20in%20the%20wind.MOV?signature=secret"


async def ask(client: httpx.AsyncClient, url: str = URL, key: str | None = None, **fields: Any) -> httpx.Response:
    return await client.post(IMPORT, json={"url": url, **fields}, headers={"Idempotency-Key": key} if key else {})


async def row(database: Database, answer: httpx.Response) -> Video:
    video = await database.videos.get(UUID(answer.json()["video_id"]))
    assert video is not None
    return video


async def rows(database: Database) -> int:
    return sum((await database.videos.count_by_status()).values())


async def test_an_import_answers_202_with_the_video_and_where_it_is_and_starts_its_run(
    client: httpx.AsyncClient, database: Database, runs: RecordedRuns
) -> None:
    answer = await ask(client)
    video_id = answer.json()["video_id"]
    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/v1/videos/{video_id}")
    assert answer.json()["status"] == "processing"
    video = await row(database, answer)
    assert (video.status, video.source_url, video.content_sha256) == (VideoStatus.PROCESSING, URL, None)
    assert (video.title, video.original_filename) == ("Ficus in the wind", "Ficus in the wind.MOV")
    request = VideoProcessingInput(video_id, "local", f"originals/{video_id}.mov", attempt=1, imported=True)
    assert runs.started == [(request, "Ficus in the wind.MOV")]


async def test_neither_an_answer_nor_temporal_is_told_the_url(client: httpx.AsyncClient, runs: RecordedRuns) -> None:
    answer = await ask(client)
    shown = await client.get(answer.headers["location"])
    assert "secret" not in answer.text + shown.text + repr(runs.started)
    assert shown.json()["file_size_bytes"] is None, "it is not here yet"


async def test_a_title_and_a_profile_are_those_that_were_asked_for(
    client: httpx.AsyncClient, database: Database
) -> None:
    video = await row(database, await ask(client, title=" Mine ", profile="archive"))
    assert (video.title, video.profile) == ("Mine", "archive")


@pytest.mark.parametrize(
    ("url", "filename", "extension"),
    [
        ("https://clips.example/watch?v=1", "watch", ".mp4"),
        ("https://clips.example/", "clips.example", ".mp4"),
        ("https://clips.example/a.mkv", "a.mkv", ".mp4"),
        ("https://clips.example/..%2F..%2Fa.avi", "a.avi", ".avi"),
    ],
)
async def test_a_url_that_names_no_video_is_taken_all_the_same(
    client: httpx.AsyncClient, database: Database, url: str, filename: str, extension: str
) -> None:
    video = await row(database, await ask(client, url))
    assert (video.original_filename, video.original_key) == (filename, f"originals/{video.id}{extension}")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"url": "http://10.1.2.3/a.mp4"}, 422, "address_refused"),
        ({"url": "http://localhost:8000/a.mp4"}, 422, "address_refused"),
        ({"url": "http://169.254.169.254/latest/meta-data/"}, 422, "address_refused"),
        ({"url": "file:///etc/passwd"}, 422, "invalid_url"),
        ({"url": "https://user:secret@clips.example/a.mp4"}, 422, "invalid_url"),
        ({"url": ""}, 422, "invalid_url"),
        ({}, 422, "invalid_request"),
        ({"url": 7}, 422, "invalid_request"),
        ({"url": URL, "titel": "x"}, 422, "invalid_request"),
        ({"url": URL, "title": "x" * 201}, 422, "invalid_title"),
        ({"url": URL, "profile": "nope"}, 422, "unknown_profile"),
        ({"url": "https://clips.example/" + "a" * MOST_BODY_BYTES}, 413, "http_error"),
    ],
)
async def test_what_is_refused_is_refused_with_its_code_and_leaves_no_row(
    client: httpx.AsyncClient, database: Database, fields: dict[str, Any], status: int, code: str
) -> None:
    answer = await client.post(IMPORT, json=fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret" not in answer.text
    assert await rows(database) == 0


async def test_a_network_that_the_operator_allows_may_be_named(services: Services, options: ApiOptions) -> None:
    allowing = replace(options, imports=ImportLimits(enabled=True, addresses=AddressRules(["10.1.0.0/16"])))
    async with in_process(services, allowing) as client:
        assert (await ask(client, "http://10.1.2.3/a.mp4")).status_code == 202
        assert (await ask(client, "http://10.2.2.3/a.mp4")).status_code == 422


async def test_where_imports_are_off_none_is_taken(services: Services, options: ApiOptions) -> None:
    off = replace(options, imports=ImportLimits(enabled=False, addresses=AddressRules()))
    async with in_process(services, off) as client:
        answer = await ask(client)
    assert (answer.status_code, answer.json()["code"]) == (403, "import_disabled")


async def test_the_same_key_gets_the_same_video_also_after_it_failed(
    client: httpx.AsyncClient, database: Database, runs: RecordedRuns
) -> None:
    first = await ask(client, key="one")
    video_id = UUID(first.json()["video_id"])
    assert await database.videos.mark_error(video_id, 1, ErrorCode.SOURCE_FAILED, "It was away.")
    again = await ask(client, key="one")
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert (await rows(database), len(runs.started)) == (1, 1)


async def test_an_import_that_failed_before_there_was_a_file_can_be_retried(
    client: httpx.AsyncClient, database: Database, runs: RecordedRuns
) -> None:
    video_id = (await ask(client)).json()["video_id"]
    assert await database.videos.mark_error(UUID(video_id), 1, ErrorCode.SOURCE_FAILED, "It was away.")
    answer = await client.post(f"/api/v1/videos/{video_id}/retry")
    assert answer.status_code == 202
    assert (runs.started[-1][0].attempt, runs.started[-1][0].imported) == (2, True)


async def test_while_temporal_is_away_an_import_waits_in_its_row(
    client: httpx.AsyncClient, database: Database, runs: RecordedRuns
) -> None:
    runs.away = True
    assert (await row(database, await ask(client))).status == VideoStatus.PROCESSING
