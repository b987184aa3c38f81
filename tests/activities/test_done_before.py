"""A finished chunk is not made again, and what is said of it is true of the file that stands there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from activities.encode_chunk import EncodeChunkActivities
from contracts.errors import StorageFailed
from media.ffmpeg import Ffmpeg
from media.plan import Chunk, TranscodePlan
from media.programs import Programs
from storage.disk import DiskStorage
from tests.activities.conftest import Folders
from tests.activities.studio import Studio
from tests.fixtures.clips import Clip, Clips


class CountedFfmpeg(Ffmpeg):
    """The real one; ``encodes`` says how often it was asked for room to encode."""

    encodes = 0

    @asynccontextmanager
    async def room_for(self, memory_bytes: int) -> AsyncIterator[None]:
        self.encodes += 1
        async with super().room_for(memory_bytes):
            yield


@pytest.fixture
async def counted() -> CountedFfmpeg:
    return await CountedFfmpeg.locate()


@pytest.fixture
async def studio(counted: CountedFfmpeg, clips: Clips, folders: Folders) -> Studio:
    video_id, key = await folders.upload(clips.path(Clip.SHORT_WITH_SOUND))
    return Studio(counted, folders, video_id, key)


@pytest.fixture
async def plan(studio: Studio, counted: CountedFfmpeg) -> TranscodePlan:
    plan = (await studio.plan()).encoding_what_was_copied()
    counted.encodes = 0  # a look wants room as well
    return plan


@pytest.fixture
def chunk(plan: TranscodePlan) -> Chunk:
    return plan.chunks[0]


async def test_a_chunk_that_is_there_is_not_encoded_again(
    counted: CountedFfmpeg, studio: Studio, plan: TranscodePlan, chunk: Chunk
) -> None:
    first = await studio.encode_chunk(plan, chunk)
    inode = studio.work_path(first.file).stat().st_ino
    assert await studio.encode_chunk(plan, chunk) == first
    assert counted.encodes == 1
    assert studio.work_path(first.file).stat().st_ino == inode
    sound = await studio.encode_sound(plan)
    assert await studio.encode_sound(plan) == sound


async def test_another_making_makes_another_file(studio: Studio, plan: TranscodePlan, chunk: Chunk) -> None:
    first = await studio.encode_chunk(plan, chunk)
    encode = EncodeChunkActivities(studio.ffmpeg, studio.folders.storage).encode_chunk
    request = replace(studio.chunk_request(plan, chunk), making=2)
    anew = await studio.environment().run(encode, request)
    assert anew.file.key != first.file.key
    assert len(studio.work_files()) == 2


@pytest.mark.parametrize("damage", ["another content", "cut off", "no record", "a record of other code", "no file"])
async def test_what_is_not_whole_is_made_anew(
    counted: CountedFfmpeg, studio: Studio, plan: TranscodePlan, chunk: Chunk, damage: str
) -> None:
    first = await studio.encode_chunk(plan, chunk)
    path = studio.work_path(first.file)
    whole = path.read_bytes()
    (record,) = path.parent.glob("*.json")
    match damage:
        case "another content":
            path.write_bytes(whole[:-1] + b"?")
        case "cut off":
            path.write_bytes(whole[:-100])
        case "no record":
            record.unlink()
        case "a record of other code":
            record.write_text('{"a field": "of other code"}')
        case "no file":
            path.unlink()
    again = await studio.encode_chunk(plan, chunk)
    assert counted.encodes == 2
    assert (path.read_bytes(), again) == (whole, first)
    assert await studio.encode_chunk(plan, chunk) == first
    assert counted.encodes == 2


async def test_parts_of_a_killed_attempt_go_when_the_next_begins(
    studio: Studio, plan: TranscodePlan, chunk: Chunk
) -> None:
    first = await studio.encode_chunk(plan, chunk)
    path = studio.work_path(first.file)
    path.unlink()
    path.with_name(f".{path.name}.0123456789abcdef.part").write_bytes(b"half")
    await studio.encode_chunk(plan, chunk)
    assert studio.parts() == []


class Slower(DiskStorage):
    """The real storage of an attempt that was given up: its file is finished only when it may be."""

    def __init__(self, uploads: Path, scratch: Path) -> None:
        super().__init__(uploads, scratch)
        self.written = asyncio.Event()
        self.may_finish = asyncio.Event()

    @asynccontextmanager
    async def create(self, key: str) -> AsyncIterator[Path]:
        async with super().create(key) as path:
            yield path
            if key.endswith(".mp4"):
                self.written.set()
                await self.may_finish.wait()


def of_another_quality(folder: Path, real: Ffmpeg) -> Ffmpeg:
    """The same program in all that names a file, whose encodes have as many frames and other bytes."""
    program = folder / "ffmpeg"
    replaced = 'for one in "$@"; do [ "$one" = 30 ] && one=20; all+=("$one"); done'
    program.write_text(f'#!/bin/bash\nall=()\n{replaced}\nexec {real.ffmpeg_path} "${{all[@]}}"\n')
    program.chmod(0o755)
    return Ffmpeg(Programs(program, real.ffprobe_path, real.version, real.decodable_codecs))


async def test_of_two_attempts_at_once_both_tell_of_the_file_that_stands(
    studio: Studio, plan: TranscodePlan, chunk: Chunk, folders: Folders, tmp_path: Path
) -> None:
    slower = Slower(folders.uploads, folders.scratch)
    given_up_activity = EncodeChunkActivities(of_another_quality(tmp_path, studio.ffmpeg), slower)
    given_up = asyncio.create_task(
        studio.environment().run(given_up_activity.encode_chunk, studio.chunk_request(plan, chunk))
    )
    await slower.written.wait()
    (part,) = [name for name in studio.parts() if name.endswith(".part")]
    # Its part is out of sight of the next attempt, as on a machine that was cut off and comes back.
    hidden = folders.scratch / "cut off"
    (folders.scratch / studio.video_id / part).rename(hidden)
    new = await studio.encode_chunk(plan, chunk)
    standing = studio.work_path(new.file)
    inode = standing.stat().st_ino
    assert hidden.stat().st_size != new.file.size_bytes
    hidden.rename(folders.scratch / studio.video_id / part)
    slower.may_finish.set()
    assert await given_up == new
    assert standing.stat().st_ino == inode
    assert standing.stat().st_size == new.file.size_bytes


async def test_an_attempt_that_was_given_up_cannot_say_what_the_next_one_s_file_is(
    studio: Studio, plan: TranscodePlan, chunk: Chunk, folders: Folders
) -> None:
    """It is told that its file is not there, though by then another one is."""
    slower = Slower(folders.uploads, folders.scratch)
    given_up_activity = EncodeChunkActivities(studio.ffmpeg, slower)
    given_up = asyncio.create_task(
        studio.environment().run(given_up_activity.encode_chunk, studio.chunk_request(plan, chunk))
    )
    await slower.written.wait()
    new = await studio.encode_chunk(plan, chunk)  # takes the other's part away
    slower.may_finish.set()
    with pytest.raises(StorageFailed):
        await given_up
    assert await studio.encode_chunk(plan, chunk) == new


class WithoutRoomForRecords(DiskStorage):
    """The real storage on a disk that is full when a record is written."""

    @asynccontextmanager
    async def create(self, key: str) -> AsyncIterator[Path]:
        async with super().create(key) as path:
            if key.endswith(".json"):
                path.symlink_to("/dev/full")
            yield path


async def test_a_record_for_which_there_is_no_room_is_the_storages_failure_and_waits_for_room(
    studio: Studio, plan: TranscodePlan, chunk: Chunk, folders: Folders
) -> None:
    without_room = WithoutRoomForRecords(folders.uploads, folders.scratch)
    encode = EncodeChunkActivities(studio.ffmpeg, without_room).encode_chunk
    with pytest.raises(StorageFailed, match="full"):
        await studio.environment().run(encode, studio.chunk_request(plan, chunk))
    assert studio.parts() == []
