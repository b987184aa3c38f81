"""What is accepted and what is refused, by real ffprobe and ffmpeg, in seconds."""

import asyncio
import shutil
import stat
import time
from pathlib import Path

import pytest

from contracts.errors import (
    Encrypted,
    InvalidMedia,
    LimitExceeded,
    NoVideoStream,
    TranscodeFailed,
    UnsupportedCodec,
    VideoError,
)
from media.ffmpeg import Ffmpeg
from media.limits import MediaLimits
from media.validate import validate
from tests.fixtures.clips import Clip, Clips

GOOD = [
    Clip.SHORT_WITH_SOUND,
    Clip.SILENT,
    Clip.SUB_SECOND,
    Clip.SINGLE_FRAME,
    Clip.VARIABLE_FRAME_RATE,
    Clip.REORDERED,
    Clip.FRAGMENTED,
    Clip.LATE_PICTURE,
    Clip.LATE_START,
    Clip.LONG_SOUND,
    Clip.MP3_SOUND,
    Clip.AVI,
    Clip.TAGGED,
    Clip.AV1,
    Clip.DAMAGED_A_LITTLE,
]
BAD: list[tuple[Clip, type[VideoError]]] = [
    (Clip.EMPTY, InvalidMedia),
    (Clip.TEXT_NAMED_MP4, InvalidMedia),
    (Clip.TRUNCATED_NO_MOOV, InvalidMedia),
    (Clip.TRUNCATED_FASTSTART, InvalidMedia),
    (Clip.TRUNCATED_AVI, InvalidMedia),
    (Clip.TRUNCATED_MKV, InvalidMedia),
    (Clip.PROMISES_TOO_MUCH, InvalidMedia),
    (Clip.UNDECODABLE, InvalidMedia),
    (Clip.FFCONCAT_NAMED_MOV, InvalidMedia),
    (Clip.M3U8_NAMED_MOV, InvalidMedia),
    (Clip.AUDIO_ONLY, NoVideoStream),
    (Clip.COVER_ART_AUDIO, NoVideoStream),
    (Clip.UNKNOWN_FOURCC, UnsupportedCodec),
    (Clip.ENCRYPTED, Encrypted),
]


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_clip_is_accepted_and_its_packets_are_known(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, name: Clip
) -> None:
    probe = await validate(ffmpeg, clips.path(name), media_limits)
    assert probe.size_bytes == clips.path(name).stat().st_size
    assert probe.video.survey is not None
    assert all(track.survey is not None for track in probe.audio)


@pytest.mark.parametrize(("name", "error"), BAD)
async def test_a_bad_clip_is_refused_by_its_own_error_within_ten_seconds(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, name: Clip, error: type[VideoError]
) -> None:
    path = clips.path(name)
    begun = time.monotonic()
    with pytest.raises(VideoError) as refusal:
        await validate(ffmpeg, path, media_limits)
    assert time.monotonic() - begun < 10
    assert type(refusal.value) is error
    assert not refusal.value.retryable
    assert str(path) not in str(refusal.value), "the uploader knows nothing of our paths"
    assert "pload" in str(refusal.value), "the sentence says what to do"


async def test_a_playlist_reads_no_other_file_even_under_its_own_name(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    for name, honest in ((Clip.FFCONCAT_NAMED_MOV, "a.ffconcat"), (Clip.M3U8_NAMED_MOV, "a.m3u8")):
        shutil.copy(clips.path(name), tmp_path / honest)
        with pytest.raises(InvalidMedia):
            await validate(ffmpeg, tmp_path / honest, media_limits)


async def test_a_name_that_looks_like_an_address_or_an_option_is_a_file(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    for name in ("concat:a|b.mp4", "-i.mp4", "a %d 'quoted'\n.mp4"):
        shutil.copy(clips.path(Clip.SILENT), tmp_path / name)
        assert (await validate(ffmpeg, tmp_path / name, media_limits)).video.width == 320


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (
            MediaLimits(max_duration_seconds=119, max_pixels=10**9, max_encoded_pixels=10**15, max_frame_rate=1000),
            "long",
        ),
        (
            MediaLimits(max_duration_seconds=600, max_pixels=10**6, max_encoded_pixels=10**15, max_frame_rate=1000),
            "1920x1080",
        ),
    ],
)
async def test_what_is_over_the_limits_is_refused(ffmpeg: Ffmpeg, clips: Clips, limits: MediaLimits, why: str) -> None:
    with pytest.raises(LimitExceeded, match=why):
        await validate(ffmpeg, clips.path(Clip.LONG_1080P), limits)


