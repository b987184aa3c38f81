"""Whole command lines that read, word for word, and how an input is opened."""

from functools import partial
from pathlib import Path

import pytest

from media import commands
from media.demo import demo_clip_command
from media.probe import PROBE_ENTRIES
from media.survey import PACKET_ENTRIES

FFMPEG, FFPROBE = Path("/opt/ffmpeg"), Path("/opt/ffprobe")
SOURCE = Path("/in/a film.mov")
FORMATS = "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg"
GUARD = ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-max_streams", "128"]
INPUT = [*GUARD, "-i", "file:/in/a film.mov"]
QUIET_FFPROBE = ["/opt/ffprobe", "-hide_banner", "-loglevel", "error"]
QUIET_FFMPEG = ["/opt/ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-nostats"]
PROGRESS = [*QUIET_FFMPEG, "-stats_period", "0.5", "-progress", "pipe:1"]


def test_no_picture_is_decoded_that_is_larger_than_what_is_accepted() -> None:
    twice = ["/opt/ffmpeg", *INPUT, "-ss", "1", *INPUT, "-f", "null", "-"]
    bounded = [*GUARD[:2], "-max_pixels", "35", *GUARD[2:], "-i", "file:/in/a film.mov"]
    assert commands.with_most_pixels(twice, 35) == ["/opt/ffmpeg", *bounded, "-ss", "1", *bounded, "-f", "null", "-"]


def test_probe() -> None:
    assert commands.probe_command(FFPROBE, SOURCE) == [
        *[*QUIET_FFPROBE, *GUARD, "-show_entries", PROBE_ENTRIES, "-of", "json", "file:/in/a film.mov"],
    ]


def test_survey() -> None:
    assert commands.survey_command(FFPROBE, SOURCE) == [
        *[*QUIET_FFPROBE, *GUARD, "-show_entries", PACKET_ENTRIES, "-of", "csv=p=0", "file:/in/a film.mov"],
    ]


def test_parameter_sets() -> None:
    assert commands.parameter_sets_command(FFMPEG, SOURCE, 2) == [
        *[*QUIET_FFMPEG, *INPUT, "-map", "0:2", "-c", "copy"],
        *["-bsf:v", "filter_units=pass_types=7-8", "-f", "framehash", "-hash", "murmur3", "-"],
    ]


def test_packets_and_parameters_of_a_chunk() -> None:
    assert commands.chunk_entries_command(FFPROBE, SOURCE) == [
        *[*QUIET_FFPROBE, *GUARD, "-select_streams", "v", "-count_packets", "-show_data_hash", "murmur3"],
        *["-show_entries", "stream=nb_read_packets,extradata_hash", "-of", "csv=p=0", "file:/in/a film.mov"],
    ]


def test_decode_of_one_frame() -> None:
    assert commands.decode_frame_command(FFMPEG, SOURCE, 3) == [
        *[*PROGRESS, "-threads", "1", "-t", "60", *INPUT, "-map", "0:3", "-frames:v", "1", "-f", "null", "-"],
    ]


def test_decode_of_everything_stops_at_the_first_damage() -> None:
    strictly, nowhere = ["-xerror", "-err_detect", "explode"], ["-fps_mode", "passthrough", "-f", "null", "-"]
    assert commands.decode_command(FFMPEG, SOURCE) == [*PROGRESS, *strictly, *INPUT, "-map", "0", *nowhere]
    keyframes = commands.decode_command(FFMPEG, SOURCE, only_keyframes=True)
    assert keyframes == [*PROGRESS, *strictly, "-skip_frame", "nokey", *INPUT, "-map", "0", *nowhere]


def test_what_is_verified_is_hashed_and_decoded_from_a_keyframe_at_each_place() -> None:
    seek = ["-threads", "1", "-noaccurate_seek", "-ss"]
    pictures = ["-fps_mode", "passthrough", "-frames:v", "6", "-f", "null", "-"]
    sounds = ["-frames:a", "100", "-f", "null", "-"]
    opened = [*PROGRESS, "-xerror", "-err_detect", "explode", *seek, "0.000", *INPUT, *seek, "12.346", *INPUT, *INPUT]
    hashed = ["-c", "copy", "-f", "streamhash", "-hash", "murmur3", "-"]
    verify = partial(commands.verify_command, FFMPEG, SOURCE, starts=[0.0, 12.3456], frames=6)
    assert verify(indices=[0, 1], sound_packets=100) == [
        *[*opened, "-map", "0:v", *pictures, "-map", "0:a", *sounds],
        *["-map", "1:v", *pictures, "-map", "1:a", *sounds, "-map", "2:0", "-map", "2:1", *hashed],
    ]
    assert verify(indices=[0], sound_packets=0) == [
        *opened,
        "-map",
        "0:v",
        *pictures,
        "-map",
        "1:v",
        *pictures,
        "-map",
        "2:0",
        *hashed,
    ]


def test_a_list_of_chunks_may_open_our_own_files_and_nothing_else() -> None:
    assert commands.chunks_input(Path("/scratch/video.mp4.list")) == [
        *["-f", "concat", "-safe", "0", "-auto_convert", "0"],
        *["-protocol_whitelist", "file", "-format_whitelist", "concat,mov", "-max_streams", "128"],
        *["-i", "file:/scratch/video.mp4.list"],
    ]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/scratch/a chunk.mp4", "file '/scratch/a chunk.mp4'\n"),
        ("/scratch/it's.mp4", "file '/scratch/it'\\''s.mp4'\n"),
        ("/scratch/'", "file '/scratch/'\\'''\n"),
        ("/scratch/back\\slash # %d", "file '/scratch/back\\slash # %d'\n"),
    ],
)
def test_a_path_is_quoted_whatever_is_in_it(path: str, line: str) -> None:
    assert commands.chunk_list_text([Path(path), Path("/b")]) == f"{line}file '/b'\n"


def test_demo_clip() -> None:
    assert demo_clip_command(FFMPEG, Path("/out/demo.mp4")) == [
        *["/opt/ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin"],
        *["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration=10"],
        *["-f", "lavfi", "-i", "sine=frequency=220:beep_factor=4:sample_rate=48000:duration=10"],
        *["-map", "0:v", "-map", "1:a"],
        *["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p"],
        *["-c:a", "aac", "-b:a", "128k", "-ac", "2"],
        *["-movflags", "+faststart", "-f", "mp4", "-y", "file:/out/demo.mp4"],
    ]
