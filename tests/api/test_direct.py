"""An upload straight into the bucket: the service sees none of its bytes, and takes only what was declared."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from contracts.status import VideoStatus
from database.engine import Database
from storage.bucket import BucketStorage
from storage.bucket_direct import BucketDirect
from storage.bucket_objects import Bucket
from tests.api.accounts import bearer, key_of
from tests.api.running import RecordedRuns, over_http
from tests.fixtures.noise import noise
from tests.storage.published import content_of
from tests.waiting import eventually

DIRECT = "/api/v1/videos/direct"
CONTENT = noise(256 * 70 * 1024)  # 17.5 MiB: a part, and a rest


@pytest.fixture
async def http(
    services: Services, options: ApiOptions, bucket_storage: BucketStorage
) -> AsyncIterator[httpx.AsyncClient]:
    """The api on a bucket."""
    async with over_http(replace(services, storage=bucket_storage), options) as client:
        yield client


async def begun(http: httpx.AsyncClient, **headers: str) -> dict[str, Any]:
    """An upload, and where its parts go."""
    wanted = {"filename": "holiday.mp4", "size_bytes": len(CONTENT), "title": "A holiday"}
    answer = await http.post(DIRECT, json=wanted, headers=headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def put_all(upload: dict[str, Any], content: bytes = CONTENT) -> list[dict[str, Any]]:
    """Put every part where it goes, past the service; what the bucket answers to each."""
    done = []
    async with httpx.AsyncClient() as anybody:
        for part in upload["parts"]:
            begin = (part["number"] - 1) * upload["part_bytes"]
            answer = await anybody.put(part["url"], content=content[begin : begin + upload["part_bytes"]])
            assert answer.status_code == 200, answer.text
            done.append({"number": part["number"], "etag": answer.headers["etag"]})
    return done


async def complete(http: httpx.AsyncClient, upload: dict[str, Any], parts: list[dict[str, Any]]) -> httpx.Response:
    """Say that all is there."""
    return await http.post(f"{DIRECT}/{upload['video_id']}/complete", json={"parts": parts})


async def test_parts_that_were_put_become_the_original_and_its_run_starts(
    http: httpx.AsyncClient, database: Database, bucket_storage: BucketStorage, runs: RecordedRuns
) -> None:
    upload = await begun(http)
    assert [part["number"] for part in upload["parts"]] == [1, 2]
    parts = await put_all(upload)
    answer = await complete(http, upload, parts)
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    video = await database.videos.get(UUID(upload["video_id"]))
    assert video is not None
    assert (video.status, video.title, video.file_size_bytes) == (VideoStatus.PROCESSING, "A holiday", len(CONTENT))
    assert await content_of(bucket_storage, video.original_key) == CONTENT
    assert [request.hash_is_known for request, _ in runs.started] == [False], "the run computes it"
    assert (await complete(http, upload, parts)).status_code == 202, "the answer may have been lost"
    assert len(runs.started) == 1


async def test_an_address_takes_no_more_and_no_less_than_its_part(http: httpx.AsyncClient) -> None:
    upload = await begun(http)
    last = upload["parts"][-1]["url"]
    rest = CONTENT[upload["part_bytes"] :]
    async with httpx.AsyncClient() as anybody:
        answers = [await anybody.put(last, content=content) for content in (rest + b"x", rest[:-1], rest)]
    assert [answer.status_code for answer in answers] == [403, 403, 200]


async def test_an_upload_of_another_is_not_completed(http: httpx.AsyncClient, database: Database) -> None:
    ann, bea = [bearer(await key_of(database, user)) for user in ("ann", "bea")]
    upload = await begun(http, **ann)
    refused = await http.post(f"{DIRECT}/{upload['video_id']}/complete", json={"parts": []}, headers=bea)
    assert (refused.status_code, refused.json()["code"]) == (404, "video_not_found")


async def test_the_addresses_of_an_upload_that_is_cancelled_take_nothing_any_more(
    http: httpx.AsyncClient, bucket: Bucket
) -> None:
    upload = await begun(http)
    await put_all({**upload, "parts": upload["parts"][:1]})
    assert (await http.post(f"/api/v1/videos/{upload['video_id']}/cancel")).status_code == 202
    async with httpx.AsyncClient() as anybody:
        answer = await anybody.put(upload["parts"][1]["url"], content=CONTENT[upload["part_bytes"] :])
    assert answer.status_code == 404
    assert await bucket.unfinished(f"originals/{upload['video_id']}.mp4") == []


@pytest.mark.parametrize(
    ("put", "etags", "told"),
    [
        (1, {}, f"16777216 bytes in 1 parts are there, and {len(CONTENT)} were declared. Put what is missing"),
        (2, {2: '"0123"'}, "Part 2 is not the one"),
        (2, {3: '"0123"'}, "Part 3 is not the one"),
    ],
)
async def test_what_is_not_what_was_declared_is_refused_and_can_be_completed_later(
    http: httpx.AsyncClient, runs: RecordedRuns, put: int, etags: dict[int, str], told: str
) -> None:
    upload = await begun(http)
    early = await complete(http, upload, [])
    assert (early.status_code, early.json()["code"]) == (409, "parts_mismatch")
    await put_all({**upload, "parts": upload["parts"][:put]})
    answer = await complete(http, upload, [{"number": number, "etag": etag} for number, etag in etags.items()])
    assert (answer.status_code, answer.json()["code"]) == (409, "parts_mismatch")
    assert told in answer.json()["detail"]
    assert runs.started == []
    late = await complete(http, upload, await put_all(upload))
    assert late.status_code == 202, late.text


async def test_an_upload_begun_again_with_its_key_keeps_its_parts_and_has_none_to_put_once_it_is_complete(
    http: httpx.AsyncClient, bucket: Bucket, runs: RecordedRuns
) -> None:
    key = {"Idempotency-Key": "trip to the sea"}
    first = await begun(http, **key)
    await put_all({**first, "parts": first["parts"][:1]})
    again = await begun(http, **key)
    assert again["video_id"] == first["video_id"]
    await put_all({**again, "parts": again["parts"][1:]})
    assert (await complete(http, again, [])).status_code == 202
    assert await bucket.unfinished(f"originals/{first['video_id']}.mp4") == []
    late = await begun(http, **key)
    assert (late["video_id"], late["parts"], late["expires_at"]) == (first["video_id"], [], None)
    assert (await complete(http, late, [])).status_code == 202
    assert len(runs.started) == 1


async def test_of_requests_with_one_key_at_once_all_are_told_the_same_addresses(
    http: httpx.AsyncClient, bucket: Bucket
) -> None:
    wanted = {"filename": "holiday.mp4", "size_bytes": len(CONTENT)}

    async def ask() -> httpx.Response:
        return await http.post(DIRECT, json=wanted, headers={"Idempotency-Key": "sent four times"})

    async def begin() -> dict[str, Any]:
        answer = await eventually(ask, lambda answer: answer.status_code != 423)  # a bucket may take its time
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    uploads = await asyncio.gather(*(begin() for _ in range(4)))
    assert len({upload["video_id"] for upload in uploads}) == 1
    of_which = {httpx.URL(part["url"]).params["uploadId"] for upload in uploads for part in upload["parts"]}
    assert len(of_which) == 1, "what is put at one's addresses is not seen by who completes the other's"
    assert len(await bucket.unfinished(f"originals/{uploads[0]['video_id']}.mp4")) == 1
    await put_all({**uploads[0], "parts": uploads[0]["parts"][:1]})
    await put_all({**uploads[3], "parts": uploads[3]["parts"][1:]})
    assert (await complete(http, uploads[1], [])).status_code == 202


async def test_a_key_with_another_declaration_or_of_another_door_is_refused(http: httpx.AsyncClient) -> None:
    wanted = {"filename": "holiday.mp4", "size_bytes": len(CONTENT)}
    key = {"Idempotency-Key": "key"}
    await begun(http, **key)
    answer = await http.post(DIRECT, json=wanted, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused"), "it has another title"
    of_tus = {"Idempotency-Key": "of tus"}
    name = base64.b64encode(b"holiday.mp4").decode()
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(CONTENT)), "Upload-Metadata": f"filename {name}"}
    media_type = {"Content-Type": "application/offset+octet-stream"}
    await http.post("/api/v1/uploads", headers={**tus, **media_type, **of_tus}, content=CONTENT[:5])
    answer = await http.post(DIRECT, json=wanted, headers=of_tus)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused"), "it goes on at tus"


async def test_a_deleted_upload_is_not_completed_any_more(http: httpx.AsyncClient) -> None:
    upload = await begun(http)
    await put_all(upload)
    assert (await http.delete(f"/api/v1/videos/{upload['video_id']}")).status_code == 204
    assert (await complete(http, upload, [])).json()["code"] == "video_not_found"


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"filename": "notes.txt", "size_bytes": 1}, 415, "unsupported_extension"),
        ({"filename": "a.mp4", "size_bytes": 0}, 422, "file_empty"),
        ({"filename": "a.mp4", "size_bytes": 10**12}, 413, "too_large"),
        ({"filename": "a.mp4", "size_bytes": 1, "profile": "none"}, 422, "unknown_profile"),
        ({"filename": "a.mp4"}, 422, "invalid_request"),
    ],
)
async def test_what_can_not_begin_is_refused(
    http: httpx.AsyncClient, wanted: dict[str, Any], status: int, code: str
) -> None:
    answer = await http.post(DIRECT, json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await http.get("/api/v1/videos")).json()["items"] == []


async def test_a_service_on_a_disk_says_that_there_is_no_bucket(client: httpx.AsyncClient) -> None:
    answer = await client.post(DIRECT, json={"filename": "a.mp4", "size_bytes": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_bucket")
    assert (await client.post(f"{DIRECT}/{uuid4()}/complete", json={})).json()["code"] == "no_bucket"


class SlowToFinish(BucketDirect):
    """A bucket that takes its time to make a file of its parts."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(bucket)
        self.is_asked, self.may_end = asyncio.Event(), asyncio.Event()

    async def finish_signed(self, key: str, size_bytes: int, etags: Mapping[int, str]) -> str | None:
        self.is_asked.set()
        await self.may_end.wait()
        return await super().finish_signed(key, size_bytes, etags)


