"""The command lines of the benchmark, and which clips a burst has."""

import itertools
from collections import Counter
from pathlib import Path

import pytest

from bench.baseline.work import thumbnail_command, transcode_command
from bench.cases.burst import burst_clips
from bench.clips import Clip, Kind, draw_command
from bench.quality import likeness_command

FFMPEG = Path("/bin/ffmpeg")


def test_the_old_systems_commands_are_those_of_its_description() -> None:
    quiet = ["-v", "error", "-nostdin", "-y"]
    source, target = Path("in.mp4"), Path("out")
    transcoding = transcode_command(FFMPEG, source, target)
    assert transcoding == ["/bin/ffmpeg", *quiet, "-i", "in.mp4", "-c:v", "libx264", "-c:a", "aac", "out"]
    drawing = thumbnail_command(FFMPEG, source, target)
    assert drawing == ["/bin/ffmpeg", *quiet, "-i", "in.mp4", "-ss", "00:00:01", "-vframes", "1", "out"]


def test_a_burst_has_as_many_to_encode_as_asked_and_no_clip_twice() -> None:
    clips = burst_clips(40, 7)
    assert len({clip.file_name for clip in clips}) == 40
    assert sum(clip.kind.must_be_encoded for clip in clips) == 7
    assert {2, 6} <= {clip.seconds for clip in clips}
    assert len(Counter(clip.kind for clip in clips)) == len(Kind)


def test_a_burst_can_be_free_of_what_must_be_encoded_and_not_have_more_of_it_than_clips() -> None:
    assert not any(clip.kind.must_be_encoded for clip in burst_clips(3, 0))
    with pytest.raises(ValueError, match="more to be encoded"):
        burst_clips(3, 4)


@pytest.mark.parametrize("change", [{"seconds": 3.0}, {"seed": 2}, {"kind": Kind.HEVC}, {"mega_bits": 5.0}])
def test_a_clip_that_is_drawn_otherwise_has_another_file(change: dict[str, object]) -> None:
    facts: dict[str, object] = {
        "name": "clip", "kind": Kind.PLAYABLE, "seconds": 2.0, "width": 640, "height": 360, "mega_bits": 4.0,
    }  # fmt: skip
    assert Clip(**facts).file_name != Clip(**(facts | change)).file_name  # type: ignore[arg-type]


def test_a_playable_clip_is_h264_high_in_eight_bits_with_short_gops_and_its_index_in_front() -> None:
    command = draw_command(FFMPEG, Clip("clip", Kind.PLAYABLE, 2, 640, 360, 4), Path("out.mp4"))
    pairs = set(itertools.pairwise(command))
    wanted = [("-profile:v", "high"), ("-pix_fmt", "yuv420p"), ("-g", "60"), ("-movflags", "+faststart")]
    assert set(wanted) <= pairs


def test_an_output_is_judged_first_against_its_source_second() -> None:
    command = likeness_command(FFMPEG, Path("out.mp4"), Path("in.mp4"), Path("/log.json"), 2)
    assert command[command.index("-i") : command.index("-lavfi")] == ["-i", "out.mp4", "-i", "in.mp4"]
    assert "[is][was]libvmaf=log_fmt=json:log_path=/log.json:n_threads=2:feature=name=float_ssim" in command[-4]
