"""What is published is whole, whenever anybody looks."""

import asyncio
import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import StorageFailed
from storage.local import LocalStorage

NAMES = ("video.mp4", "thumbnail.jpg")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a second file system, where there is one


@pytest.fixture(params=["one file system", "two file systems"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalStorage]:
    """Storage whose scratch is on the file system of its uploads, or on another."""
    with contextlib.ExitStack() as stack:
        scratch = tmp_path
        if request.param == "two file systems":
            if not SHARED_MEMORY.is_dir() or SHARED_MEMORY.stat().st_dev == tmp_path.stat().st_dev:
                pytest.skip("there is only one file system here")
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=SHARED_MEMORY)))
        yield LocalStorage(tmp_path / "uploads", scratch / "scratch")


async def fill_scratch(storage: LocalStorage, video_id: str, content: str, names: tuple[str, ...] = NAMES) -> Path:
    """Write the files of an attempt: each holds its name and ``content``."""
    folder = await storage.scratch_folder(video_id)
    for name in names:
        (folder / name).write_text(f"{name} {content}")
    return folder


def published(uploads: Path, video_id: str) -> dict[str, str]:
    """Content of what is published, by name."""
    folder = uploads / "processed" / video_id
    return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else {}


def left_over(uploads: Path) -> list[Path]:
    """What is hidden in the folder of published videos."""
    return [path for path in (uploads / "processed").rglob("*") if ".moving" in path.parts and path.name != ".moving"]


async def test_the_named_files_are_published_with_their_sizes(storage: LocalStorage, tmp_path: Path) -> None:
    scratch = await fill_scratch(storage, "v1", "one")
    (scratch / "notes.txt").write_text("not named")
    assert await storage.publish("v1", NAMES) == {"video.mp4": 13, "thumbnail.jpg": 17}
    assert published(tmp_path / "uploads", "v1") == {"video.mp4": "video.mp4 one", "thumbnail.jpg": "thumbnail.jpg one"}
    assert [path.name for path in scratch.iterdir()] == ["notes.txt"]
    assert left_over(tmp_path / "uploads") == []


async def test_publishing_again_succeeds_also_when_scratch_is_gone(storage: LocalStorage, tmp_path: Path) -> None:
    await fill_scratch(storage, "v1", "one")
    first = await storage.publish("v1", NAMES)
    assert await storage.publish("v1", NAMES) == first
    await storage.clean_scratch("v1")
    assert await storage.publish("v1", NAMES) == first
    assert len(published(tmp_path / "uploads", "v1")) == 2


async def test_a_file_that_is_nowhere_is_told_and_nothing_is_published(storage: LocalStorage, tmp_path: Path) -> None:
    await fill_scratch(storage, "v1", "one", ("video.mp4",))
    with pytest.raises(StorageFailed, match=r"thumbnail\.jpg is neither in .*scratch"):
        await storage.publish("v1", NAMES)
    assert published(tmp_path / "uploads", "v1") == {}


async def test_a_run_that_was_killed_while_emptying_scratch_can_be_run_again(storage: LocalStorage) -> None:
    await fill_scratch(storage, "v1", "one")
    sizes = await storage.publish("v1", NAMES)
    await fill_scratch(storage, "v1", "one", ("thumbnail.jpg",))
    assert await storage.publish("v1", NAMES) == sizes


async def test_staging_of_a_run_that_was_killed_is_cleaned_by_the_next(storage: LocalStorage, tmp_path: Path) -> None:
    moving = tmp_path / "uploads" / "processed" / ".moving"
    for name in ("v1.0123456789abcdef", "v2.0123456789abcdef"):
        (moving / name).mkdir(parents=True)
        (moving / name / "video.mp4").write_text("half")
    await fill_scratch(storage, "v1", "one")
    await storage.publish("v1", NAMES)
    assert [path.name for path in moving.iterdir()] == ["v2.0123456789abcdef"]
    await storage.withdraw("v2")
    assert list(moving.iterdir()) == []


