"""Whole command lines that write, word for word."""

from dataclasses import replace
from pathlib import Path

import pytest

from media.commands import chunks_input, source_input
from media.encode_commands import decode_chunk_command, encode_chunk_command, encode_sound_command
from media.join_command import JoinInput, index_bytes, join_command
from media.plan import SourceColours, ToneMap
from media.planning import plan
from media.profile import Profile
from media.thumbnail import thumbnail_command
from tests.media.probing import WEB, a_probe, a_profile, a_track, a_video

FFMPEG = Path("/opt/ffmpeg")
SOURCE, TARGET = Path("/in/a film.mov"), Path("/out/video.mp4.part")
PLAN = plan(
    a_probe(
        a_video(codec="hevc", index=1, seconds=20, rate=30000 / 1001, begin=1.4),
        a_track(codec="opus", index=2, begin=1.5, seconds=19),
    ),
    WEB,
)
FORMATS = "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg"
INPUT = [
    "-protocol_whitelist",
    "file",
    "-format_whitelist",
    FORMATS,
    "-max_streams",
    "128",
    "-i",
    "file:/in/a film.mov",
]
QUIET = ["/opt/ffmpeg", "-hide_banner", "-loglevel"]
PROGRESS = ["-nostdin", "-nostats", "-stats_period", "0.5", "-progress", "pipe:1"]
NO_METADATA = ["-map_metadata", "-1", "-map_chapters", "-1"]
COLOURS = (
    "scale=1920:1080:in_color_matrix=bt709:in_range=auto:out_color_matrix=bt709:out_range=tv,format=yuv420p,"
    "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
)
X264 = [
    *["-c:v", "libx264", "-profile:v", "high", "-preset", "fast", "-crf", "23"],
    *["-maxrate", "20000000", "-bufsize", "40000000"],
    *["-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-flags", "+cgop"],
]


@pytest.mark.parametrize(
    ("number", "seek", "begin", "moved", "end"),
    [
        (1, [], "0.000000", "", ["-frames:v", "180"]),
        (2, ["-ss", "7.156000"], "6.006000", "setpts=PTS-180,", ["-frames:v", "180"]),
        (4, ["-ss", "19.168000"], "18.018000", "setpts=PTS-540,", []),
    ],
    ids=["first", "middle", "last"],
)
def test_a_chunk_begins_at_its_own_frame_on_the_whole_videos_clock(
    number: int, seek: list[str], begin: str, moved: str, end: list[str]
) -> None:
    assert PLAN.origin_seconds == 1.4
    chunk = PLAN.chunks[number - 1]
    command = encode_chunk_command(FFMPEG, PLAN.picture, chunk, SOURCE, TARGET, origin_seconds=1.4)
    assert command == [
        *[*QUIET, "repeat+warning", *PROGRESS, "-max_error_rate", "1", "-copyts"],
        *(["-noaccurate_seek", "-seek_timestamp", "1", *seek] if seek else []),
        *["-reinit_filter", "0", *INPUT, "-map", "0:1", *NO_METADATA],
        "-vf",
        f"setpts=PTS-(1.400000)/TB,fps=fps=30000/1001:start_time={begin}:round=near,{moved}{COLOURS},setsar=1",
        *["-fps_mode", "passthrough", *X264, *end, "-f", "mp4", "-y", "file:/out/video.mp4.part"],
    ]


def test_a_chunk_that_ends_in_damage_is_filled_with_what_was_shown_before() -> None:
    last, origin = PLAN.chunks[3], PLAN.origin_seconds
    command = encode_chunk_command(
        FFMPEG, PLAN.picture, last, SOURCE, TARGET, origin_seconds=origin, standing_since=480
    )
    assert command[command.index("-ss") + 1] == "17.166000"
    assert command[command.index("-vf") + 1] == (
        "setpts=PTS-(1.400000)/TB,fps=fps=30000/1001:start_time=16.016000:round=near,"
        f"tpad=stop=-1:stop_mode=clone,trim=start_frame=60,setpts=PTS-540,{COLOURS},setsar=1"
    )
    assert command[command.index("-frames:v") + 1] == str(last.frames)


