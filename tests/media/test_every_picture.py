"""Turned, mirrored, stretched, in other colours or in halves: what is published looks as it was meant."""

from pathlib import Path
from typing import Final

from media.ffmpeg import Ffmpeg
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.recipes.drawing import BLUE, GREEN, RED, YELLOW, Colour
from tests.media.judges.pictures import Patches, is_combed, middle_colour
from tests.media.making import Made
from tests.media.rows import Row, check, each

STANDING: Final = (120, 160)
BROAD: Final = (1536, 90)
TURNED_90: Final = Patches(BLUE, RED, YELLOW, GREEN)
TURNED_180: Final = Patches(YELLOW, BLUE, GREEN, RED)
TURNED_270: Final = Patches(GREEN, YELLOW, RED, BLUE)
MIRRORED: Final = Patches(GREEN, RED, YELLOW, BLUE)
TRANSPOSED: Final = Patches(RED, BLUE, GREEN, YELLOW)
GREYS: Final = Patches(*(Colour(grey, grey, grey) for grey in (91, 116, 74, 182)))
HDR_TOLERANCE: Final = 20
"""A tone map may darken a little; a wrong transfer or gamut is off by 40 and more."""


async def white_is_bright(ffmpeg: Ffmpeg, made: Made) -> None:
    """A sheet of paper in HDR must not come out grey: 203 nits are what white is in SDR."""
    assert min(await middle_colour(ffmpeg, made.video, 0.45)) > 180


async def is_whole(ffmpeg: Ffmpeg, made: Made) -> None:
    """No moving edge is torn into lines."""
    assert not await is_combed(ffmpeg, made.video)


@each(
    Row(Clip.CARD),
    Row(Clip.TURNED_90, size=STANDING, patches=TURNED_90),
    Row(Clip.TURNED_180, patches=TURNED_180),
    Row(Clip.TURNED_270, size=STANDING, patches=TURNED_270),
    Row(Clip.MIRRORED, "encode", patches=MIRRORED),
    Row(Clip.MIRRORED_AND_TURNED, "encode", size=STANDING, patches=TRANSPOSED),
    Row(Clip.WIDE_PIXELS, "encode", size=(212, 120)),
    Row(Clip.TALL_PIXELS, "encode", size=(80, 120)),
    Row(Clip.ODD_CARD, "encode"),
)
async def test_every_picture_stands_upright_in_its_own_shape(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row
) -> None:
    await check(row, ffmpeg, clips, tmp_path)


@each(
    Row(Clip.H264_FULL_RANGE, "encode"),
    Row(Clip.H264_TEN_BIT, "encode"),
    Row(Clip.H264_422, "encode"),
    Row(Clip.H264_444, "encode"),
    Row(Clip.H264_RGB, "encode"),
    Row(Clip.SCREEN_RGB, "encode"),
    Row(Clip.PNG_RGBA, "encode"),
    Row(Clip.BT601, tags=None),
    Row(Clip.BT601_UNTAGGED, tags=None),
    Row(Clip.WIDE_GAMUT, "encode"),
    Row(Clip.WIDE_GAMUT_UNTAGGED, "encode"),
    Row(Clip.WIDE_GAMUT_BROAD, "encode", size=BROAD),
    Row(Clip.HDR10, "encode", tolerance=HDR_TOLERANCE, judge=white_is_bright),
    Row(Clip.HDR10_BROAD, "encode", size=BROAD, tolerance=HDR_TOLERANCE),
    Row(Clip.HLG, "encode", tolerance=HDR_TOLERANCE, judge=white_is_bright),
    Row(Clip.GREY, "encode", patches=GREYS),
)
async def test_every_picture_keeps_its_colours(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row) -> None:
    await check(row, ffmpeg, clips, tmp_path)


@each(
    Row(Clip.H264_INTERLACED, "encode", frame_rates=(25, 50), judge=is_whole),
    Row(Clip.H264_INTERLACED_BOTTOM_FIRST, "encode", frame_rates=(25, 50), judge=is_whole),
    Row(Clip.MPEG2_INTERLACED, "encode", "encode", frame_rates=(25, 50), judge=is_whole),
    Row(Clip.H264_FALSELY_INTERLACED, None, judge=is_whole),
)
async def test_halves_become_whole_pictures(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row) -> None:
    await check(row, ffmpeg, clips, tmp_path)
