"""A program that hangs is told from one that is slow."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import DiskHangs, StorageFailed, TranscodeFailed
from media import process, watchdog
from media.commands import quiet_with_progress
from media.ffmpeg import Ffmpeg, nothing_left_without_success
from media.programs import Programs, find_programs
from media.sandbox import Access
from media.watchdog import Stalled, TooMuchMemory, watch, watch_memory
from storage.disk import DiskStorage
from tests.media.processes import children_of, gone
from threads.disks import Disks
from threads.files import off_loop, removed_afterwards

ASLEEP = "import time; print(flush=True); time.sleep(600)"
BUSY = "print(flush=True)\nwhile True: pass"
LOOKS = 4
"""So often a program that gets somewhere is looked at."""


@asynccontextmanager
async def running(program: str) -> AsyncIterator[int]:
    """The id of a Python program that has begun."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        await process.communicate()


async def is_left_alone(
    pid: int, media: Callable[[int], object], output: Path | None = None, *, stall_seconds: float = 0.05
) -> bool:
    """Whether the watchdog has looked several times and found nothing; ``media`` is told how often it was asked."""
    asked = 0
    enough = asyncio.Event()

    def ask() -> object:
        nonlocal asked
        asked += 1
        if asked > LOOKS:
            enough.set()
        return media(asked)

    watching = asyncio.create_task(watch(pid, ask, output, stall_seconds))
    looked = asyncio.create_task(enough.wait())
    done, _ = await asyncio.wait({watching, looked}, return_when=asyncio.FIRST_COMPLETED)
    for task in (watching, looked):
        task.cancel()
    await asyncio.gather(watching, looked, return_exceptions=True)
    return watching not in done


async def test_a_program_that_sleeps_is_found() -> None:
    async with running(ASLEEP) as pid:
        with pytest.raises(Stalled, match=r"no processor time in 0\.05 s"):
            await watch(pid, lambda: None, None, stall_seconds=0.05)


async def test_a_program_that_burns_processor_time_is_not() -> None:
    async with running(BUSY) as pid:
        assert await is_left_alone(pid, lambda _asked: None, stall_seconds=0.5)


async def test_a_program_whose_output_grows_is_not(tmp_path: Path) -> None:
    output = tmp_path / "output"

    def grow(asked: int) -> None:
        output.write_bytes(bytes(asked))

    async with running(ASLEEP) as pid:
        assert await is_left_alone(pid, grow, output)


async def test_a_program_whose_media_time_advances_is_not() -> None:
    async with running(ASLEEP) as pid:
        assert await is_left_alone(pid, lambda asked: asked)


async def test_a_program_that_advanced_once_and_then_stands_still_is_found() -> None:
    async with running(ASLEEP) as pid:
        assert not await is_left_alone(pid, lambda asked: asked >= 2)


async def test_an_output_that_is_gone_and_a_program_that_is_gone_are_no_advance(tmp_path: Path) -> None:
    async with running(ASLEEP) as pid:
        pass
    with pytest.raises(Stalled):
        await watch(pid, lambda: None, tmp_path / "nothing", stall_seconds=0.01)


@asynccontextmanager
async def every_thread_for_files_hanging() -> AsyncIterator[None]:
    """More work than there are threads waits for a disk, wherever work on files has ever been done."""
    mended = threading.Event()
    works = [asyncio.create_task(off_loop(mended.wait)) for _ in range(40)]
    works += [asyncio.create_task(asyncio.to_thread(mended.wait)) for _ in range(40)]
    try:
        yield
    finally:
        mended.set()
        await asyncio.gather(*works)


async def over(work: Coroutine[Any, Any, None]) -> None:
    """As the work ends, which is not to wait for the disk."""
    task = asyncio.create_task(work)
    done, _ = await asyncio.wait({task}, timeout=20)
    task.cancel()
    assert done, "it waits for the disk"
    task.result()


async def test_a_program_is_watched_while_every_work_on_files_hangs(tmp_path: Path) -> None:
    async with running(ASLEEP) as pid, every_thread_for_files_hanging():
        with pytest.raises(Stalled):
            await over(watch(pid, lambda: None, tmp_path / "output", stall_seconds=0.05))
        with pytest.raises(TooMuchMemory):
            await over(watch_memory(pid, 1))


