"""Heartbeats come whatever the work does, tell how far it is, and bring a cancel."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from activities import heartbeat
from activities.heartbeat import heartbeats
from contracts.errors import TranscodeFailed
from contracts.processing import StepProgress
from media.capacity import Capacity
from media.ffmpeg import Ffmpeg
from media.plan import TranscodePlan
from media.programs import Programs
from tests.activities.conftest import Folders
from tests.activities.studio import PROFILE, Studio
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.recipes.drawing import H264
from tests.media.processes import children_of
from tests.waiting import eventually

FAST_SECONDS = 0.02


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred beats where there would be one."""
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", FAST_SECONDS)


@pytest.fixture
async def studio(ffmpeg: Ffmpeg, clips: Clips, folders: Folders) -> Studio:
    """A long clip that is encoded in one piece, so that there is time to interrupt it."""
    video_id, key = await folders.upload(clips.path(Clip.LONG_1080P))
    profile = PROFILE.model_copy(update={"chunk_threshold_seconds": 1000.0, "preset": "medium"})
    return Studio(ffmpeg, folders, video_id, key, profile)


def stand_in(folder: Path, script: str, real: Ffmpeg) -> Ffmpeg:
    """An ffmpeg that does as the script says."""
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    programs = Programs(program, real.ffprobe_path, "9.0.2", real.decodable_codecs)
    return Ffmpeg(programs, stall_seconds=0.5)


def test_they_come_every_two_seconds() -> None:
    assert heartbeat.HEARTBEAT_SECONDS == 2.0


async def told_by(told: list[StepProgress], heartbeat_details: list[object], steps: list[tuple[float, float]]) -> None:
    """Run an activity that advances so, after an attempt that told ``heartbeat_details`` last."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_details=heartbeat_details)
    environment.on_heartbeat = told.append

    async def work() -> None:
        async with heartbeats() as beat:
            for done, whole in steps:
                beat.advance(done, whole)
                seen = len(told)
                await eventually(beats, lambda count, seen=seen: count > seen + 1)  # type: ignore[misc]

    async def beats() -> int:
        return len(told)

    await environment.run(activity.defn(work))


@pytest.mark.usefixtures("fast")
async def test_what_is_told_never_falls_also_not_below_what_the_attempt_before_told() -> None:
    told: list[StepProgress] = []
    await told_by(
        told, [{"fraction": 0.4, "speed": 1.5, "a field": "of other code"}], [(1, 10), (5, 10), (2, 10), (20, 10)]
    )
    fractions = [progress.fraction for progress in told]
    assert fractions[0] == 0.4
    assert fractions == sorted(fractions)
    assert {0.4, 0.5, 1.0} == set(fractions)


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("details", [[], [None], ["strange"]])
async def test_a_first_attempt_begins_at_nothing(details: list[object]) -> None:
    told: list[StepProgress] = []
    await told_by(told, details, [(0, 0)])
    assert {progress.fraction for progress in told} == {0.0}


@pytest.mark.usefixtures("fast")
async def test_an_encoder_that_says_nothing_does_not_stop_them_until_it_is_ended_as_hanging(
    studio: Studio, tmp_path: Path
) -> None:
    plan = (await studio.plan()).encoding_what_was_copied()
    studio.beats.clear()
    studio.ffmpeg = stand_in(tmp_path, "exec sleep 60", studio.ffmpeg)
    with pytest.raises(TranscodeFailed, match="hung"):
        await studio.encode_chunk(plan, plan.chunks[0])
    assert len(studio.beats) > 10
    assert {progress.fraction for progress in studio.beats} == {0.0}
    assert studio.work_files() == {}
    assert studio.parts() == []


def half_way(folder: Path, real: Ffmpeg, go_on: Path) -> Ffmpeg:
    """An ffprobe that stops half way through a file's packets until ``go_on`` is there."""
    program = folder / "ffprobe"
    program.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *packet=stream_index*) ;; *) exec "{real.ffprobe_path}" "$@" ;; esac\n'
        f'"{real.ffprobe_path}" "$@" >"{folder}/lines"\n'
        f'half=$(($(wc -l <"{folder}/lines") / 2)); head -n $half "{folder}/lines"\n'
        f'while [ ! -e "{go_on}" ]; do sleep 0.02; done; tail -n +$((half + 1)) "{folder}/lines"\n'
    )
    program.chmod(0o755)
    return Ffmpeg(Programs(real.ffmpeg_path, program, "9.0.2", real.decodable_codecs))


