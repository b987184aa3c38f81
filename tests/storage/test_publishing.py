"""What is published is whole, whenever anybody looks."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Mapping

import pytest

from contracts.errors import WorkMissing
from contracts.storage_keys import WorkFile
from storage.keys import InvalidKey
from tests.storage.conftest import Disks
from tests.storage.published import write_work

NAMES = ("video.mp4", "thumbnail.jpg")


async def verified(disks: Disks, content: str, video_id: str = "v1") -> Mapping[str, WorkFile]:
    """The work files of a making: each holds its name and ``content``."""
    return {
        name: await write_work(disks.storage, video_id, f"{content}-{name}", f"{name} {content}".encode())
        for name in NAMES
    }


async def test_work_files_are_published_under_their_names_and_are_work_files_no_more(disks: Disks) -> None:
    files = await verified(disks, "one")
    await write_work(disks.storage, "v1", "chunk-001.mp4", b"chunk")
    await disks.storage.publish("v1", files)
    assert disks.published() == {"video.mp4": "video.mp4 one", "thumbnail.jpg": "thumbnail.jpg one"}
    assert disks.work_files() == {"chunk-001.mp4": "chunk"}
    assert disks.left_over() == []


async def test_publishing_again_succeeds_also_when_scratch_is_gone(disks: Disks) -> None:
    files = await verified(disks, "one")
    for _ in range(2):
        await disks.storage.publish("v1", files)
    await disks.storage.clean_scratch("v1")
    await disks.storage.publish("v1", files)
    assert disks.published().keys() == set(NAMES)


async def test_a_file_that_is_nowhere_is_told_and_nothing_is_published(disks: Disks) -> None:
    files = dict(await verified(disks, "one"))
    await disks.storage.discard(files["thumbnail.jpg"].key)
    with pytest.raises(WorkMissing, match=r"thumbnail\.jpg is neither in .*scratch"):
        await disks.storage.publish("v1", files)
    assert disks.published() == {}


async def test_a_file_that_is_not_the_one_that_was_verified_is_not_published(disks: Disks) -> None:
    files = dict(await verified(disks, "one"))
    files["video.mp4"] = WorkFile(files["video.mp4"].key, files["video.mp4"].size_bytes + 1)
    with pytest.raises(WorkMissing):
        await disks.storage.publish("v1", files)
    assert disks.published() == {}


async def test_what_another_making_published_is_not_taken_for_this_one_s(disks: Disks) -> None:
    await disks.storage.publish("v1", await verified(disks, "one"))
    files = await verified(disks, "another")
    await disks.storage.clean_scratch("v1")
    with pytest.raises(WorkMissing):
        await disks.storage.publish("v1", files)


async def test_a_run_that_was_killed_while_it_removed_work_files_can_be_run_again(disks: Disks) -> None:
    files = await verified(disks, "one")
    await disks.storage.publish("v1", files)
    thumbnail = files["thumbnail.jpg"]
    async with disks.storage.create(thumbnail.key) as path:
        path.write_text("thumbnail.jpg one")
    await disks.storage.publish("v1", files)
    assert disks.published() == {"video.mp4": "video.mp4 one", "thumbnail.jpg": "thumbnail.jpg one"}


async def test_staging_of_a_run_that_was_killed_is_cleaned_by_the_next(disks: Disks) -> None:
    moving = disks.uploads / "processed" / ".moving"
    for name in ("v1.0123456789abcdef", "v2.0123456789abcdef"):
        (moving / name).mkdir(parents=True)
        (moving / name / "video.mp4").write_text("half")
    await disks.storage.publish("v1", await verified(disks, "one"))
    assert [path.name for path in moving.iterdir()] == ["v2.0123456789abcdef"]
    await disks.storage.withdraw("v2")
    assert list(moving.iterdir()) == []


async def test_whoever_looks_meanwhile_never_sees_half_of_it_or_a_mixture(disks: Disks) -> None:
    folder, stop, seen = disks.uploads / "processed" / "v1", threading.Event(), list[set[str]]()

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
            await disks.storage.publish("v1", await verified(disks, str(attempt)))
            if attempt % 10 == 9:
                await disks.storage.withdraw("v1")
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


async def test_two_attempts_that_publish_at_once_leave_one_whole_folder(disks: Disks) -> None:
    files = await verified(disks, "same")
    await asyncio.gather(*(disks.storage.publish("v1", files) for _ in range(8)))
    assert disks.published().keys() == set(NAMES)
    assert disks.left_over() == []


async def test_withdrawing_removes_what_is_published_and_may_be_repeated(disks: Disks) -> None:
    await disks.storage.withdraw("v1")
    await disks.storage.publish("v1", await verified(disks, "one"))
    await disks.storage.publish("v10", await verified(disks, "ten", "v10"))
    for _ in range(2):
        await disks.storage.withdraw("v1")
    assert disks.published() == {}
    assert disks.published("v10").keys() == set(NAMES)
    assert disks.left_over() == []


@pytest.mark.parametrize("name", ["../video.mp4", ".hidden", ""])
async def test_no_published_name_leads_out_of_the_folder(disks: Disks, name: str) -> None:
    (file, *_) = (await verified(disks, "one")).values()
    with pytest.raises(InvalidKey):
        await disks.storage.publish("v1", {name: file})


async def test_writable_folders_pass_the_check_and_nothing_stays_in_them(disks: Disks) -> None:
    await disks.storage.check_writable()
    assert sorted(path.name for path in disks.uploads.iterdir()) == ["originals", "processed"]
    assert [path for path in disks.uploads.rglob("*") if path.is_file()] == []
