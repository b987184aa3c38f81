"""Whatever the sound is like, it is heard, in time and in the right channel."""

from pathlib import Path
from typing import Final

import pytest

from media.ffmpeg import Ffmpeg
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.recipes.sounds import LEFT_HERTZ, RIGHT_HERTZ, SURROUND_TONES
from tests.media.judges.tones import tone_levels
from tests.media.making import Made
from tests.media.rows import Judge, Row, check, each

STEADY: Final = (0.0,)
"""A tone that begins and does not end."""
LOUD: Final = 0.3
SILENT: Final = 0.02


def only(hertz: float) -> Judge:
    """This tone is heard, and not the other track's."""

    async def judge(ffmpeg: Ffmpeg, made: Made) -> None:
        other = RIGHT_HERTZ if hertz == LEFT_HERTZ else LEFT_HERTZ
        (levels,) = await tone_levels(ffmpeg, made.video, (hertz, other))
        assert levels[hertz] > LOUD
        assert levels[other] < SILENT

    return judge


async def sides_are_kept(ffmpeg: Ffmpeg, made: Made) -> None:
    """What was left is heard on the left."""
    left, right = await tone_levels(ffmpeg, made.video, (LEFT_HERTZ, RIGHT_HERTZ))
    assert left[LEFT_HERTZ] > LOUD > SILENT > left[RIGHT_HERTZ]
    assert right[RIGHT_HERTZ] > LOUD > SILENT > right[LEFT_HERTZ]


async def is_mixed_down(ffmpeg: Ffmpeg, made: Made) -> None:
    """Every channel is heard on its side, the middle on both; middle and back 3 dB softer than the front."""
    front_left, front_right, middle, _low, back_left, back_right = SURROUND_TONES
    left, right = await tone_levels(ffmpeg, made.video, SURROUND_TONES)
    for here, there, front, back in (
        (left, right, front_left, back_left),
        (right, left, front_right, back_right),
    ):
        assert here[front] > 0.15, "loud enough"
        assert max(there[front], there[back]) < SILENT
        assert here[middle] / here[front] == pytest.approx(0.707, abs=0.1)
        assert here[back] / here[front] == pytest.approx(0.707, abs=0.1)
    assert left[middle] == pytest.approx(right[middle], rel=0.1)


@each(
    Row(Clip.MONO, channels=1),
    Row(Clip.STEREO_TONES, beeps=STEADY, judge=sides_are_kept),
    Row(Clip.SURROUND_AAC, sound="encode", beeps=STEADY, judge=is_mixed_down),
    Row(Clip.SURROUND_AC3, sound="encode", beeps=STEADY, judge=is_mixed_down),
)
async def test_every_channel_is_heard_where_it_belongs(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row) -> None:
    await check(row, ffmpeg, clips, tmp_path)


@each(
    Row(Clip.TWO_TRACKS, channels=1, beeps=STEADY, judge=only(RIGHT_HERTZ)),
    Row(Clip.NO_DEFAULT_TRACK, channels=1, beeps=STEADY, judge=only(LEFT_HERTZ)),
    Row(Clip.FIRST_TRACK_UNKNOWN, channels=1, beeps=STEADY, judge=only(RIGHT_HERTZ)),
)
async def test_of_several_tracks_the_default_is_heard_or_else_the_first_that_can_be(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row
) -> None:
    await check(row, ffmpeg, clips, tmp_path)


@each(
    Row(Clip.SOUND_8_KHZ, sound="encode", channels=1, sample_rates=(44_100, 48_000)),
    Row(Clip.SOUND_22_KHZ, sample_rates=(22_050, 44_100, 48_000)),
    Row(Clip.SOUND_96_KHZ, sound="encode", sample_rates=(44_100, 48_000)),
    Row(Clip.HE_AAC, sound=None),
    Row(Clip.OPUS, sound="encode"),
    Row(Clip.PCM, sound="encode"),
)
async def test_every_rate_and_codec_of_sound_is_heard(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row) -> None:
    await check(row, ffmpeg, clips, tmp_path)


@each(
    Row(Clip.SHORT_SOUND, seconds=3.0, beeps=(0.4,)),
    Row(Clip.LONGER_SOUND, seconds=4.0, frame_rates=()),
    Row(Clip.LATE_SOUND, sound="encode", beeps=(1.0, 1.8)),
)
async def test_sound_that_is_shorter_longer_or_late_stays_in_time(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row
) -> None:
    await check(row, ffmpeg, clips, tmp_path)