@pytest.mark.usefixtures("fast")
async def test_looking_at_a_file_and_verifying_one_tell_how_much_of_it_was_read(
    ffmpeg: Ffmpeg, clips: Clips, folders: Folders, tmp_path: Path
) -> None:
    source, go_on = tmp_path / "source.mp4", tmp_path / "go_on"
    moving = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=40,format=yuv420p")
    clips.draw(source, *moving, *H264)
    studio = Studio(ffmpeg, folders, *await folders.upload(source))
    plan = await studio.plan()
    joined = await studio.join(plan)

    async def told() -> float:
        return max((progress.fraction for progress in studio.beats), default=0.0)

    for step in (studio.plan, partial(studio.verify, plan, joined)):
        studio.beats.clear()
        studio.ffmpeg = half_way(tmp_path, ffmpeg, go_on)
        taking = asyncio.create_task(step())
        assert 0.3 < await eventually(told, lambda fraction: fraction > 0.3) < 0.7
        go_on.touch()
        await taking
        go_on.unlink()


@pytest.mark.usefixtures("fast", "no_process_is_left")
async def test_an_encode_waits_until_there_is_memory_for_it_and_beats_meanwhile(
    ffmpeg: Ffmpeg, clips: Clips, folders: Folders
) -> None:
    studio = Studio(ffmpeg, folders, *await folders.upload(clips.path(Clip.SHORT_WITH_SOUND)))
    plan = (await studio.plan()).encoding_what_was_copied()
    capacity = Capacity(plan.memory_bytes)
    programs = Programs(ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path, ffmpeg.version, ffmpeg.decodable_codecs)
    studio.ffmpeg, before = Ffmpeg(programs, capacity), children_of(os.getpid())

    async def beats() -> int:
        return len(studio.beats)

    async with capacity.hold(1):
        encoding = asyncio.create_task(studio.encode_chunk(plan, plan.chunks[0]))
        seen = len(studio.beats)
        await eventually(beats, lambda count: count > seen + 5)
        assert children_of(os.getpid()) == before
        assert not encoding.done()
    assert (await encoding).frames == plan.picture.encoding.frames


async def under_way(studio: Studio, plan: TranscodePlan, environment: ActivityEnvironment) -> "asyncio.Task[object]":
    """Begin to encode, and wait until frames have come out."""
    studio.beats.clear()
    running = asyncio.create_task(studio.encode_chunk(plan, plan.chunks[0], environment))

    async def fraction() -> float:
        assert not running.done()
        return max((progress.fraction for progress in studio.beats), default=0.0)

    await eventually(fraction, lambda told: told > 0)
    return running


@pytest.fixture
def no_process_is_left() -> Iterator[None]:
    """Whatever was started has ended."""
    before = children_of(os.getpid())
    yield
    assert children_of(os.getpid()) <= before


@pytest.mark.usefixtures("fast", "no_process_is_left")
async def test_a_cancel_ends_the_encoder_within_five_seconds_and_leaves_nothing(studio: Studio) -> None:
    plan = (await studio.plan()).encoding_what_was_copied()
    before = children_of(os.getpid())
    environment = studio.environment()
    running = await under_way(studio, plan, environment)
    assert children_of(os.getpid()) - before, "ffmpeg runs as a child of this process"
    environment.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert studio.work_files() == {}
    assert studio.parts() == []
    assert all(0 <= progress.fraction <= 1 for progress in studio.beats)


@pytest.mark.usefixtures("fast", "no_process_is_left")
async def test_an_encoder_that_does_not_heed_a_signal_is_killed_within_five_seconds(
    studio: Studio, tmp_path: Path
) -> None:
    plan = (await studio.plan()).encoding_what_was_copied()
    busy = "trap '' TERM; echo frame=1; echo out_time_us=40000; echo progress=continue; while :; do :; done"
    studio.ffmpeg = stand_in(tmp_path, busy, studio.ffmpeg)
    environment = studio.environment()
    running = await under_way(studio, plan, environment)
    environment.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert studio.parts() == []


async def test_a_step_that_is_done_at_once_costs_no_heartbeat() -> None:
    told: list[object] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *details: told.append(details)

    async def work() -> None:
        async with heartbeats():
            await asyncio.sleep(0)

    await environment.run(activity.defn(work))
    assert not told
