"""What is accepted and what is refused, by real ffprobe and ffmpeg, in seconds."""

import asyncio
import shutil
import time
from pathlib import Path

import pytest

from contracts.errors import InvalidMedia, LimitExceeded, NoVideoStream, UnsupportedCodec, VideoError
from media.ffmpeg import Ffmpeg
from media.plan import MediaLimits
from tests.fixtures.clips import Clip, Clips

GOOD = [
    Clip.SHORT_WITH_SOUND,
    Clip.SILENT,
    Clip.SUB_SECOND,
    Clip.SINGLE_FRAME,
    Clip.ROTATED,
    Clip.ODD_SIZE,
    Clip.NON_SQUARE,
    Clip.FULL_RANGE,
    Clip.TEN_BIT_422,
    Clip.VARIABLE_FRAME_RATE,
    Clip.REORDERED,
    Clip.FRAGMENTED,
    Clip.LATE_PICTURE,
    Clip.LATE_START,
    Clip.LONG_SOUND,
    Clip.MP3_SOUND,
    Clip.AVI,
    Clip.TAGGED,
    Clip.PROMISES_TOO_MUCH,
]
BAD: list[tuple[Clip, type[VideoError]]] = [
    (Clip.EMPTY, InvalidMedia),
    (Clip.TEXT_NAMED_MP4, InvalidMedia),
    (Clip.TRUNCATED_NO_MOOV, InvalidMedia),
    (Clip.TRUNCATED_FASTSTART, InvalidMedia),
    (Clip.TRUNCATED_AVI, InvalidMedia),
    (Clip.TRUNCATED_MKV, InvalidMedia),
    (Clip.UNDECODABLE, InvalidMedia),
    (Clip.FFCONCAT_NAMED_MOV, InvalidMedia),
    (Clip.M3U8_NAMED_MOV, InvalidMedia),
    (Clip.AUDIO_ONLY, NoVideoStream),
    (Clip.COVER_ART_AUDIO, NoVideoStream),
    (Clip.AV1, UnsupportedCodec),
    (Clip.UNKNOWN_FOURCC, UnsupportedCodec),
]


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_clip_is_accepted(ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, name: Clip) -> None:
    probe = await ffmpeg.validate(clips.path(name), media_limits)
    assert probe.duration_seconds > 0
    assert probe.size_bytes == clips.path(name).stat().st_size


@pytest.mark.parametrize(("name", "error"), BAD)
async def test_a_bad_clip_is_refused_by_its_own_error_within_ten_seconds(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, name: Clip, error: type[VideoError]
) -> None:
    path = clips.path(name)
    begun = time.monotonic()
    with pytest.raises(VideoError) as refusal:
        await ffmpeg.validate(path, media_limits)
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
            await ffmpeg.validate(tmp_path / honest, media_limits)


async def test_a_name_that_looks_like_an_address_or_an_option_is_a_file(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    for name in ("concat:a|b.mp4", "-i.mp4", "a %d 'quoted'\n.mp4"):
        shutil.copy(clips.path(Clip.SILENT), tmp_path / name)
        assert (await ffmpeg.validate(tmp_path / name, media_limits)).video.width == 320


async def test_what_is_over_the_limits_is_refused_before_it_is_decoded(ffmpeg: Ffmpeg, clips: Clips) -> None:
    path = clips.path(Clip.LONG_1080P)
    with pytest.raises(LimitExceeded, match="long"):
        await ffmpeg.validate(path, MediaLimits(max_duration_seconds=60, max_pixels=10**9))
    with pytest.raises(LimitExceeded, match="1920x1080"):
        await ffmpeg.validate(path, MediaLimits(max_duration_seconds=600, max_pixels=10**6))


async def test_a_header_that_claims_a_thousand_hours_exceeds_the_limit(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    content = bytearray(clips.path(Clip.SILENT).read_bytes())
    ticks_at = content.index(b"mvhd") + 20
    content[ticks_at : ticks_at + 4] = (3600 * 1000 * 1000).to_bytes(4, "big")
    (tmp_path / "long.mp4").write_bytes(content)
    with pytest.raises(LimitExceeded, match="1000:00:00"):
        await ffmpeg.validate(tmp_path / "long.mp4", media_limits)


async def test_a_track_that_can_not_be_decoded_is_left_out_while_there_is_another(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    content = clips.path(Clip.TEN_BIT_422).read_bytes()
    (tmp_path / "one.mp4").write_bytes(content.replace(b"mp4a", b"zzzz", 1).replace(b"esds", b"zzzz", 1))
    assert [track.index for track in (await ffmpeg.validate(tmp_path / "one.mp4", media_limits)).audio] == [2, 3]
    (tmp_path / "all.mp4").write_bytes(content.replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz"))
    with pytest.raises(UnsupportedCodec, match="sound"):
        await ffmpeg.validate(tmp_path / "all.mp4", media_limits)


async def test_validating_the_same_file_at_once_gives_the_same(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits
) -> None:
    path = clips.path(Clip.SHORT_WITH_SOUND)
    first, second = await asyncio.gather(ffmpeg.validate(path, media_limits), ffmpeg.validate(path, media_limits))
    assert first == second
