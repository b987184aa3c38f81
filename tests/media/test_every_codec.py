"""Whatever codec and container a video comes in, it is published as H.264 and AAC in an MP4, copied where it can be."""

from pathlib import Path
from typing import Final

from media.ffmpeg import Ffmpeg
from media.process import run_process
from tests.fixtures.clips import Clip, Clips
from tests.media.making import Made
from tests.media.rows import Row, check, each

SLOW_FLASHES: Final = (1.0, 30.0, 61.5)
GOP_FLASHES: Final = (1.0, 11.0, 24.0)


async def has_nothing_else(ffmpeg: Ffmpeg, made: Made) -> None:
    """Neither cover nor subtitles nor time code are published."""
    show = ("-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", str(made.video))
    assert (await run_process([str(ffmpeg.ffprobe_path), *show])).stdout.split() == ["video", "audio"]


@each(
    Row(Clip.VP9, "encode", "encode"),
    Row(Clip.HEVC, "encode"),
    Row(Clip.AV1_CARD, "encode"),
    Row(Clip.MJPEG, "encode", "encode"),
    Row(Clip.PRORES, "encode", "encode"),
    Row(Clip.H264_IN_AVI, "encode", "encode"),
    Row(Clip.H264_IN_TS, "encode", "encode"),
)
async def test_every_codec_and_container_is_taken(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row) -> None:
    await check(row, ffmpeg, clips, tmp_path)


@each(
    Row(Clip.H264_B_FRAMES),
    Row(Clip.H264_MOV),
    Row(Clip.H264_MKV),
    Row(Clip.H264_FRAGMENTED),
    Row(Clip.H264_OPEN_GOP),
    Row(Clip.H264_MUCH_BESIDES, judge=has_nothing_else),
    Row(Clip.H264_ATTACHMENT, judge=has_nothing_else),
    Row(Clip.STILL_IN_FRONT),
    Row(Clip.STILL_IN_FRONT_MKV),
    Row(Clip.H264_USUAL_GOP, size=(64, 48), seconds=25, frame_rates=(24,), flashes=GOP_FLASHES),
    Row(Clip.H264_REPEATED_PARAMETERS),
)
async def test_what_plays_everywhere_is_not_encoded_again(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row
) -> None:
    await check(row, ffmpeg, clips, tmp_path)


@each(
    Row(Clip.H264_120_FPS, "encode", frame_rates=(60,)),
    Row(Clip.H264_LONG_GOP, "encode", size=(64, 48), seconds=62, frame_rates=(2,), flashes=SLOW_FLASHES),
    Row(Clip.H264_SIZE_CHANGES, "encode", "none", flashes=(0.4, 1.4)),
)
async def test_h264_that_does_not_play_everywhere_is_encoded_again(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, row: Row
) -> None:
    await check(row, ffmpeg, clips, tmp_path)
