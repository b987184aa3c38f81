"""Chunks are the encode in one piece, cut: the same frames at the same times, looking the same."""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Final

import pytest

from media.commands import as_file, chunk_list_text, chunks_input
from media.encode import EncodedChunk
from media.ffmpeg import Ffmpeg
from media.plan import TranscodePlan
from media.planning import plan
from media.process import run_process
from media.validate import validate
from tests.fixtures.clips import Clips
from tests.fixtures.recipes.drawing import H264
from tests.media.judges.pictures import frame_likeness, ssim
from tests.media.judges.times import frame_times
from tests.media.making import LIMITS, chunk_path, encode
from tests.media.probing import a_profile

# ruff: noqa: ASYNC240  small files, and nothing else runs on the loop of a test

SHORT_CHUNKS: Final = a_profile(gop_seconds=0.5, chunk_seconds=2.0, chunk_threshold_seconds=2.0)
ALIKE: Final = 0.98
QUALITY_TOLERANCE: Final = 0.002


@dataclass(frozen=True)
class Encoded:
    """A picture, encoded."""

    video: Path
    chunks: tuple[EncodedChunk, ...]


async def planned(ffmpeg: Ffmpeg, source: Path) -> TranscodePlan:
    decided = plan(await validate(ffmpeg, source, LIMITS), SHORT_CHUNKS).encoding_what_was_copied()
    encoding = decided.picture.encoding
    every_two_seconds = tuple(range(0, encoding.frames - encoding.gop_frames, 4 * encoding.gop_frames))
    assert len(every_two_seconds) > 2, "nothing would be tested"
    return replace(decided, chunk_starts=every_two_seconds)


def in_one_piece(decided: TranscodePlan) -> TranscodePlan:
    return replace(decided, chunk_starts=(0,))


async def encoded(ffmpeg: Ffmpeg, decided: TranscodePlan, source: Path, folder: Path) -> Encoded:
    """The picture alone, its chunks put together as they are."""
    folder.mkdir()
    chunks = decided.chunks
    results = [await encode(ffmpeg, decided, chunk, source, folder) for chunk in chunks]
    chunk_list, video = folder / "list", folder / "video.mp4"
    chunk_list.write_text(chunk_list_text([chunk_path(folder, chunk) for chunk in chunks]))
    command = [str(ffmpeg.ffmpeg_path), "-v", "error", *chunks_input(chunk_list), "-c", "copy", *as_file(video)]
    assert (await run_process(command)).return_code == 0
    return Encoded(video, tuple(results))


def moving(seconds: int = 6, rate: str = "25", size: str = "160x120") -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds},format=yuv420p")


OPEN_GOP: Final = ("-bf", "3", "-x264-params", "open-gop=1:keyint=17:min-keyint=17")
IN_TICKS: Final = ("-fps_mode", "passthrough", "-enc_time_base", "1/600", "-video_track_timescale", "600")
VARIES: Final = ("-vf", "select='(not(mod(n,8))+between(t,1,2.1))*not(between(t,2.7,4.9))',settb=1/600", *IN_TICKS)
"""Slow motion across the first boundary, and a picture that stands still from long before the second."""
X265: Final = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=23")
VP9: Final = ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-b:v", "300k", "-g", "31")
INTERLACED: Final = ("-flags", "+ildct+ilme", "-g", "19")

SPARSE: Final = ("-vf", "select='not(mod(n,25))+between(t,0,1)+between(t,4.5,5.5)',settb=1/600", *IN_TICKS)
"""Two frames a second in the middle: a keyframe is decoded a second and more before it is shown."""
REORDERED: Final = ("-preset", "fast", "-bf", "3", "-x264-params", "b-adapt=0:open-gop=1:keyint=4:min-keyint=4")

SOURCES: Final = {
    "sparse.mp4": (*moving(rate="50"), *SPARSE, *H264, *REORDERED),
    "variable.mov": (*moving(rate="240"), *VARIES, *H264, "-g", "30"),
    "ntsc.mp4": (*moving(rate="30000/1001"), *H264, "-g", "41"),
    "open_gop.mp4": (*moving(), *H264, *OPEN_GOP),
    "interlaced.mp4": (*moving(rate="50"), "-vf", "interlace=scan=tff:lowpass=off", *H264, *INTERLACED),
    "hevc.mkv": (*moving(), *X265),
    "vp9.webm": (*moving(), *VP9),
    "late.mov": (*moving(), *H264, *OPEN_GOP, "-output_ts_offset", "3.43"),
    "no_edit_list.mov": (*moving(), *H264, *OPEN_GOP, "-use_editlist", "0"),
    "late.mkv": (*moving(), *H264, *OPEN_GOP, "-output_ts_offset", "3.43"),
}
ORIGINS: Final = {"late.mov": 3.43, "late.mkv": 3.43, "no_edit_list.mov": 0.08}


@pytest.mark.parametrize("name", SOURCES)
async def test_chunks_are_frame_exact_and_as_good_as_one_piece(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, name: str
) -> None:
    source = tmp_path / name
    clips.draw(source, *SOURCES[name])
    decided = await planned(ffmpeg, source)
    assert decided.origin_seconds == pytest.approx(ORIGINS.get(name, 0.0))
    cut = await encoded(ffmpeg, decided, source, tmp_path / "cut")
    whole = await encoded(ffmpeg, in_one_piece(decided), source, tmp_path / "whole")
    assert len({chunk.parameters for chunk in (*cut.chunks, *whole.chunks)}) == 1
    assert sum(chunk.frames for chunk in cut.chunks) == whole.chunks[0].frames
    assert await frame_times(ffmpeg, cut.video) == await frame_times(ffmpeg, whole.video)
    likeness = await frame_likeness(ffmpeg, cut.video, whole.video)
    assert len(likeness) == whole.chunks[0].frames
    assert min(likeness) > ALIKE
    rate = decided.picture.encoding.frame_rate
    of_cut, of_whole = await ssim(ffmpeg, cut.video, source, rate), await ssim(ffmpeg, whole.video, source, rate)
    assert of_cut > of_whole - QUALITY_TOLERANCE


async def test_a_moving_gradient_has_no_seam(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path) -> None:
    source = tmp_path / "gradient.mp4"
    shades = "gradients=size=320x180:rate=25:duration=7:c0=0x203040:c1=0x8090a0:nb_colors=2:speed=0.02:seed=1"
    clips.draw(source, "-f", "lavfi", "-i", f"{shades},format=yuv420p", *H264, "-crf", "5")
    decided = await planned(ffmpeg, source)
    cut = await encoded(ffmpeg, decided, source, tmp_path / "cut")
    likeness = await frame_likeness(ffmpeg, cut.video, source)
    for chunk in decided.chunks[1:]:
        seam = chunk.first_frame
        around, near = likeness[seam - 1 : seam + 2], likeness[seam - 12 : seam - 1] + likeness[seam + 2 : seam + 12]
        assert min(around) > fmean(near) - 0.005
