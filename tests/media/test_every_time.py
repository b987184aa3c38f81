"""However a video's frames are spread over time, and wherever it begins, sound and picture stay together."""

from pathlib import Path
from typing import Final

from media.ffmpeg import Ffmpeg
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.recipes.times import TEN_MINUTES_FLASHES
from tests.media.judges.times import frame_times
from tests.media.making import Made
from tests.media.rows import Judge, Row, check, each

AAC_RATES: Final = (44_100, 48_000)


def has_frames(least: int, start: float, end: float) -> Judge:
    """So many frames are shown between the two times."""

    async def judge(ffmpeg: Ffmpeg, made: Made) -> None:
        shown = await frame_times(ffmpeg, made.video, within=(start - 1, end + 1))
        assert len([at for at in shown if start <= at < end]) >= least

    return judge


@each(
    Row(Clip.SLOW_MOTION, "encode", seconds=3, frame_rates=(60,), judge=has_frames(28, 1.0, 1.5)),
    Row(Clip.SIXTY_IN_THIRTY, seconds=3, frame_rates=(), judge=has_frames(58, 1.0, 2.0)),
    Row(Clip.JITTERY, seconds=3, frame_rates=(30,)),
    Row(Clip.ONE_FPS, seconds=6, frame_rates=(1,), flashes=(1, 3)),
    Row(Clip.ONE_FPS_VP9, "encode", "encode", seconds=6, frame_rates=(), flashes=(1, 3)),
    Row(Clip.NO_DURATIONS, "encode", "none", seconds=8, frame_rates=(), flashes=(4,)),
    Row(
        Clip.TEN_MINUTES,
        "encode",
        "encode",
        size=(64, 36),
        seconds=600,
        frame_rates=(),
        channels=1,
        sample_rates=AAC_RATES,
        flashes=TEN_MINUTES_FLASHES,
        judge=has_frames(70, 299.0, 302.0),
    ),
    Row(Clip.LONG_STILL, "encode", "none", seconds=120, frame_rates=(), flashes=()),
    Row(Clip.ONE_FRAME, None, looked_at=0, frame_rates=(), flashes=(), beeps=(0.4, 1.0, 1.8)),
)
async def test_a_rate_that_varies_is_kept_in_time(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row) -> None:
    await check(row, ffmpeg, clips, tmp_path)


@each(
    Row(Clip.STARTS_LATE_MOV),
    Row(Clip.STARTS_LATE_MKV),
    Row(Clip.STARTS_LATE_TS, "encode", "encode"),
    Row(Clip.STARTS_EARLY, "encode", "encode"),
    Row(Clip.CUT_IN_GOP, "encode", None, seconds=2.52, flashes=(0.0, 0.52, 1.32)),
    Row(Clip.CUT_AT_KEYFRAME, "copy", None, seconds=2.6, flashes=(0.0, 0.6, 1.4)),
    Row(Clip.EMPTY_EDIT, "encode", None, seconds=2.6, flashes=(1.0, 1.6, 2.4), looked_at=0.8),
    Row(Clip.SEVERAL_EDITS, "encode", "encode", seconds=3.4, flashes=(0.4, 1.4, 2.8)),
)
async def test_wherever_a_video_begins_it_plays_from_there(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row
) -> None:
    await check(row, ffmpeg, clips, tmp_path)
