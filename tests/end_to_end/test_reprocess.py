"""A ready video is made anew with everything real: it plays all the while, and its new files come at one instant."""

import asyncio
from pathlib import Path

import pytest

from tests.end_to_end.service import Service
from tests.fixtures.clips import Clip, Clips
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)


async def test_a_video_is_made_anew_with_another_profile_while_it_is_watched(
    each_service: Service, clips: Clips
) -> None:
    service = each_service
    video_id = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
    before = await service.ended(video_id)

    async def content(edition: int | None = None) -> bytes:
        params = {} if edition is None else {"edition": edition}
        answer = await service.http.get(before["url_mp4"], params=params, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.content

    old, is_over = await content(), asyncio.Event()
    seen = {old}

    async def watch() -> None:
        while not is_over.is_set():
            seen.add(await content())

    watching = asyncio.create_task(watch())
    ended = await service.home.rushes("reprocess", video_id[:8], "--profile", "mobile", "--wait")
    is_over.set()
    await watching
    assert ended.code == 0, ended
    row = await service.row(video_id)
    told = ("status", "profile", "attempt", "published_edition", "url_mp4", "reprocess_error_code")
    assert [row[name] for name in told] == ["ready", "mobile", 2, 2, before["url_mp4"], None]
    new = await content()
    assert new != old
    assert seen <= {old, new}
    assert await content(edition=0) == old
    assert "publish_edition" in await service.closed(video_id)
    assert await service.work_of(video_id) == []
    assert (await service.http.delete(f"/api/v1/videos/{video_id}")).status_code == 204
    await eventually(lambda: service.stored_of(video_id), lambda keys: keys == [])


async def test_a_video_whose_original_is_damaged_stays_as_it_was_and_says_why_it_was_not_made_anew(
    service: Service, clips: Clips, tmp_path: Path
) -> None:
    if service.bucket is not None:
        pytest.skip("the original is damaged on the disk")
    video_id = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
    before = await service.ended(video_id)
    (original,) = [key for key in await service.stored_of(video_id) if key.startswith("originals/")]
    path = await service.original(original, tmp_path)
    path.write_bytes(path.read_bytes()[:2000])
    ended = await service.home.rushes("reprocess", video_id, "--wait")
    assert (ended.code, "Not made anew" in ended.err) == (1, True), ended
    row = await service.row(video_id)
    assert (row["status"], row["reprocess_error_code"], row["error_code"]) == ("ready", "invalid_media", None)
    answer = await service.http.get(before["url_mp4"])
    assert answer.status_code == 200
    await service.http.delete(f"/api/v1/videos/{video_id}")