async def test_a_header_that_claims_a_thousand_hours_exceeds_the_limit(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    content = bytearray(clips.path(Clip.SILENT).read_bytes())
    ticks_at = content.index(b"mvhd") + 20
    content[ticks_at : ticks_at + 4] = (3600 * 1000 * 1000).to_bytes(4, "big")
    (tmp_path / "long.mp4").write_bytes(content)
    with pytest.raises(LimitExceeded, match="1000:00:00"):
        await validate(ffmpeg, tmp_path / "long.mp4", media_limits)


async def test_a_track_that_can_not_be_decoded_is_left_out_while_there_is_another(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    content = clips.path(Clip.TEN_BIT_422).read_bytes()
    (tmp_path / "one.mp4").write_bytes(content.replace(b"mp4a", b"zzzz", 1).replace(b"esds", b"zzzz", 1))
    assert [track.index for track in (await validate(ffmpeg, tmp_path / "one.mp4", media_limits)).audio] == [2, 3]
    (tmp_path / "all.mp4").write_bytes(content.replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz"))
    with pytest.raises(UnsupportedCodec, match="sound"):
        await validate(ffmpeg, tmp_path / "all.mp4", media_limits)


async def test_validating_the_same_file_at_once_gives_the_same(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits
) -> None:
    path = clips.path(Clip.SHORT_WITH_SOUND)
    first, second = await asyncio.gather(validate(ffmpeg, path, media_limits), validate(ffmpeg, path, media_limits))
    assert first == second


async def test_parameter_sets_that_change_and_packets_that_are_broken_are_seen(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits
) -> None:
    whole, changes, broken = [
        (await validate(ffmpeg, clips.path(name), media_limits)).video
        for name in (Clip.CARD, Clip.H264_SIZE_CHANGES, Clip.DAMAGED_A_LITTLE)
    ]
    assert (whole.new_parameters, whole.broken_packets) == (False, False)
    assert changes.new_parameters
    assert broken.broken_packets


def short_sighted(folder: Path, ffprobe: Path, *, readings: int, packets: int = 10) -> Path:
    """An ffprobe that sees only the first packets of a file, so many times; each survey leaves a mark."""
    script = folder / "ffprobe"
    script.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *packet=*) ;; *) exec "{ffprobe}" "$@" ;; esac\n'
        f'echo read >>"{folder}/readings"\n'
        f'if [ "$(wc -l <"{folder}/readings")" -gt {readings} ]; then exec "{ffprobe}" "$@"; fi\n'
        f'"{ffprobe}" "$@" | head -n {packets}\n'
    )
    script.chmod(stat.S_IRWXU)
    return script


async def test_a_file_that_ends_early_is_read_twice_before_the_uploader_is_blamed(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    ffprobe = short_sighted(tmp_path, ffmpeg.ffprobe_path, readings=100)
    with pytest.raises(InvalidMedia, match=r"promises 2\.0 s and holds 0\.\d+ s"):
        await validate(
            await Ffmpeg.locate(ffmpeg.ffmpeg_path, ffprobe), clips.path(Clip.SHORT_WITH_SOUND), media_limits
        )
    assert (tmp_path / "readings").read_text() == "read\n" * 2


async def test_a_disk_that_hiccups_is_not_the_uploaders_fault(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    ffprobe = short_sighted(tmp_path, ffmpeg.ffprobe_path, readings=1)
    with pytest.raises(TranscodeFailed, match="disk or network"):
        await validate(
            await Ffmpeg.locate(ffmpeg.ffmpeg_path, ffprobe), clips.path(Clip.SHORT_WITH_SOUND), media_limits
        )
    assert (tmp_path / "readings").read_text() == "read\n" * 2


@pytest.mark.parametrize("readings", [1, 100])
async def test_tracks_without_packets_are_looked_for_twice_before_the_file_is_blamed(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path, readings: int
) -> None:
    ffprobe = short_sighted(tmp_path, ffmpeg.ffprobe_path, readings=readings, packets=0)
    taken, source = await Ffmpeg.locate(ffmpeg.ffmpeg_path, ffprobe), clips.path(Clip.SHORT_WITH_SOUND)
    if readings == 1:
        assert len((await validate(taken, source, media_limits)).audio) == 1
    else:
        with pytest.raises(InvalidMedia, match="without any picture"):
            await validate(taken, source, media_limits)
    assert (tmp_path / "readings").read_text() == "read\n" * 2


async def test_a_header_is_read_twice_before_the_file_is_blamed(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    fails_once = tmp_path / "ffprobe"
    fails_once.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *format=format_name*) if mkdir "{tmp_path}/failed" 2>/dev/null; then exit 1; fi ;; esac\n'
        f'exec "{ffmpeg.ffprobe_path}" "$@"\n'
    )
    fails_once.chmod(stat.S_IRWXU)
    taken = await Ffmpeg.locate(ffmpeg.ffmpeg_path, fails_once)
    assert (await validate(taken, clips.path(Clip.SILENT), media_limits)).video.codec == "h264"
    assert (tmp_path / "failed").is_dir()


async def test_a_program_that_is_killed_says_nothing_about_the_file(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    killed = tmp_path / "ffprobe"
    killed.write_text(f'#!/bin/sh\ncase "$*" in *-version*) exec "{ffmpeg.ffprobe_path}" "$@" ;; esac\nkill -9 $$\n')
    killed.chmod(stat.S_IRWXU)
    with pytest.raises(TranscodeFailed, match="killed"):
        await validate(await Ffmpeg.locate(ffmpeg.ffmpeg_path, killed), clips.path(Clip.SILENT), media_limits)


async def test_recordings_put_one_behind_the_other_are_refused_instead_of_losing_one(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    one, both = tmp_path / "one.ts", tmp_path / "both.ts"
    clips.draw(one, "-i", str(clips.path(Clip.SHORT_WITH_SOUND)), "-c", "copy")
    await asyncio.to_thread(lambda: both.write_bytes(one.read_bytes() * 2))
    assert (await validate(ffmpeg, one, media_limits)).video.codec == "h264"
    with pytest.raises(InvalidMedia, match="clock starts anew"):
        await validate(ffmpeg, both, media_limits)
