"""From any accepted clip to the same kind of MP4, by real ffmpeg."""

import asyncio
import os
import time
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.errors import InvalidMedia, OutputMismatch, StorageFailed, TranscodeFailed
from media.container import has_index_in_front
from media.demo import demo_clip_command
from media.ffmpeg import Ffmpeg, failure_of
from media.model import MediaProbe, TranscodePlan
from media.plan import MediaLimits, plan_transcode
from media.process import ProcessResult, run_process
from media.profile import PROFILES
from tests.fixtures.clips import Clip, Clips
from tests.media.pictures import grey_frame
from tests.media.processes import children_of

WEB = PROFILES["web"]


class Pipeline:
    """Validate, transcode, verify, as the activities do it."""

    def __init__(self, ffmpeg: Ffmpeg, limits: MediaLimits, folder: Path) -> None:
        self._ffmpeg = ffmpeg
        self._limits = limits
        self.target = folder / "video.mp4.1.part"
        self.progress: list[tuple[float, float | None]] = []

    async def transcode(self, source: Path) -> tuple[TranscodePlan, MediaProbe]:
        probe = await self._ffmpeg.validate(source, self._limits)
        plan = plan_transcode(probe, WEB)
        await self._ffmpeg.transcode(
            plan, source, self.target, lambda out_time, speed: self.progress.append((out_time, speed))
        )
        return plan, probe

    async def run(self, source: Path) -> MediaProbe:
        plan, probe = await self.transcode(source)
        return await self._ffmpeg.verify(plan, probe, self.target, lambda _out_time, _speed: None)


@pytest.fixture
def pipeline(ffmpeg: Ffmpeg, media_limits: MediaLimits, tmp_path: Path) -> Pipeline:
    return Pipeline(ffmpeg, media_limits, tmp_path)


SMALL = (320, 240)
OUTPUTS = {
    Clip.SHORT_WITH_SOUND: (SMALL, 2.0, True),
    Clip.SILENT: (SMALL, 2.0, False),
    Clip.SUB_SECOND: (SMALL, 0.4, True),
    Clip.SINGLE_FRAME: (SMALL, 2.0, False),
    Clip.ROTATED: ((240, 320), 1.0, False),
    Clip.ODD_SIZE: (SMALL, 1.0, False),
    Clip.NON_SQUARE: ((640, 240), 2.0, False),
    Clip.FULL_RANGE: (SMALL, 1.0, False),
    Clip.TEN_BIT_422: (SMALL, 2.0, True),
    Clip.VARIABLE_FRAME_RATE: (SMALL, 8.0, False),
    Clip.REORDERED: (SMALL, 10.0, False),
    Clip.FRAGMENTED: (SMALL, 6.0, True),
    Clip.LATE_PICTURE: (SMALL, 3.0, True),
    Clip.LATE_START: (SMALL, 2.0, False),
    Clip.LONG_SOUND: (SMALL, 3.0, True),
    Clip.MP3_SOUND: (SMALL, 2.0, True),
    Clip.AVI: (SMALL, 2.0, True),
    Clip.TAGGED: (SMALL, 2.0, True),
}


@pytest.mark.parametrize("name", OUTPUTS)
async def test_every_kind_of_clip_becomes_a_video_that_plays_everywhere(
    pipeline: Pipeline, clips: Clips, name: Clip
) -> None:
    size, seconds, sound = OUTPUTS[name]
    output = await pipeline.run(clips.path(name))
    video = output.video
    assert (video.codec, video.profile, video.pixel_format) == ("h264", "High", "yuv420p")
    assert (video.width, video.height, video.rotation_degrees, video.sample_aspect_ratio) == (*size, 0, 1.0)
    assert output.duration_seconds == pytest.approx(seconds, abs=0.12)
    assert video.frame_rate == pytest.approx(video.base_frame_rate), "the frame rate is constant"
    assert [track.codec for track in output.audio] == (["aac"] if sound else [])
    assert has_index_in_front(pipeline.target)


async def test_an_output_can_be_uploaded_again(pipeline: Pipeline, clips: Clips) -> None:
    first = await pipeline.run(clips.path(Clip.VARIABLE_FRAME_RATE))
    again = pipeline.target.rename(pipeline.target.with_name("again.mp4"))
    assert (await pipeline.run(again)).duration_seconds == pytest.approx(first.duration_seconds, abs=0.05)


async def test_the_default_track_is_the_one_that_is_heard(pipeline: Pipeline, clips: Clips) -> None:
    plan, _ = await pipeline.transcode(clips.path(Clip.TEN_BIT_422))
    assert (plan.audio_index, plan.audio_channels) == (2, 1)


async def test_a_picture_stored_on_its_side_stands_upright(pipeline: Pipeline, ffmpeg: Ffmpeg, clips: Clips) -> None:
    await pipeline.run(clips.path(Clip.ROTATED))
    picture = await grey_frame(ffmpeg, pipeline.target, width=240, height=320)
    assert picture.mean_of_rows(0, 150) > 225
    assert picture.mean_of_rows(170, 320) < 25


async def test_full_range_white_becomes_video_white(pipeline: Pipeline, ffmpeg: Ffmpeg, clips: Clips) -> None:
    await pipeline.run(clips.path(Clip.FULL_RANGE))
    picture = await grey_frame(ffmpeg, pipeline.target, width=320, height=240)
    assert picture.mean_of_rows(0, 240) == pytest.approx(235, abs=1)


