"""One frame that shows the video, by real ffmpeg."""

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import OutputMismatch, TranscodeFailed
from media.ffmpeg import Ffmpeg
from media.model import ThumbnailPlan
from media.plan import MediaLimits, plan_thumbnail
from media.profile import PROFILES
from tests.fixtures.clips import Clip, Clips
from tests.media.pictures import grey_frame

# ruff: noqa: ASYNC240  small files, and nothing else runs on the loop of a test


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "thumbnail.jpg.1.part"


async def _plan(ffmpeg: Ffmpeg, source: Path, limits: MediaLimits) -> ThumbnailPlan:
    return plan_thumbnail(await ffmpeg.validate(source, limits), PROFILES["web"])


SIZES = {
    Clip.SHORT_WITH_SOUND: (320, 240),
    Clip.SUB_SECOND: (320, 240),
    Clip.SINGLE_FRAME: (320, 240),
    Clip.ROTATED: (240, 320),
    Clip.ODD_SIZE: (321, 241),
    Clip.NON_SQUARE: (640, 240),
    Clip.FULL_RANGE: (320, 240),
    Clip.TEN_BIT_422: (320, 240),
    Clip.LATE_PICTURE: (320, 240),
    Clip.LATE_START: (320, 240),
    Clip.LONG_SOUND: (320, 240),
    Clip.AVI: (320, 240),
    Clip.LONG_1080P: (1280, 720),
}


@pytest.mark.parametrize("name", SIZES)
async def test_every_kind_of_clip_gets_a_thumbnail(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, target: Path, name: Clip
) -> None:
    plan = await _plan(ffmpeg, clips.path(name), media_limits)
    assert (plan.width, plan.height) == SIZES[name]
    await ffmpeg.thumbnail(plan, clips.path(name), target)
    await ffmpeg.verify_thumbnail(plan, target)


async def test_the_thumbnail_stands_upright(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, target: Path
) -> None:
    source = clips.path(Clip.ROTATED)
    await ffmpeg.thumbnail(await _plan(ffmpeg, source, media_limits), source, target)
    picture = await grey_frame(ffmpeg, target, width=240, height=320)
    assert picture.mean_of_rows(0, 150) > 250, "white in full range, as JPEG wants it"
    assert picture.mean_of_rows(170, 320) < 5


async def test_where_there_is_no_frame_at_that_time_the_first_one_is_taken(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, target: Path
) -> None:
    source = clips.path(Clip.SHORT_WITH_SOUND)
    plan = replace(await _plan(ffmpeg, source, media_limits), at_seconds=100.0)
    await ffmpeg.thumbnail(plan, source, target)
    await ffmpeg.verify_thumbnail(plan, target)


async def test_a_thumbnail_that_can_not_be_drawn_leaves_nothing(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, target: Path
) -> None:
    plan = await _plan(ffmpeg, clips.path(Clip.SHORT_WITH_SOUND), media_limits)
    with pytest.raises(TranscodeFailed):
        await ffmpeg.thumbnail(plan, clips.path(Clip.UNDECODABLE), target)
    assert not target.exists()


async def test_a_thumbnail_that_is_not_as_planned_is_found_out(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, target: Path
) -> None:
    source = clips.path(Clip.SHORT_WITH_SOUND)
    plan = await _plan(ffmpeg, source, media_limits)
    await ffmpeg.thumbnail(plan, source, target)
    whole = target.read_bytes()
    with pytest.raises(OutputMismatch, match="320x240 pixels instead of a JPEG of 640x240"):
        await ffmpeg.verify_thumbnail(replace(plan, width=640), target)
    for content in (whole[:-100], b"", b"\xff\xd8\xff nonsense \xff\xd9", source.read_bytes()):
        target.write_bytes(content)
        with pytest.raises(OutputMismatch):
            await ffmpeg.verify_thumbnail(plan, target)
    target.unlink()
    with pytest.raises(OutputMismatch):
        await ffmpeg.verify_thumbnail(plan, target)
