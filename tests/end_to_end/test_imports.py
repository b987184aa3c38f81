"""From a URL to ready, or to the reason why not, with everything real."""

import asyncio

import pytest

from tests.end_to_end.service import Service
from tests.fetching.serving import redirect, serving, status, well
from tests.fixtures.clips import Clip, Clips

pytestmark = pytest.mark.timeout(120)


async def test_a_url_becomes_a_ready_video_though_its_connection_breaks(each_service: Service, clips: Clips) -> None:
    service = each_service
    content = await asyncio.to_thread(clips.path(Clip.SHORT_WITH_SOUND).read_bytes)
    async with serving(content, redirect("/clips/holiday.mp4"), well(cut_to=len(content) // 2), well()) as server:
        video_id = await service.import_from(server.url("/latest"))
        row = await service.ended(video_id)
    assert (row["status"], row["error_code"]) == ("ready", None)
    assert (row["width"], row["height"], row["file_size_bytes"]) == (320, 240, len(content))
    assert row["original_filename"] == "holiday.mp4"
    steps = await service.closed(video_id)
    assert list(steps)[:3] == ["claim_video", "fetch_original", "validate_video"]


async def test_an_import_without_a_file_says_so_and_fetches_it_when_it_is_retried(
    service: Service, clips: Clips
) -> None:
    content = await asyncio.to_thread(clips.path(Clip.SHORT_WITH_SOUND).read_bytes)
    async with serving(content, status(404), well()) as server:
        video_id = await service.import_from(server.url())
        failed = await service.ended(video_id)
        assert (failed["status"], failed["error_code"]) == ("error", "source_not_found")
        await service.closed(video_id)
        answer = await service.http.post(f"/api/v1/videos/{video_id}/retry")
        assert answer.status_code == 202
        assert (await service.ended(video_id))["status"] == "ready"


async def test_the_command_waits_for_an_import_and_the_name_says_nothing_of_what_it_is(
    service: Service, clips: Clips
) -> None:
    content = await asyncio.to_thread(clips.path(Clip.AVI).read_bytes)
    async with serving(content) as server:
        ended = await service.home.rushes("import", server.url("/download?id=7"), "--title", "Old", "--wait")
    assert ended.code == 0, ended
    assert (await service.row(ended.out.strip()))["title"] == "Old"


async def test_a_redirect_into_a_private_network_is_refused_in_the_row(service: Service) -> None:
    async with serving(b"", redirect("http://169.254.169.254/latest/meta-data/")) as server:
        row = await service.ended(await service.import_from(server.url()))
    assert (row["status"], row["error_code"]) == ("error", "address_refused")
    assert "169.254.169.254" in row["error_reason"]


async def test_a_cancel_ends_a_fetch_within_5_seconds_and_leaves_no_byte(service: Service) -> None:
    async with serving(bytes(4_000_000), well(cut_to=2_000_000, then_hang=True)) as server:
        video_id = await service.import_from(server.url())
        await server.reached.wait()
        assert (await service.http.post(f"/api/v1/videos/{video_id}/cancel")).status_code == 202
        row = await service.ended(video_id, within_seconds=5)
    assert row["error_code"] == "cancelled"
    assert await service.stored_of(video_id) == []