@pytest.fixture(params=[("_written_beside",), ("_size", "_written_beside")], ids=["what is written", "all"])
def disk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of a disk that takes no write, and may say all the same how large a file is, as the kernel knows it."""
    monkeypatch.setattr("media.watchdog._PATIENCE_SECONDS", 0.5)
    mended, folder = threading.Event(), tmp_path / "hangs"
    folder.mkdir()

    def hanging(look: Callable[[Path], int]) -> Callable[[Path], int]:
        def hang(path: Path) -> int:
            if folder in path.parents:
                mended.wait()
            return look(path)

        return hang

    for name in request.param:
        monkeypatch.setattr(watchdog, name, hanging(getattr(watchdog, name)))
    yield folder
    mended.set()


@pytest.fixture
def disks(disk: Path, tmp_path: Path) -> Disks:
    """That folder's disk, and the one that all else is on."""
    mounts = tmp_path / "mounts"
    mounts.write_text("".join(f"1 2 0:1 / {place} rw - ext4 disk rw\n" for place in ("/", disk)))
    return Disks(mounts)


def below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_program_that_stands_still_as_a_disk_of_its_files_hangs_is_no_fault_of_the_video(
    disk: Path, disks: Disks, tmp_path: Path
) -> None:
    inputs = [tmp_path / "chunk", disk / "upload"]
    async with running(ASLEEP) as pid:
        with pytest.raises(DiskHangs, match=f"{disk} does not answer"):
            await over(watch(pid, lambda: None, disk / "output", 0.05, disks=disks))
        with pytest.raises(DiskHangs, match=f"{disk} does not answer"):
            await over(watch(pid, lambda: None, None, 0.05, inputs=inputs, disks=disks))
        with pytest.raises(Stalled):
            await over(watch(pid, lambda: None, tmp_path / "output", 0.05, inputs=inputs[:1], disks=disks))


async def test_a_disk_that_hangs_is_not_taken_for_another(disk: Path, disks: Disks, tmp_path: Path) -> None:
    async with running(ASLEEP) as pid:
        for _ in range(5):
            with pytest.raises(DiskHangs):
                await over(watch(pid, lambda: None, disk / "output", 0.05, disks=disks))
        with pytest.raises(Stalled):
            await over(watch(pid, lambda: None, tmp_path / "output", 0.05, disks=disks))


async def test_a_disk_is_asked_by_a_write_that_leaves_nothing_and_one_that_refuses_has_answered(tmp_path: Path) -> None:
    assert watchdog._written_beside(tmp_path / "output") == 1
    assert not below(tmp_path)
    async with running(ASLEEP) as pid:
        with pytest.raises(Stalled):
            await over(watch(pid, lambda: None, tmp_path / "gone" / "output", 0.05))


async def test_a_step_whose_disk_hangs_has_failed_though_its_program_can_not_be_ended_and_nothing_is_removed_there(
    ffmpeg: Ffmpeg, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    monkeypatch.setattr(process, "KILL_AFTER_SECONDS", 0.05)
    monkeypatch.setattr(process, "LEFT_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(process, "_signal_group", lambda process, _number: held.append(process.pid))
    programs = await find_programs(ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path)
    watched, storage = Ffmpeg(programs, stall_seconds=0.1), DiskStorage(disk, disk)

    async def step() -> None:
        async with storage.create("work/v1/chunk.mp4") as target, nothing_left_without_success(target):
            await watched.read([sys.executable, "-c", ASLEEP], Access(writes=(target,)))

    try:
        with pytest.raises(DiskHangs):
            await over(step())
        assert held, "it was to be ended"
        assert len(below(disk)) == 1
    finally:
        for pid in held[:1]:
            os.killpg(pid, signal.SIGKILL)
            await gone(pid, within_seconds=20)


@pytest.mark.parametrize(("failure", "left"), [(DiskHangs, 1), (StorageFailed, 0)])
async def test_what_was_begun_on_a_disk_is_removed_unless_it_hangs(
    tmp_path: Path, failure: type[StorageFailed], left: int
) -> None:
    path = tmp_path / "begun"
    path.touch()
    with pytest.raises(failure):
        async with removed_afterwards(path):
            raise failure("it was said so")
    assert len(below(tmp_path)) == left


async def test_an_ffmpeg_that_is_stopped_ends_as_a_failure_that_may_pass(
    ffmpeg: Ffmpeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.process.KILL_AFTER_SECONDS", 0.1)
    programs = Programs(ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path, ffmpeg.version, ffmpeg.decodable_codecs)
    before = children_of(os.getpid())

    def stop(_advance: object) -> None:
        for child in children_of(os.getpid()) - before:
            os.kill(child, signal.SIGSTOP)

    endless = [*quiet_with_progress(ffmpeg.ffmpeg_path), "-re", "-f", "lavfi", "-i", "testsrc2", "-f", "null", "-"]
    with pytest.raises(TranscodeFailed, match="hung and was ended") as failure:
        await Ffmpeg(programs, stall_seconds=1.0).run(endless, Access(), on_progress=stop)
    assert failure.value.counted
    assert isinstance(failure.value.__cause__, Stalled)
    assert children_of(os.getpid()) == before