async def test_a_bucket_that_takes_longer_than_a_lease_completes_an_upload_once(
    services: Services, options: ApiOptions, bucket: Bucket, bucket_storage: BucketStorage, database: Database
) -> None:
    slow = SlowToFinish(bucket)

    class Storage(BucketStorage):
        def direct(self) -> BucketDirect:
            return slow

    until: set[datetime | None] = set()

    async def renewed() -> bool:
        video = await database.videos.get(UUID(upload["video_id"]))
        until.add(video.upload_lease_until if video is not None else None)
        return len(until) > 4

    storage = Storage(bucket, bucket_storage._copies)
    short = replace(options, resumable=replace(options.resumable, lease_seconds=0.6))
    async with over_http(replace(services, storage=storage), short) as http:
        upload = await begun(http)
        parts = await put_all(upload)
        first = asyncio.create_task(complete(http, upload, parts))
        await eventually(renewed, bool)
        second = await complete(http, upload, parts)
        slow.may_end.set()
        answer = await first
    assert (second.status_code, second.json()["code"]) == (423, "upload_locked")
    assert answer.status_code == 202


@pytest.mark.parametrize(("action", "code"), [("cancel", (410, "upload_gone")), ("delete", (404, "video_not_found"))])
async def test_a_completion_beside_the_end_of_its_upload_is_told_that_and_no_fault_of_the_bucket(
    services: Services,
    options: ApiOptions,
    bucket: Bucket,
    bucket_storage: BucketStorage,
    action: str,
    code: tuple[int, str],
) -> None:
    slow = SlowToFinish(bucket)

    class Storage(BucketStorage):
        def direct(self) -> BucketDirect:
            return slow

    async with over_http(replace(services, storage=Storage(bucket, bucket_storage._copies)), options) as http:
        upload = await begun(http)
        parts = await put_all(upload)
        completing = asyncio.create_task(complete(http, upload, parts))
        await slow.is_asked.wait()
        video = f"/api/v1/videos/{upload['video_id']}"
        ended = await (http.post(f"{video}/cancel") if action == "cancel" else http.delete(video))
        assert ended.status_code in {202, 204}
        if action == "delete":  # as its run does
            await bucket_storage.delete(f"originals/{upload['video_id']}.mp4")
        slow.may_end.set()
        answer = await completing
    assert (answer.status_code, answer.json()["code"]) == code