async def test_a_new_attempt_replaces_what_an_earlier_one_published(storage: LocalStorage, tmp_path: Path) -> None:
    await fill_scratch(storage, "v1", "one")
    await storage.publish("v1", NAMES)
    await fill_scratch(storage, "v1", "another", ("video.mp4",))
    assert await storage.publish("v1", ("video.mp4",)) == {"video.mp4": 17}
    assert published(tmp_path / "uploads", "v1") == {"video.mp4": "video.mp4 another"}
    assert left_over(tmp_path / "uploads") == []


async def test_whoever_looks_meanwhile_never_sees_half_of_it_or_a_mixture(
    storage: LocalStorage, tmp_path: Path
) -> None:
    folder, stop, seen = tmp_path / "uploads" / "processed" / "v1", threading.Event(), list[set[str]]()

    def look() -> None:
        while not stop.is_set():
            # An open folder stays the same one, whatever is renamed over its path meanwhile.
            with contextlib.suppress(FileNotFoundError):
                descriptor = os.open(folder, os.O_RDONLY)
                try:
                    seen.append(contents_of(descriptor))
                finally:
                    os.close(descriptor)

    looking = asyncio.create_task(asyncio.to_thread(look))
    try:
        for attempt in range(40):
            await fill_scratch(storage, "v1", str(attempt))
            await storage.publish("v1", NAMES)
            if attempt % 10 == 9:
                await storage.withdraw("v1")
    finally:
        stop.set()
        await looking
    assert seen
    assert all(len(contents) <= 1 for contents in seen)


def contents_of(folder: int) -> set[str]:
    """Which attempts the files of an open folder are from; fails when there is one of the two files only."""
    attempts = set()
    for name in NAMES:
        try:
            descriptor = os.open(name, os.O_RDONLY, dir_fd=folder)
        except FileNotFoundError:
            # It is out of sight by now and being removed: what was open is no longer what is published.
            return set()
        with os.fdopen(descriptor) as file:
            attempts.add(file.read().split()[1])
    return attempts


async def test_two_attempts_that_publish_at_once_leave_one_whole_folder(storage: LocalStorage, tmp_path: Path) -> None:
    await fill_scratch(storage, "v1", "same")
    results = await asyncio.gather(*(storage.publish("v1", NAMES) for _ in range(8)), return_exceptions=True)
    for result in results:
        assert result == {"video.mp4": 14, "thumbnail.jpg": 18}
    assert published(tmp_path / "uploads", "v1").keys() == set(NAMES)
    assert left_over(tmp_path / "uploads") == []


async def test_withdrawing_removes_what_is_published_and_may_be_repeated(storage: LocalStorage, tmp_path: Path) -> None:
    await storage.withdraw("v1")
    await fill_scratch(storage, "v1", "one")
    await fill_scratch(storage, "v10", "ten")
    await storage.publish("v1", NAMES)
    await storage.publish("v10", NAMES)
    await storage.withdraw("v1")
    await storage.withdraw("v1")
    assert published(tmp_path / "uploads", "v1") == {}
    assert len(published(tmp_path / "uploads", "v10")) == 2
    assert left_over(tmp_path / "uploads") == []


async def test_scratch_is_made_and_cleaned_however_often(storage: LocalStorage) -> None:
    folder = await storage.scratch_folder("v1")
    assert await storage.scratch_folder("v1") == folder
    (folder / "deep").mkdir()
    (folder / "deep" / "file").write_text("x")
    await storage.clean_scratch("v1")
    await storage.clean_scratch("v1")
    assert not folder.exists()


async def test_scratch_can_be_cleaned_while_something_still_writes_there(storage: LocalStorage) -> None:
    folder = await storage.scratch_folder("v1")
    for number in range(500):
        (folder / str(number)).touch()
    await asyncio.gather(*(storage.clean_scratch("v1") for _ in range(4)))
    assert not folder.exists()


async def test_writable_folders_pass_the_check_and_nothing_stays_in_them(storage: LocalStorage, tmp_path: Path) -> None:
    await storage.check_writable()
    assert sorted(path.name for path in (tmp_path / "uploads").iterdir()) == ["originals", "processed"]
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []
