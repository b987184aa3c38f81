"""What is published is whole, whenever anybody looks."""

import asyncio
import contextlib
import threading
from collections.abc import Mapping

import pytest

from contracts.errors import WorkMissing
from contracts.storage_keys import WorkFile, processed_folder, work_folder
from storage.keys import InvalidKey
from storage.protocol import Storage
from tests.storage.conftest import Disks, Place
from tests.storage.published import write_work

NAMES = ("video.mp4", "thumbnail.jpg")


async def verified(storage: Storage, content: str, video_id: str = "v1") -> Mapping[str, WorkFile]:
    """The work files of a making: each holds its name and ``content``."""
    return {
        name: await write_work(storage, video_id, f"{content}-{name}", f"{name} {content}".encode()) for name in NAMES
    }


async def test_work_files_are_published_under_their_names_and_are_work_files_no_more(place: Place) -> None:
    files = await verified(place.storage, "one")
    await write_work(place.storage, "v1", "chunk-001.mp4", b"chunk")
    await place.storage.publish("v1", files)
    assert await place.published() == {"video.mp4": "video.mp4 one", "thumbnail.jpg": "thumbnail.jpg one"}
    assert await place.work_files() == {"chunk-001.mp4": "chunk"}


async def test_publishing_again_succeeds_also_when_scratch_is_gone(place: Place) -> None:
    files = await verified(place.storage, "one")
    for _ in range(2):
        await place.storage.publish("v1", files)
    await place.storage.delete_folder(work_folder("v1"))
    await place.storage.publish("v1", files)
    assert (await place.published()).keys() == set(NAMES)


async def test_a_file_that_is_nowhere_is_told_and_nothing_is_published(place: Place) -> None:
    files = dict(await verified(place.storage, "one"))
    await place.storage.delete(files["thumbnail.jpg"].key)
    with pytest.raises(WorkMissing, match=r"thumbnail-?.*\.jpg is not in .*, nor published"):
        await place.storage.publish("v1", files)
    assert await place.published() == {}


async def test_a_file_that_is_not_the_one_that_was_verified_is_not_published(place: Place) -> None:
    files = dict(await verified(place.storage, "one"))
    files["video.mp4"] = WorkFile(files["video.mp4"].key, files["video.mp4"].size_bytes + 1)
    with pytest.raises(WorkMissing):
        await place.storage.publish("v1", files)
    assert await place.published() == {}


async def test_what_another_making_published_is_not_taken_for_this_one_s(place: Place) -> None:
    await place.storage.publish("v1", await verified(place.storage, "one"))
    files = await verified(place.storage, "another")
    await place.storage.delete_folder(work_folder("v1"))
    with pytest.raises(WorkMissing):
        await place.storage.publish("v1", files)


async def test_a_run_that_was_killed_while_it_removed_work_files_can_be_run_again(place: Place) -> None:
    files = await verified(place.storage, "one")
    await place.storage.publish("v1", files)
    thumbnail = files["thumbnail.jpg"]
    async with place.storage.create(thumbnail.key) as path:
        path.write_text("thumbnail.jpg one")
    await place.storage.publish("v1", files)
    assert await place.published() == {"video.mp4": "video.mp4 one", "thumbnail.jpg": "thumbnail.jpg one"}


async def test_what_a_killed_run_left_half_published_is_made_whole_by_the_next(disks: Disks) -> None:
    folder = disks.uploads / "processed" / "v1"
    folder.mkdir(parents=True)
    (folder / ".video.mp4.0123456789abcdef.part").write_text("half")
    (folder / "video.mp4").write_text("video.mp4 of another making")
    await disks.storage.publish("v1", await verified(disks.storage, "one"))
    assert disks.published() == {"video.mp4": "video.mp4 one", "thumbnail.jpg": "thumbnail.jpg one"}


async def test_whoever_looks_meanwhile_never_sees_half_of_a_file(disks: Disks) -> None:
    path, stop, seen = disks.uploads / "processed" / "v1" / "video.mp4", threading.Event(), set[str]()

    def look() -> None:
        while not stop.is_set():
            with contextlib.suppress(FileNotFoundError):
                seen.add(path.read_text())

    looking = asyncio.create_task(asyncio.to_thread(look))
    try:
        for attempt in range(40):
            await disks.storage.publish("v1", await verified(disks.storage, str(attempt)))
    finally:
        stop.set()
        await looking
    assert seen
    assert seen <= {f"video.mp4 {attempt}" for attempt in range(40)}


async def test_two_attempts_that_publish_at_once_leave_whole_files(place: Place) -> None:
    files = await verified(place.storage, "same")
    await asyncio.gather(*(place.storage.publish("v1", files) for _ in range(8)))
    assert (await place.published()).keys() == set(NAMES)


async def test_withdrawing_removes_what_is_published_and_may_be_repeated(place: Place) -> None:
    await place.storage.delete_folder(processed_folder("v1"))
    await place.storage.publish("v1", await verified(place.storage, "one"))
    await place.storage.publish("v10", await verified(place.storage, "ten", "v10"))
    for _ in range(2):
        await place.storage.delete_folder(processed_folder("v1"))
    assert await place.published() == {}
    assert (await place.published("v10")).keys() == set(NAMES)


@pytest.mark.parametrize("name", ["../video.mp4", ".hidden", ""])
async def test_no_published_name_leads_out_of_the_folder(disks: Disks, name: str) -> None:
    (file, *_) = (await verified(disks.storage, "one")).values()
    with pytest.raises(InvalidKey):
        await disks.storage.publish("v1", {name: file})


async def test_writable_folders_pass_the_check_and_nothing_stays_in_them(disks: Disks) -> None:
    await disks.storage.check()
    assert sorted(path.name for path in disks.uploads.iterdir()) == ["originals", "processed"]
    assert [path for path in disks.uploads.rglob("*") if path.is_file()] == []