async def test_nothing_of_the_sources_metadata_is_published(pipeline: Pipeline, ffmpeg: Ffmpeg, clips: Clips) -> None:
    source = clips.path(Clip.TAGGED)
    for secret in (b"Secret title", b"Secret place", b"Secret chapter", b"Secret camera"):
        assert secret in source.read_bytes()
    await pipeline.run(source)
    content = pipeline.target.read_bytes()
    for secret in (b"Secret", b"Hello"):
        assert secret not in content
    show = [str(ffmpeg.ffprobe_path), "-v", "error", "-show_entries", "stream=codec_type:chapter=id", "-of", "csv=p=0"]
    assert (await run_process([*show, str(pipeline.target)])).stdout.split() == ["video", "audio"]


async def test_keyframes_are_never_further_apart_than_planned(
    pipeline: Pipeline, ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    source = tmp_path / "still.mp4"
    clips.draw(source, "-f", "lavfi", "-i", "color=gray:size=320x240:rate=25:duration=7", "-c:v", "libx264")
    await pipeline.run(source)
    show = [str(ffmpeg.ffprobe_path), "-v", "error", "-skip_frame", "nokey", "-show_entries", "frame=pts_time"]
    times = (await run_process([*show, "-of", "csv=p=0", str(pipeline.target)])).stdout.replace(",", "").split()
    assert [float(at) for at in times] == [0.0, 2.0, 4.0, 6.0]


async def test_progress_is_told_only_when_it_advances(pipeline: Pipeline, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = tmp_path / "demo.mp4"
    assert (await run_process(demo_clip_command(ffmpeg.ffmpeg_path, source))).return_code == 0
    output = await pipeline.run(source)
    assert (output.video.width, output.video.height, len(output.audio)) == (1280, 720, 1)
    times = [out_time for out_time, _ in pipeline.progress]
    assert len(times) > 1
    assert all(earlier < later for earlier, later in pairwise(times))
    assert 0 < times[0] < times[-1] == pytest.approx(10, abs=0.2)
    assert pipeline.progress[-1][1], "the speed is known at the end"


async def test_a_target_that_is_there_is_replaced(pipeline: Pipeline, clips: Clips) -> None:
    pipeline.target.write_bytes(b"of an earlier attempt" * 100_000)
    await pipeline.run(clips.path(Clip.SHORT_WITH_SOUND))
    assert pipeline.target.stat().st_size < 1_000_000


async def test_cancelling_ends_ffmpeg_within_five_seconds_and_leaves_nothing(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    source, target = clips.path(Clip.LONG_1080P), tmp_path / "video.mp4.1.part"
    plan = plan_transcode(await ffmpeg.validate(source, media_limits), WEB)
    before = children_of(os.getpid())
    advanced = asyncio.Event()
    task = asyncio.create_task(ffmpeg.transcode(plan, source, target, lambda _out_time, _speed: advanced.set()))
    await asyncio.wait_for(advanced.wait(), 60)
    assert len(children_of(os.getpid()) - before) == 1
    begun = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - begun < 5
    assert children_of(os.getpid()) == before
    assert not target.exists()


async def test_a_failed_run_is_said_so_with_ffmpegs_words_as_the_cause_and_leaves_nothing(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    plan = plan_transcode(await ffmpeg.validate(clips.path(Clip.SHORT_WITH_SOUND), media_limits), WEB)
    with pytest.raises(TranscodeFailed) as failure:
        await ffmpeg.transcode(plan, clips.path(Clip.TEXT_NAMED_MP4), tmp_path / "out", lambda *_: None)
    assert failure.value.retryable
    assert "moov atom not found" in str(failure.value.__cause__)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_the_storages_failure_and_a_kill_may_pass() -> None:
    assert isinstance(failure_of(ProcessResult(228, "", "No space left on device")), StorageFailed)
    assert isinstance(failure_of(ProcessResult(-9, "", "")), TranscodeFailed)
    assert isinstance(failure_of(ProcessResult(1, "", "")), TranscodeFailed)


async def test_a_source_that_ends_before_its_header_says_is_found_out(pipeline: Pipeline, clips: Clips) -> None:
    with pytest.raises(InvalidMedia, match=r"promises 6\.0 s and holds 2\.0 s"):
        await pipeline.run(clips.path(Clip.PROMISES_TOO_MUCH))


async def test_an_output_that_was_spoiled_is_found_out(pipeline: Pipeline, ffmpeg: Ffmpeg, clips: Clips) -> None:
    plan, probe = await pipeline.transcode(clips.path(Clip.SHORT_WITH_SOUND))
    whole = pipeline.target.read_bytes()
    middle = len(whole) // 2
    spoiled = whole[:middle] + b"\xff" * 500 + whole[middle + 500 :]
    behind = clips.path(Clip.SHORT_WITH_SOUND).read_bytes()
    for content, why in (
        (whole[:middle], "not whole"),
        (spoiled, "decoded from start to end"),
        (behind, "index is not in front"),
        (b"", "not whole"),
        (b"a text", "index is not in front"),
    ):
        pipeline.target.write_bytes(content)
        with pytest.raises(OutputMismatch, match=why):
            await ffmpeg.verify(plan, probe, pipeline.target, lambda _out_time, _speed: None)
    pipeline.target.unlink()
    with pytest.raises(OutputMismatch, match="not there"):
        await ffmpeg.verify(plan, probe, pipeline.target, lambda _out_time, _speed: None)