def test_what_a_chunk_is_made_of_is_decoded_as_it_is_for_the_chunk() -> None:
    command = decode_chunk_command(FFMPEG, PLAN.picture, PLAN.chunks[1], SOURCE, origin_seconds=1.4)
    assert command == [
        *[*QUIET, "repeat+warning", *PROGRESS, "-max_error_rate", "1", "-copyts"],
        *["-noaccurate_seek", "-seek_timestamp", "1", "-ss", "7.156000", "-reinit_filter", "0", *INPUT, "-map", "0:1"],
        *["-vf", "setpts=PTS-(1.400000)/TB,fps=fps=30000/1001:start_time=6.006000:round=near"],
        *["-fps_mode", "passthrough", "-frames:v", "180", "-f", "null", "-"],
    ]


def test_an_encoder_gets_as_many_threads_as_it_is_given() -> None:
    chunk = PLAN.chunks[0]
    command = encode_chunk_command(FFMPEG, PLAN.picture, chunk, SOURCE, TARGET, origin_seconds=1.4, threads=3)
    assert command[command.index("-c:v") :][: len(X264) + 2] == [*X264, "-threads", "3"]


@pytest.mark.parametrize(
    ("colours", "filters"),
    [
        (
            SourceColours(ToneMap.PQ, matrix="bt2020nc", full_range=False),
            "zscale=w=1920:h=1080:tin=smpte2084:pin=bt2020:min=bt2020nc:t=linear:npl=203,format=gbrpf32le,"
            "zscale=p=bt709,tonemap=tonemap=mobius:desat=0,"
            "zscale=t=bt709:m=bt709:p=bt709:r=tv:dither=error_diffusion,format=yuv420p",
        ),
        (
            SourceColours(None, matrix="bt2020nc", full_range=False, wide_primaries="bt2020"),
            "scale=1920:1080:in_color_matrix=bt2020nc:in_range=tv:out_color_matrix=bt2020nc:out_range=tv,"
            "zscale=tin=bt709:pin=bt2020:min=bt2020nc:rin=tv:t=bt709:m=bt709:p=bt709:r=tv:dither=error_diffusion,format=yuv420p",
        ),
        (
            SourceColours(None, matrix="smpte170m", full_range=True),
            "scale=1920:1080:in_color_matrix=smpte170m:in_range=pc:out_color_matrix=bt709:out_range=tv,format=yuv420p",
        ),
    ],
    ids=["hdr", "wide gamut", "full range"],
)
def test_half_pictures_are_made_whole_before_all_else_and_colours_brought_to_bt709(
    colours: SourceColours, filters: str
) -> None:
    picture = replace(PLAN.picture, encoding=replace(PLAN.picture.encoding, colours=colours, deinterlace=True))
    command = encode_chunk_command(FFMPEG, picture, PLAN.chunks[0], SOURCE, TARGET, origin_seconds=0.0)
    assert command[command.index("-vf") + 1] == (
        "bwdif=mode=send_frame:deint=all,setpts=PTS-(0.000000)/TB,fps=fps=30000/1001:start_time=0.000000:round=near,"
        f"{filters},setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv,setsar=1"
    )


@pytest.mark.parametrize(
    ("profile", "layout", "loudness", "bit_rate", "channels"),
    [
        (WEB, "stereo", "alimiter=limit=0.97:level=disabled", "128000", "2"),
        (a_profile(audio_channels=1, loudness_lufs=-16.0), "mono", "loudnorm=I=-16:TP=-1.5:LRA=11", "64000", "1"),
    ],
    ids=["as it is", "brought to a loudness"],
)
def test_sound(profile: Profile, layout: str, loudness: str, bit_rate: str, channels: str) -> None:
    decided = plan(a_probe(a_video(begin=1.4), a_track(codec="opus", index=2, begin=1.5, seconds=19)), profile)
    assert decided.sound is not None
    assert encode_sound_command(FFMPEG, decided.sound, SOURCE, TARGET, origin_seconds=1.4) == [
        *[*QUIET, "repeat+warning", *PROGRESS, "-max_error_rate", "1"],
        *["-copyts", "-itsoffset", "-1.400000", *INPUT, "-map", "0:2", *NO_METADATA],
        *["-af", f"aresample=async=1:min_hard_comp=0.05:first_pts=0,aformat=channel_layouts={layout},{loudness}"],
        *["-c:a", "aac", "-b:a", bit_rate, "-ac", channels, "-ar", "48000"],
        *["-t", "19.100000", "-f", "mp4", "-y", "file:/out/video.mp4.part"],
    ]


HASHES = Path("/out/hashes")
UPLOAD_PICTURE = JoinInput(tuple(source_input(SOURCE)), 1, is_source=True)
UPLOAD_SOUND = JoinInput(tuple(source_input(SOURCE)), 2, is_source=True)
CHUNKS = JoinInput(tuple(chunks_input(Path("/out/list"))), 0, is_source=False)
ENCODED_SOUND = JoinInput(tuple(source_input(Path("/out/sound.mp4"))), 0, is_source=False)
MOVED = ["-itsoffset", "-1.400000", *INPUT]
OPENED_CHUNKS = [
    *["-f", "concat", "-safe", "0", "-auto_convert", "0", "-protocol_whitelist", "file"],
    *["-format_whitelist", "concat,mov", "-max_streams", "128", "-i", "file:/out/list"],
]
OPENED_SOUND = [*INPUT[:-1], "file:/out/sound.mp4"]


@pytest.mark.parametrize(
    ("picture", "sound", "opened", "maps"),
    [
        (UPLOAD_PICTURE, UPLOAD_SOUND, MOVED, ["-map", "0:1", "-map", "0:2"]),
        (UPLOAD_PICTURE, None, MOVED, ["-map", "0:1"]),
        (UPLOAD_PICTURE, ENCODED_SOUND, [*MOVED, *OPENED_SOUND], ["-map", "0:1", "-map", "1:0"]),
        (CHUNKS, UPLOAD_SOUND, [*OPENED_CHUNKS, *MOVED], ["-map", "0:0", "-map", "1:2"]),
        (CHUNKS, ENCODED_SOUND, [*OPENED_CHUNKS, *OPENED_SOUND], ["-map", "0:0", "-map", "1:0"]),
    ],
    ids=["copied", "silent", "copied picture", "copied sound", "encoded"],
)
def test_a_join_copies_packets_and_moves_only_the_uploads_clock(
    picture: JoinInput, sound: JoinInput | None, opened: list[str], maps: list[str]
) -> None:
    command = join_command(
        FFMPEG, PLAN, picture, sound, TARGET, hashes=HASHES, size_bytes=1_000_000, packets=(600, 940)
    )
    assert command == [
        *[*QUIET, "error", *PROGRESS, "-copyts", *opened, *maps],
        *[*NO_METADATA, "-write_tmcd", "0", "-c", "copy"],
        *["-movflags", "+faststart", "-f", "mp4", "-y", "file:/out/video.mp4.part"],
        *[*maps, "-c", "copy", "-f", "streamhash", "-hash", "murmur3", "-y", "file:/out/hashes"],
    ]


def test_a_large_file_has_room_for_its_index_left_in_front_and_is_not_written_twice() -> None:
    packets = (600, 940)
    command = join_command(
        FFMPEG, PLAN, CHUNKS, ENCODED_SOUND, TARGET, hashes=HASHES, size_bytes=2**24, packets=packets
    )
    assert command[command.index("-moov_size") + 1] == str(index_bytes(packets))
    assert "-movflags" not in command


@pytest.mark.parametrize(
    ("at_seconds", "chosen", "typical"),
    [(0.25, ["-ss", "0.250"], ""), (None, ["-skip_frame", "nokey"], "thumbnail=n=60,")],
)
def test_thumbnail(at_seconds: float | None, chosen: list[str], typical: str) -> None:
    colours = COLOURS.replace("1920:1080", "1280:720")
    assert thumbnail_command(FFMPEG, PLAN.thumbnail, SOURCE, TARGET, at_seconds) == [
        *[*QUIET, "error", "-nostdin", "-nostats", *chosen, *INPUT, "-filter_complex"],
        f"[0:1]{typical}split[shown][measured];[shown]{colours},scale=out_range=pc:out_color_matrix=bt601,"
        "format=yuvj420p,setsar=1,sidedata=mode=delete[jpeg];[measured]scale=64:64:out_range=tv,format=yuv420p,signalstats,"
        "metadata=mode=print:key=lavfi.signalstats.YAVG:file=pipe\\\\:1[grey]",
        *["-map", "[jpeg]", "-map_metadata", "-1", "-frames:v", "1"],
        *["-c:v", "mjpeg", "-q:v", "3", "-f", "mjpeg", "-y", "file:/out/video.mp4.part"],
        *["-map", "[grey]", "-frames:v", "1", "-f", "null", "-"],
    ]
