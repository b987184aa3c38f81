"""Whole command lines, word for word."""

from dataclasses import replace
from pathlib import Path

from media import commands
from media.demo import demo_clip_command
from media.model import ThumbnailPlan, TranscodePlan
from media.probe import PROBE_ENTRIES

FFMPEG, FFPROBE = Path("/opt/ffmpeg"), Path("/opt/ffprobe")
SOURCE, TARGET = Path("/in/a film.mov"), Path("/out/video.mp4.1.part")

PLAN = TranscodePlan(
    video_index=0,
    audio_index=2,
    width=1080,
    height=1920,
    frame_rate=30000 / 1001,
    duration_seconds=10,
    longest_seconds=10.1,
    video_encoder="libx264",
    video_profile="high",
    pixel_format="yuv420p",
    crf=23,
    preset="fast",
    gop_seconds=2.0,
    audio_encoder="aac",
    audio_bit_rate=128_000,
    audio_channels=2,
    audio_sample_rate_hertz=48_000,
)
FORMATS = "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg"
GUARDED_INPUT = ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", "file:/in/a film.mov"]
PROGRESS = ["-nostdin", "-nostats", "-stats_period", "0.5", "-progress", "pipe:1"]


def test_transcode() -> None:
    assert commands.transcode_command(FFMPEG, PLAN, SOURCE, TARGET) == [
        *["/opt/ffmpeg", "-hide_banner", "-loglevel", "error", *PROGRESS],
        *GUARDED_INPUT,
        *["-map", "0:0", "-map", "0:2"],
        *["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"],
        *["-vf", "fps=30000/1001,scale=1080:1920:out_range=tv,format=yuv420p,setsar=1"],
        *["-c:v", "libx264", "-profile:v", "high", "-preset", "fast", "-crf", "23"],
        *["-force_key_frames", "expr:gte(t,n_forced*2)"],
        *["-c:a", "aac", "-b:a", "128000", "-ac", "2", "-ar", "48000"],
        *["-t", "10.100", "-movflags", "+faststart", "-f", "mp4", "-y", "file:/out/video.mp4.1.part"],
    ]


def test_transcode_of_a_silent_film_says_nothing_of_sound() -> None:
    assert commands.transcode_command(
        FFMPEG, replace(PLAN, audio_index=None, longest_seconds=None), SOURCE, TARGET
    ) == [
        *["/opt/ffmpeg", "-hide_banner", "-loglevel", "error", *PROGRESS],
        *GUARDED_INPUT,
        *["-map", "0:0"],
        *["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"],
        *["-vf", "fps=30000/1001,scale=1080:1920:out_range=tv,format=yuv420p,setsar=1"],
        *["-c:v", "libx264", "-profile:v", "high", "-preset", "fast", "-crf", "23"],
        *["-force_key_frames", "expr:gte(t,n_forced*2)"],
        *["-movflags", "+faststart", "-f", "mp4", "-y", "file:/out/video.mp4.1.part"],
    ]


def test_thumbnail() -> None:
    plan = ThumbnailPlan(video_index=1, at_seconds=0.25, width=720, height=1280)
    encoding = [
        *["-map", "0:1", "-map_metadata", "-1", "-frames:v", "1"],
        *["-vf", "scale=720:1280:out_range=pc:out_color_matrix=bt601,format=yuv420p,setsar=1,sidedata=mode=delete"],
        *["-c:v", "mjpeg", "-q:v", "3", "-f", "mjpeg", "-y", "file:/out/video.mp4.1.part"],
    ]
    quiet = ["/opt/ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-nostats"]
    assert commands.thumbnail_command(FFMPEG, plan, SOURCE, TARGET, 0.25) == [
        *[*quiet, "-ss", "0.25", *GUARDED_INPUT, *encoding]
    ]
    assert commands.thumbnail_command(FFMPEG, plan, SOURCE, TARGET, None) == [*quiet, *GUARDED_INPUT, *encoding]


def test_probe() -> None:
    assert commands.probe_command(FFPROBE, SOURCE) == [
        *["/opt/ffprobe", "-hide_banner", "-loglevel", "error"],
        *["-protocol_whitelist", "file", "-format_whitelist", FORMATS],
        *["-show_entries", PROBE_ENTRIES, "-of", "json", "file:/in/a film.mov"],
    ]


def test_probe_of_a_picture_reads_jpeg_and_nothing_else() -> None:
    assert commands.probe_picture_command(FFPROBE, SOURCE) == [
        *["/opt/ffprobe", "-hide_banner", "-loglevel", "error"],
        *["-f", "jpeg_pipe", "-protocol_whitelist", "file", "-format_whitelist", "jpeg_pipe"],
        *["-show_entries", PROBE_ENTRIES, "-of", "json", "file:/in/a film.mov"],
    ]


def test_decode_of_one_frame() -> None:
    assert commands.decode_frame_command(FFMPEG, SOURCE, 3) == [
        *["/opt/ffmpeg", "-hide_banner", "-loglevel", "error", *PROGRESS],
        *["-t", "60", *GUARDED_INPUT],
        *["-map", "0:3", "-frames:v", "1", "-f", "null", "-"],
    ]


def test_decode_of_everything_stops_at_the_first_damage() -> None:
    assert commands.decode_command(FFMPEG, SOURCE) == [
        *["/opt/ffmpeg", "-hide_banner", "-loglevel", "error", *PROGRESS],
        *["-xerror", "-err_detect", "explode", *GUARDED_INPUT],
        *["-map", "0", "-f", "null", "-"],
    ]


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
