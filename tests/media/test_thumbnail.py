"""One frame that shows the video, by real ffmpeg: never a black one where there is another."""

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import StorageFailed, TranscodeFailed
from media.ffmpeg import Ffmpeg
from media.plan import ThumbnailPlan
from media.thumbnail import create_thumbnail
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.recipes.drawing import H264
from tests.media.judges.decoding import probed
from tests.media.judges.pictures import middle_colour
from tests.media.making import planned
from tests.media.probing import WEB, a_profile

# ruff: noqa: ASYNC240  small files, and nothing else runs on the loop of a test

SIZES = {
    Clip.SHORT_WITH_SOUND: (320, 240),
    Clip.SUB_SECOND: (320, 240),
    Clip.SINGLE_FRAME: (320, 240),
    Clip.LATE_PICTURE: (320, 240),
    Clip.LATE_START: (320, 240),
    Clip.LONG_SOUND: (320, 240),
    Clip.LONG_1080P: (1280, 720),
    Clip.STARTS_LATE_TS: (160, 120),
    Clip.STARTS_EARLY: (160, 120),
    Clip.ODD_SIZE: (320, 240),
    Clip.WIDE_PIXELS: (212, 120),
    Clip.HDR10: (160, 120),
}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "thumbnail.jpg.part"


async def plan_of(ffmpeg: Ffmpeg, source: Path) -> ThumbnailPlan:
    return (await planned(ffmpeg, source, WEB)).thumbnail


def shades(clips: Clips, target: Path, brightness: str) -> Path:
    """3 s at 10 frames a second, all grey, as bright as this expression of the time T says: 16 is black, 235 white."""
    grey = f"color=s=64x64:r=10:d=3,format=yuv420p,geq=lum='{brightness}':cb=128:cr=128"
    clips.draw(target, "-f", "lavfi", "-i", grey, *H264, "-crf", "1", "-g", "5")
    return target


@pytest.mark.parametrize("name", SIZES)
async def test_every_kind_of_clip_gets_a_whole_jpeg_of_its_shape(
    ffmpeg: Ffmpeg, clips: Clips, target: Path, name: Clip
) -> None:
    await create_thumbnail(ffmpeg, await plan_of(ffmpeg, clips.path(name)), clips.path(name), target)
    width, height = SIZES[name]
    entries = ("codec_name", "pix_fmt", "width", "height")
    assert await probed(ffmpeg, target, "v:0", *entries) == ["mjpeg", "yuvj420p", str(width), str(height)]
    content = target.read_bytes()
    assert (content[:2], content[-2:]) == (b"\xff\xd8", b"\xff\xd9")


@pytest.mark.parametrize(
    ("brightness", "shown"),
    [
        ("126", 128),
        ("if(between(T,0.9,1.2),16,126)", 128),
        ("if(between(T,0.9,1.2),30,126)", 16),
        ("if(lt(T,2.2),16,126)", 128),
        ("if(gt(T,0.05),16,126)", 128),
        ("if(between(T,0.7,0.8),22,16)", 7),
    ],
    ids=["bright", "black at 1 s", "dark at 1 s", "black until the end", "black but for the first", "all but black"],
)
async def test_a_black_frame_is_taken_only_where_there_is_no_other(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, target: Path, brightness: str, shown: float
) -> None:
    source = shades(clips, tmp_path / "shades.mp4", brightness)
    await create_thumbnail(ffmpeg, await plan_of(ffmpeg, source), source, target)
    assert max(await middle_colour(ffmpeg, target, 0)) == pytest.approx(shown, abs=3)


async def test_a_picture_between_the_places_is_found_where_all_of_them_are_black(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, target: Path
) -> None:
    source = shades(clips, tmp_path / "shades.mp4", "if(between(T,1.9,2.1),126,16)")
    decided = await plan_of(ffmpeg, source)
    assert not await create_thumbnail(ffmpeg, decided, source, target, source_is_whole=False)
    assert await create_thumbnail(ffmpeg, decided, source, target)
    assert max(await middle_colour(ffmpeg, target, 0)) == pytest.approx(128, abs=3)


async def test_a_profile_may_ask_for_the_most_typical_frame(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, target: Path
) -> None:
    source = shades(clips, tmp_path / "shades.mp4", "if(between(T,0.8,1.3),200,90)")
    at_one_second = await plan_of(ffmpeg, source)
    typical = (await planned(ffmpeg, source, a_profile(thumbnail="representative"))).thumbnail
    shown = []
    for decided in (at_one_second, typical):
        await create_thumbnail(ffmpeg, decided, source, target)
        shown.append(max(await middle_colour(ffmpeg, target, 0)))
    assert shown == pytest.approx([214, 86], abs=3)


async def test_where_there_is_no_frame_at_that_time_another_is_taken(
    ffmpeg: Ffmpeg, clips: Clips, target: Path
) -> None:
    source = clips.path(Clip.SHORT_WITH_SOUND)
    await create_thumbnail(ffmpeg, replace(await plan_of(ffmpeg, source), at_seconds=100.0), source, target)
    assert target.exists()


async def test_a_thumbnail_that_can_not_be_drawn_leaves_nothing(ffmpeg: Ffmpeg, clips: Clips, target: Path) -> None:
    decided = await plan_of(ffmpeg, clips.path(Clip.SHORT_WITH_SOUND))
    with pytest.raises(TranscodeFailed, match="No picture"):
        await create_thumbnail(ffmpeg, decided, clips.path(Clip.UNDECODABLE), target)
    assert not target.exists()
    target.symlink_to("/dev/full")
    with pytest.raises(StorageFailed):
        await create_thumbnail(ffmpeg, decided, clips.path(Clip.SHORT_WITH_SOUND), target)
    assert not target.is_symlink()
