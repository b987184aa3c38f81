"""The judges of videos can say no as well as yes."""

from pathlib import Path

import pytest

from media.ffmpeg import Ffmpeg
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.recipes.drawing import BLUE, FLASHES, GREEN, RED, YELLOW
from tests.fixtures.recipes.sounds import LEFT_HERTZ, RIGHT_HERTZ
from tests.media.judges.pictures import ColourTags, Patches, colour_tags, is_combed, middle_colour, patch_colours, ssim
from tests.media.judges.times import beeps, beeps_and_flashes, flashes, frame_count, frame_times
from tests.media.judges.tones import tone_levels

UPRIGHT = Patches(RED, GREEN, BLUE, YELLOW)


async def test_the_cards_colours_are_read_to_a_few_steps(ffmpeg: Ffmpeg, clips: Clips) -> None:
    assert (await patch_colours(ffmpeg, clips.path(Clip.CARD))).distance(UPRIGHT) < 4
    assert (await patch_colours(ffmpeg, clips.path(Clip.SCREEN_RGB))).distance(UPRIGHT) < 1
    assert max(await middle_colour(ffmpeg, clips.path(Clip.CARD), 0.2)) < 10
    assert min(await middle_colour(ffmpeg, clips.path(Clip.CARD), 0.44)) > 240


@pytest.mark.parametrize(
    "filters",
    [
        "hflip",
        "vflip",
        "transpose=clock",
        "scale=in_range=pc:out_range=tv",
        "scale=in_color_matrix=bt601:out_color_matrix=bt709",
        "eq=brightness=0.06",
    ],
)
async def test_a_picture_that_is_turned_mirrored_or_recoloured_is_found_out(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, filters: str
) -> None:
    wrong = tmp_path / "wrong.mp4"
    clips.draw(wrong, "-i", str(clips.path(Clip.CARD)), "-vf", filters, "-c:v", "libx264", "-c:a", "copy")
    assert (await patch_colours(ffmpeg, wrong)).distance(UPRIGHT) > 8


async def test_a_picture_shown_in_the_wrong_transfer_is_found_out(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path) -> None:
    wrong = tmp_path / "washed_out.mp4"
    for name in (Clip.HDR10, Clip.HLG):
        clips.draw(wrong, "-i", str(clips.path(name)), "-pix_fmt", "yuv420p", "-c:v", "libx264")
        assert (await patch_colours(ffmpeg, wrong)).distance(UPRIGHT) > 35


async def test_sound_that_is_a_tenth_of_a_second_late_is_found_out(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    card, late = clips.path(Clip.CARD), tmp_path / "late.mp4"
    assert await beeps_and_flashes(ffmpeg, card) == [pytest.approx((at, at), abs=0.003) for at in FLASHES]
    inputs = ("-i", str(card), "-itsoffset", "0.1", "-i", str(card))
    clips.draw(late, *inputs, "-map", "0:v", "-map", "1:a", "-c", "copy")
    assert await beeps_and_flashes(ffmpeg, late) == [pytest.approx((at, at + 0.1), abs=0.003) for at in FLASHES]


async def test_what_does_not_flash_or_beep_is_not_seen_or_heard(ffmpeg: Ffmpeg, clips: Clips) -> None:
    assert await flashes(ffmpeg, clips.path(Clip.LONG_STILL)) == []
    assert await beeps(ffmpeg, clips.path(Clip.LONG_STILL)) == []
    assert await beeps(ffmpeg, clips.path(Clip.SHORT_SOUND)) == pytest.approx([0.4], abs=0.003)
    assert await beeps(ffmpeg, clips.path(Clip.LATE_SOUND)) == pytest.approx([1.0, 1.8], abs=0.003)


async def test_every_frame_is_counted_at_its_time(ffmpeg: Ffmpeg, clips: Clips) -> None:
    assert await frame_times(ffmpeg, clips.path(Clip.ONE_FPS)) == [0, 1, 2, 3, 4, 5]
    assert await frame_count(ffmpeg, clips.path(Clip.CARD)) == 50
    assert await frame_count(ffmpeg, clips.path(Clip.DAMAGED_A_LITTLE)) == 249


async def test_half_pictures_are_seen(ffmpeg: Ffmpeg, clips: Clips) -> None:
    for name in (Clip.H264_INTERLACED, Clip.H264_INTERLACED_BOTTOM_FIRST, Clip.MPEG2_INTERLACED):
        assert await is_combed(ffmpeg, clips.path(name))
    for name in (Clip.CARD, Clip.H264_FALSELY_INTERLACED, Clip.H264_B_FRAMES):
        assert not await is_combed(ffmpeg, clips.path(name))


async def test_alike_and_not_alike(ffmpeg: Ffmpeg, clips: Clips) -> None:
    card = clips.path(Clip.CARD)
    assert await ssim(ffmpeg, card, card) == 1
    assert await ssim(ffmpeg, clips.path(Clip.HEVC), card) > 0.95
    assert await ssim(ffmpeg, clips.path(Clip.MIRRORED), card) < 0.8


async def test_tones_are_told_apart_by_channel(ffmpeg: Ffmpeg, clips: Clips) -> None:
    tones = (LEFT_HERTZ, RIGHT_HERTZ, 500.0)
    left, right = await tone_levels(ffmpeg, clips.path(Clip.STEREO_TONES), tones)
    assert list(left.values()) == pytest.approx([0.5, 0, 0], abs=0.03)
    assert list(right.values()) == pytest.approx([0, 0.5, 0], abs=0.03)


async def test_tags_are_read(ffmpeg: Ffmpeg, clips: Clips) -> None:
    assert await colour_tags(ffmpeg, clips.path(Clip.HDR10)) == ColourTags(
        "yuv420p10le", "tv", "bt2020nc", "bt2020", "smpte2084"
    )
    assert (await colour_tags(ffmpeg, clips.path(Clip.BT601_UNTAGGED))).matrix == "unknown"
