"""However an encode ends, it is told as it is, and leaves nothing behind unless it was well."""

import asyncio
import os
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.errors import InvalidMedia, OutputMismatch, StorageFailed, TranscodeFailed
from media.encode import EncodedChunk, encode_chunk, encode_sound
from media.ffmpeg import Ffmpeg
from media.plan import TranscodePlan
from media.planning import plan
from media.process import ProcessFailed, run_process
from media.profile import Profile
from media.progress import Advance, OnProgress
from media.validate import validate
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.recipes.drawing import H264, beeps, card
from tests.media.making import LIMITS, unheard
from tests.media.probing import WEB, a_probe, a_profile, a_track, a_video
from tests.media.processes import children_of

# ruff: noqa: ASYNC240  small files, and nothing else runs on the loop of a test

SHORT_CHUNKS = a_profile(gop_seconds=1.0, chunk_seconds=2.0, chunk_threshold_seconds=2.0)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "chunk.mp4.part"


async def planned(ffmpeg: Ffmpeg, source: Path, profile: Profile = WEB) -> TranscodePlan:
    return plan(await validate(ffmpeg, source, LIMITS), profile).encoding_what_was_copied()


async def encode(
    ffmpeg: Ffmpeg, decided: TranscodePlan, source: Path, target: Path, *, number: int = 1, heard: OnProgress = unheard
) -> EncodedChunk:
    chunk = decided.chunks[number - 1]
    origin = decided.origin_seconds
    return await encode_chunk(ffmpeg, decided.picture, chunk, source, target, origin_seconds=origin, on_progress=heard)


async def encode_track(ffmpeg: Ffmpeg, decided: TranscodePlan, source: Path, target: Path) -> None:
    assert decided.sound is not None
    origin = decided.origin_seconds
    await encode_sound(ffmpeg, decided.sound, source, target, origin_seconds=origin, on_progress=unheard)


async def test_keyframes_are_as_far_apart_as_planned_and_nowhere_else(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, target: Path
) -> None:
    source = tmp_path / "cuts.mp4"
    cut = "color=gray:size=320x240:rate=25:duration=7,negate=enable='between(mod(t,1.1),0,0.3)'"
    clips.draw(source, "-f", "lavfi", "-i", cut, *H264)
    result = await encode(ffmpeg, await planned(ffmpeg, source), source, target)
    show = [str(ffmpeg.ffprobe_path), "-v", "error", "-skip_frame", "nokey", "-show_entries", "frame=pts_time"]
    times = (await run_process([*show, "-of", "csv=p=0", str(target)])).stdout.replace(",", "").split()
    assert [float(at) for at in times] == [0.0, 2.0, 4.0, 6.0]
    assert (result.frames, result.lost_frames) == (175, 0)


async def test_progress_only_grows_and_reaches_the_end(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, target: Path
) -> None:
    source = tmp_path / "moving.mp4"
    clips.draw(source, "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=4,format=yuv420p", *H264)
    told: list[Advance] = []
    await encode(
        ffmpeg,
        await planned(ffmpeg, source, a_profile(chunk_threshold_seconds=60.0)),
        source,
        target,
        heard=told.append,
    )
    assert len(told) > 1
    assert all(before.frames <= after.frames for before, after in pairwise(told))
    assert all(before.out_time_seconds <= after.out_time_seconds for before, after in pairwise(told))
    assert told[-1].frames == 100
    assert told[-1].speed, "the speed is known at the end"


async def test_a_target_that_is_there_is_replaced(ffmpeg: Ffmpeg, clips: Clips, target: Path) -> None:
    target.write_bytes(b"of an earlier attempt" * 100_000)
    source = clips.path(Clip.CARD)
    await encode(ffmpeg, await planned(ffmpeg, source), source, target)
    assert 0 < target.stat().st_size < 100_000


async def test_cancelling_ends_ffmpeg_within_five_seconds_and_leaves_nothing(
    ffmpeg: Ffmpeg, clips: Clips, target: Path
) -> None:
    source = clips.path(Clip.LONG_1080P)
    decided = await planned(ffmpeg, source, a_profile(chunk_threshold_seconds=600.0))
    before = children_of(os.getpid())
    advanced = asyncio.Event()
    task = asyncio.create_task(encode(ffmpeg, decided, source, target, heard=lambda _: advanced.set()))
    await asyncio.wait_for(advanced.wait(), 60)
    assert len(children_of(os.getpid()) - before) == 1
    begun = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - begun < 5
    assert children_of(os.getpid()) == before
    assert not target.exists()


async def test_a_failed_run_has_ffmpegs_words_as_its_cause(ffmpeg: Ffmpeg, clips: Clips, target: Path) -> None:
    decided = await planned(ffmpeg, clips.path(Clip.CARD))
    for encoding in (encode, encode_track):
        with pytest.raises(TranscodeFailed) as failure:
            await encoding(ffmpeg, decided, clips.path(Clip.TEXT_NAMED_MP4), target)
        assert "moov atom not found" in str(failure.value.__cause__)
        assert not target.exists()


async def test_a_full_disk_is_the_storages_failure(ffmpeg: Ffmpeg, clips: Clips, target: Path) -> None:
    source = clips.path(Clip.CARD)
    decided = await planned(ffmpeg, source)
    for encoding in (encode, encode_track):
        target.symlink_to("/dev/full")
        with pytest.raises(StorageFailed, match="disk is full") as failure:
            await encoding(ffmpeg, decided, source, target)
        assert isinstance(failure.value.__cause__, ProcessFailed)
        assert not target.is_symlink()


@pytest.mark.parametrize(("number", "frames"), [(1, "30 frames instead of 50"), (3, "0 frames instead of 50")])
async def test_a_source_that_is_cut_while_it_is_encoded_makes_no_short_chunk(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, target: Path, number: int, frames: str
) -> None:
    source, rest = tmp_path / "whole.mp4", tmp_path / "rest.mp4"
    clips.draw(source, *card(6), *H264, "-bf", "0", "-movflags", "+faststart")
    decided = replace(await planned(ffmpeg, source, SHORT_CHUNKS), chunk_starts=(0, 50, 100))
    clips.draw(rest, "-i", str(source), "-c", "copy", "-t", "1.2")
    with pytest.raises(OutputMismatch, match=frames):
        await encode(ffmpeg, decided, rest, target, number=number)
    assert not target.exists()


async def test_a_last_chunk_may_be_two_frames_off_and_no_more(ffmpeg: Ffmpeg, clips: Clips, target: Path) -> None:
    source = clips.path(Clip.CARD)
    decided = await planned(ffmpeg, source)
    for frames in (48, 52):
        encoding = replace(decided.picture.encoding, frames=frames)
        expecting = replace(decided, picture=replace(decided.picture, encoding=encoding))
        assert (await encode(ffmpeg, expecting, source, target)).frames == 50
    for frames in (47, 53):
        encoding = replace(decided.picture.encoding, frames=frames)
        expecting = replace(decided, picture=replace(decided.picture, encoding=encoding))
        with pytest.raises(OutputMismatch, match=f"50 frames instead of {frames}"):
            await encode(ffmpeg, expecting, source, target)


async def test_lost_frames_are_counted_and_too_many_are_the_uploaders(
    ffmpeg: Ffmpeg, clips: Clips, target: Path
) -> None:
    source = clips.path(Clip.DAMAGED_A_LITTLE)
    decided = await planned(ffmpeg, source)
    assert (await encode(ffmpeg, decided, source, target)).lost_frames == 1
    target.unlink()
    source = clips.path(Clip.DAMAGED_A_LOT)
    with pytest.raises(InvalidMedia, match="damaged"):
        await encode(ffmpeg, await planned(ffmpeg, source), source, target)
    assert not target.exists()


async def test_sound_that_ends_early_is_a_mismatch(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, target: Path) -> None:
    decided = await planned(ffmpeg, clips.path(Clip.CARD))
    rest = tmp_path / "rest.mp4"
    clips.draw(rest, "-i", str(clips.path(Clip.CARD)), "-c", "copy", "-t", "1.2")
    with pytest.raises(OutputMismatch, match=r"sound is 1\.2 s long instead of 2\.0 s"):
        await encode_track(ffmpeg, decided, rest, target)
    assert not target.exists()


async def test_sound_of_which_nothing_can_be_decoded_is_the_uploaders(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, target: Path
) -> None:
    source = tmp_path / "noise.mkv"
    clips.draw(source, *beeps(), "-c:a", "libmp3lame", "-bsf:a", "noise=amount=1")
    sound = plan(a_probe(a_video(seconds=2), a_track(index=0, codec="mp3", seconds=2)), WEB)
    with pytest.raises(InvalidMedia, match="No sound"):
        await encode_track(ffmpeg, sound, source, target)
    assert not target.exists()