async def test_an_upload_whose_file_stood_when_the_api_died_has_no_part_to_be_put_again(
    http: httpx.AsyncClient, database: Database, bucket: Bucket, bucket_storage: BucketStorage, runs: RecordedRuns
) -> None:
    key = {"Idempotency-Key": "k"}
    upload = await begun(http, **key)
    await put_all(upload)
    video = await database.videos.get(UUID(upload["video_id"]))
    assert video is not None
    assert await bucket_storage.direct().finish_signed(video.original_key, len(CONTENT), {}) is None
    again = await begun(http, **key)
    assert (again["video_id"], again["parts"]) == (upload["video_id"], [])
    assert (await complete(http, again, [])).status_code == 202
    assert len(runs.started) == 1
    assert await bucket.unfinished(video.original_key) == [], "what nobody will finish takes room for a day"


async def test_a_request_of_more_than_ten_thousand_parts_take_is_not_read(http: httpx.AsyncClient) -> None:
    json = {"Content-Type": "application/json"}
    for path, size_bytes in ((DIRECT, 65 * 1024), (f"{DIRECT}/{uuid4()}/complete", 5 * 1024 * 1024)):
        answer = await http.post(path, content=b"[" + b" " * size_bytes, headers=json)
        assert answer.status_code == 413


@pytest.mark.parametrize("says_etags", [True, False], ids=["with its ETags", "without"])
@pytest.mark.parametrize("put_to", [0, 1], ids=["the first", "the last"])
async def test_an_upload_that_the_bucket_began_twice_is_completed_by_the_parts_that_were_put(
    bucket: Bucket, bucket_storage: BucketStorage, put_to: int, says_etags: bool
) -> None:
    key = f"originals/{uuid4()}.mp4"
    twice = [await bucket.begin_parts(key) for _ in range(2)]
    whole = (await bucket.unfinished(key))[put_to]
    assert whole in twice
    part = await bucket.put_part(whole, 1, CONTENT)
    etags = {1: part.etag} if says_etags else {}
    direct = bucket_storage.direct()
    _, parts = await direct.sign_parts(key, len(CONTENT), 3600)
    assert whole.upload_id in parts[0].url, "whoever asks again goes on where the parts are"
    assert await direct.finish_signed(key, len(CONTENT) + 1, etags) is not None
    assert await direct.finish_signed(key, len(CONTENT), etags) is None
    assert await content_of(bucket_storage, key) == CONTENT
    assert await bucket.unfinished(key) == [], "the other one takes no room"
