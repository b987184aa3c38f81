"""From HTTP upload to ready or a coded error, with everything real."""

import asyncio
import json
import sys
import time
from pathlib import Path

import httpx
import pytest

from contracts.storage_keys import PROCESSED_PREFIX
from contracts.temporal_names import workflow_id
from media.ffmpeg import Ffmpeg
from media.validate import probe
from tests.end_to_end.service import Service
from tests.fixtures.clips import Clip, Clips

pytestmark = pytest.mark.timeout(180)

ALL_STEPS = [
    "claim_video",
    "validate_video",
    "create_thumbnail",
    "join_streams",
    "verify_output",
    "publish_files",
    "mark_ready",
    "clean_scratch",
]


async def test_a_video_with_sound_is_published_with_its_thumbnail_and_leaves_no_scratch(
    each_service: Service, clips: Clips, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    service = each_service
    video_id = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
    row = await service.ended(video_id)
    assert (row["status"], row["error_code"]) == ("ready", None)
    assert (row["width"], row["height"]) == (320, 240)
    assert row["duration_seconds"] == pytest.approx(2, abs=0.1)
    range_of_100 = {"Range": "bytes=0-99"}
    video = await service.http.get(row["url_mp4"], headers=range_of_100, follow_redirects=True)
    thumbnail = await service.http.get(row["thumbnail"], follow_redirects=True)
    assert (video.status_code, len(video.content), video.headers["content-type"]) == (206, 100, "video/mp4")
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/jpeg")
    published = await probe(ffmpeg, await service.published(row["url_mp4"], tmp_path))
    assert (published.video.codec, published.video.pixel_format) == ("h264", "yuv420p")
    assert [stream.codec for stream in published.audio] == ["aac"]
    steps = await service.closed(video_id)
    assert list(steps) == ALL_STEPS
    assert {step["attempts"] for step in steps.values()} == {1}
    assert await service.work_of(video_id) == []


@pytest.mark.parametrize(
    ("each_service", "clip"),
    [
        *(
            ("service_on_a_disk", clip)
            for clip in (Clip.SILENT, Clip.SUB_SECOND, Clip.ROTATED, Clip.ODD_SIZE, Clip.SINGLE_FRAME, Clip.AV1)
        ),
        ("service_in_a_bucket", Clip.TEN_BIT_422),
    ],
    indirect=["each_service"],
)
async def test_an_unusual_but_whole_video_becomes_ready(each_service: Service, clips: Clips, clip: Clip) -> None:
    service = each_service
    row = await service.ended(await service.upload(clips.path(clip)))
    assert row["status"] == "ready", row


@pytest.mark.parametrize(
    ("clip", "code"),
    [
        (Clip.TEXT_NAMED_MP4, "invalid_media"),
        (Clip.TRUNCATED_NO_MOOV, "invalid_media"),
        (Clip.TRUNCATED_FASTSTART, "invalid_media"),
        (Clip.TRUNCATED_AVI, "invalid_media"),
        (Clip.FFCONCAT_NAMED_MOV, "invalid_media"),
        (Clip.M3U8_NAMED_MOV, "invalid_media"),
        (Clip.UNDECODABLE, "invalid_media"),
        (Clip.AUDIO_ONLY, "no_video_stream"),
        (Clip.COVER_ART_AUDIO, "no_video_stream"),
        (Clip.ENCRYPTED, "encrypted"),
        (Clip.UNKNOWN_FOURCC, "unsupported_codec"),
    ],
)
async def test_a_file_at_fault_is_accepted_and_ends_in_its_code_in_one_attempt_within_10_seconds(
    service: Service, clips: Clips, clip: Clip, code: str
) -> None:
    began = time.monotonic()
    video_id = await service.upload(clips.path(clip))
    row = await service.ended(video_id, within_seconds=10)
    assert time.monotonic() - began < 10
    assert (row["status"], row["error_code"]) == ("error", code)
    assert row["error_reason"].endswith(".")
    steps = await service.closed(video_id)
    assert {step["attempts"] for step in steps.values()} == {1}
    assert list(steps) == ["claim_video", "validate_video", "mark_error", "clean_scratch"]
    assert await service.work_of(video_id) == []
    assert [key for key in await service.stored_of(video_id) if key.startswith(PROCESSED_PREFIX)] == []


def expectations() -> list[tuple[str, str]]:
    file = Path(__file__).resolve().parents[3] / "shared" / "media" / "EXPECT"
    if not file.is_file():
        return []
    return [(name, status) for name, status in (line.split() for line in file.read_text().splitlines() if line)]


@pytest.mark.parametrize(
    ("name", "status"),
    expectations() or [pytest.param("", "", marks=pytest.mark.skip("the optional folder ../shared/media is not here"))],
)
async def test_a_recorded_clip_ends_as_expected(service: Service, real_clips: Path, name: str, status: str) -> None:
    row = await service.ended(await service.upload(real_clips / name))
    assert row["status"] == status, row
    assert (row["error_code"] is None) == (status == "ready")


async def test_a_phone_s_portrait_video_is_upright(service: Service, real_clips: Path) -> None:
    row = await service.ended(await service.upload(real_clips / "ficus_vertical.mp4"))
    assert (row["width"], row["height"], row["duration_seconds"]) == (1080, 1920, pytest.approx(0.5, abs=0.05))


async def test_a_broadcast_camera_s_video_plays_everywhere(
    service: Service, real_clips: Path, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    video_id = await service.upload(real_clips / "encore_test.mp4")
    row = await service.ended(video_id)
    assert row["status"] == "ready", row
    published = await probe(ffmpeg, await service.published(row["url_mp4"], tmp_path))
    assert published.video.pixel_format == "yuv420p"
    assert len(published.audio) == 1


async def test_temporal_s_own_command_tells_the_story_of_a_video(service: Service, clips: Clips) -> None:
    video_id = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
    await service.ended(video_id)
    await service.closed(video_id)
    shown = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("temporal")),
        *("workflow", "show", "--workflow-id", workflow_id(video_id), "--address", service.run.temporal),
        *("--output", "json"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await shown.communicate()
    scheduled = [
        event["activityTaskScheduledEventAttributes"]["activityType"]["name"]
        for event in json.loads(out)["events"]
        if "activityTaskScheduledEventAttributes" in event
    ]
    assert scheduled == ALL_STEPS
    replayed = await service.home.rushes("replay", video_id)
    assert replayed.code == 0, replayed
    assert "deterministic" in replayed.out


def http_port(pid: int) -> str:
    """Of a dev server, by its command line."""
    command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return command[command.index("--http-port") + 1]


async def test_temporal_s_http_api_answers_nobody_as_any_website_could_ask_it(service: Service) -> None:
    port = http_port(service.run.pids["temporal"])
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
        for origin in ("https://elsewhere.example", f"http://127.0.0.1:{port}"):
            answer = await browser.get("/api/v1/namespaces/default/workflows", headers={"Origin": origin})
            assert answer.status_code == 403


async def test_temporal_s_web_ui_ends_no_run_for_a_page_of_another_website(service: Service, clips: Clips) -> None:
    video_id = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
    await service.ended(video_id)
    runs = f"/api/v1/namespaces/default/workflows/{workflow_id(video_id)}"
    foreign = {"Origin": "https://elsewhere.example", "Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site"}
    async with httpx.AsyncClient(base_url=service.run.temporal_ui) as browser:
        assert (await browser.get(runs)).status_code == 200, "a page of its own, with its cookie, is answered"
        for body in ("{}", '{"reason": "because"}'):
            answer = await browser.post(f"{runs}/terminate", headers=foreign, content=body)
            assert answer.status_code in {400, 403}, answer.text
