"""What a caller keeps with a video comes through every door, comes back in every answer, and finds the video again."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.metadata import LONGEST_KEY, LONGEST_VALUE, MOST_KEYS
from contracts.status import VideoStatus
from database.engine import Database
from storage.disk import DiskStorage
from tests.api.rows import make_video, video_of
from tests.api.tus import TUS
from tests.api.tus import metadata as upload_metadata

VIDEOS = "/api/v1/videos"
ORDER = {"order": "4711", "Kunde": "Müller & Söhne"}


async def by_form(client: httpx.AsyncClient, metadata: str) -> httpx.Response:
    return await client.post(f"{VIDEOS}/upload", files={"file": ("a.mp4", b"x")}, data={"metadata": metadata})


async def by_tus(client: httpx.AsyncClient, metadata: str) -> httpx.Response:
    headers = {**TUS, "Upload-Length": "7", **upload_metadata(filename="a.mp4", metadata=metadata)}
    return await client.post("/api/v1/uploads", headers=headers)


async def by_import(client: httpx.AsyncClient, metadata: str) -> httpx.Response:
    wanted = {"url": "https://clips.example/a.mp4", "metadata": json.loads(metadata)}
    return await client.post(f"{VIDEOS}/import", json=wanted)


@pytest.mark.parametrize("send", [by_form, by_tus, by_import])
async def test_metadata_that_is_sent_with_a_video_comes_back(client: httpx.AsyncClient, send: Any) -> None:
    answer = await send(client, json.dumps(ORDER))
    assert answer.is_success, answer.text
    video_id = answer.headers["location"].rpartition("/")[2]
    assert (await client.get(f"{VIDEOS}/{video_id}")).json()["metadata"] == ORDER
    assert (await client.get(VIDEOS)).json()["items"][0]["metadata"] == ORDER


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        {"order": 4711},
        {"order": {"number": "4711"}},
        {"": "empty"},
        {"order[1]": "4711"},
        {"k" * (LONGEST_KEY + 1): "4711"},
        {"order": "x" * (LONGEST_VALUE + 1)},
        {"order": "47\x0011"},
        {"order": "\ud800"},
        {str(number): "" for number in range(MOST_KEYS + 1)},
        {str(number): "x" * LONGEST_VALUE for number in range(20)},
    ],
)
async def test_metadata_that_can_not_be_kept_is_refused_and_nothing_is_left(
    client: httpx.AsyncClient, metadata: object
) -> None:
    for send in (by_form, by_tus):
        refused = await send(client, json.dumps(metadata))
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_metadata"), metadata
    assert (await client.get(VIDEOS)).json()["items"] == []


async def test_what_is_no_json_is_refused(client: httpx.AsyncClient) -> None:
    for broken in ("order=4711", "{", "[" * 10_000):
        refused = await by_form(client, broken)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_metadata")


async def test_a_change_merges_metadata(client: httpx.AsyncClient, database: Database, storage: DiskStorage) -> None:
    video = await make_video(database, storage, VideoStatus.PROCESSING)

    async def patched(metadata: object) -> object:
        answer = await client.patch(f"{VIDEOS}/{video.id}", json={"metadata": metadata})
        assert answer.status_code == 200, answer.text
        assert (await client.get(f"{VIDEOS}/{video.id}")).json() == answer.json()
        return answer.json()["metadata"]

    assert await patched({"order": "4711", "draft": "yes"}) == {"order": "4711", "draft": "yes"}
    assert await patched({"draft": None, "colour": "red", "gone": None}) == {"order": "4711", "colour": "red"}
    assert await patched({}) == {"order": "4711", "colour": "red"}
    too_much = {str(number): "" for number in range(MOST_KEYS)}
    refused = await client.patch(f"{VIDEOS}/{video.id}", json={"metadata": too_much, "title": "Too much"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_metadata")
    unchanged = (await client.get(f"{VIDEOS}/{video.id}")).json()
    assert (unchanged["title"], unchanged["metadata"]) == (video.title, {"order": "4711", "colour": "red"})
    assert await patched(None) == {}


async def test_a_change_says_title_and_visibility_and_leaves_what_it_does_not_say(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    here = f"{VIDEOS}/{video.id}"
    titled = await client.patch(
        here, content=b'{"title": " A new name "}', headers={"Content-Type": "application/merge-patch+json"}
    )
    assert (titled.json()["title"], titled.json()["visibility"]) == ("A new name", "private")
    shown = (await client.patch(here, json={"visibility": "public", "metadata": ORDER})).json()
    assert (shown["title"], shown["visibility"], shown["metadata"]) == ("A new name", "public", ORDER)
    assert shown["updated_at"] > titled.json()["updated_at"]
    assert (await client.patch(here, json={"title": ""})).json()["title"] == "clip", "the file's name"
    row = await video_of(database, video.id)
    assert (row.status, row.attempt, row.user_metadata) == (video.status, video.attempt, ORDER)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": None}, "invalid_request"),
        ({"title": "x" * 201}, "invalid_title"),
        ({"title": "a\nb"}, "invalid_title"),
        ({"visibility": "secret"}, "invalid_request"),
        ({"visibility": None}, "invalid_request"),
        ({"metadata": {"order": 4711}}, "invalid_request"),
        ({"metadata": "order"}, "invalid_request"),
        ({"status": "ready"}, "invalid_request"),
    ],
)
async def test_a_change_that_can_not_be_is_refused(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage, change: object, code: str
) -> None:
    video = await make_video(database, storage, VideoStatus.READY)
    refused = await client.patch(f"{VIDEOS}/{video.id}", json=change)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await video_of(database, video.id) == video


async def test_a_list_is_of_what_fits_all_that_is_asked(
    client: httpx.AsyncClient, database: Database, storage: DiskStorage
) -> None:
    names = {}
    for title, status in (
        ("100% Ficus", VideoStatus.READY),
        ("ficus_2", VideoStatus.ERROR),
        ("Monstera", VideoStatus.READY),
    ):
        video = await make_video(database, storage, status, title)
        names[str(video.id)] = title
        await client.patch(f"{VIDEOS}/{video.id}", json={"metadata": {"plant": title[:5], "pot": "blue"}})
    first = await video_of(database, UUID(next(iter(names))))

    async def found(**asked: str) -> list[str]:
        answer = await client.get(VIDEOS, params=asked)
        assert answer.status_code == 200, answer.text
        return [names[item["id"]] for item in answer.json()["items"]]

    assert await found(title="FICUS") == ["ficus_2", "100% Ficus"]
    assert await found(title="0%") == ["100% Ficus"], "no wildcard"
    assert await found(title="s_2") == ["ficus_2"]
    assert await found(title="ficus", status="ready") == ["100% Ficus"]
    assert await found(error_code="invalid_media") == ["ficus_2"]
    assert await found(error_code="cancelled") == []
    misspelt = await client.get(VIDEOS, params={"error_code": "canceled"})
    assert (misspelt.status_code, misspelt.json()["code"]) == (422, "invalid_request")
    assert "'cancelled'" in misspelt.json()["detail"]
    assert await found(**{"metadata[pot]": "blue"}) == ["Monstera", "ficus_2", "100% Ficus"]
    assert await found(**{"metadata[pot]": "blue", "metadata[plant]": "Monst"}) == ["Monstera"]
    assert await found(**{"metadata[pot]": "Blue"}) == []
    assert await found(created_before=first.created_at.isoformat()) == []
    assert len(await found(created_after=first.created_at.isoformat())) == 3
    page = (await client.get(VIDEOS, params={"title": "ficus", "limit": 1})).json()
    assert await found(title="ficus", limit="1", cursor=page["next_cursor"]) == ["100% Ficus"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"created_after": "yesterday"}, "invalid_request"),
        ({"created_before": "2026-01-01T00:00:00 or so"}, "invalid_request"),
        ({"title": "x" * 201}, "invalid_request"),
        ({"title": "a\x00"}, "invalid_request"),
        ({"error_code": "a\x00"}, "invalid_request"),
        ({"metadata[order]": "x" * 501}, "invalid_metadata"),
    ],
)
async def test_a_filter_that_can_not_be_is_refused(client: httpx.AsyncClient, asked: dict[str, str], code: str) -> None:
    refused = await client.get(VIDEOS, params=asked)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
