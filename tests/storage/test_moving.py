"""From folders into a bucket and back, while the service runs."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from contracts.errors import OriginalMissing, StorageFailed
from storage.bucket import BucketStorage
from storage.checking import try_storage
from storage.disk import DiskStorage
from storage.moving import Moved, Outcome, copy_all
from storage.protocol import LocalFile, RemoteFile, Storage
from tests.storage.conftest import Place
from tests.storage.published import content_of, publish_something, write_work

ORIGINAL = "originals/v1.mp4"


@pytest.fixture
def disk(tmp_path: Path) -> DiskStorage:
    """Where the files are today."""
    return DiskStorage(tmp_path / "uploads", tmp_path / "scratch of the disk")


async def upload(storage: Storage, key: str, content: bytes) -> None:
    """An original, as an upload leaves it."""
    writer = await storage.create_original(key)
    await writer.write(content)
    await writer.commit()


async def moved(source: Storage, target: Storage, *, compare_all: bool = False, replace: bool = False) -> list[Moved]:
    """All that was looked at."""
    return [file async for file in copy_all(source, target, compare_all=compare_all, replace=replace)]


async def test_originals_and_published_files_are_copied_and_work_files_are_not(
    disk: DiskStorage, bucket_storage: BucketStorage
) -> None:
    await upload(disk, ORIGINAL, b"original")
    await publish_something(disk, "v1", b"video")
    await write_work(disk, "v1", "chunk-001.mp4", b"chunk")
    assert {file.key for file in await moved(disk, bucket_storage) if file.outcome is Outcome.COPIED} == {
        ORIGINAL,
        "processed/v1/video.mp4",
        "processed/v1/thumbnail.jpg",
    }
    assert await content_of(bucket_storage, ORIGINAL) == b"original"
    assert await bucket_storage.size("work/v1/chunk-001.mp4") is None
    assert await content_of(disk, ORIGINAL) == b"original", "nothing is removed"


async def test_a_copy_that_did_not_arrive_as_it_was_sent_does_not_stand_and_is_made_again(
    disk: DiskStorage, tmp_path: Path
) -> None:
    class Damages(DiskStorage):
        """As a disk with a fault does, or a network: the same size, another byte."""

        async def take_over(self, key: str, file: LocalFile | RemoteFile) -> str | None:
            digest = await super().take_over(key, file)
            (tmp_path / "there" / key).unlink()  # it may be another name of the original
            (tmp_path / "there" / key).write_bytes(b"0riginal")
            return digest

    elsewhere = (tmp_path / "there", tmp_path / "scratch there")
    await upload(disk, ORIGINAL, b"original")
    with pytest.raises(StorageFailed, match=rf"{ORIGINAL} did not arrive as it was sent\. Run it again"):
        await moved(disk, Damages(*elsewhere))
    assert await DiskStorage(*elsewhere).size(ORIGINAL) is None
    assert [file.outcome for file in await moved(disk, DiskStorage(*elsewhere))] == [Outcome.COPIED]
    assert await content_of(DiskStorage(*elsewhere), ORIGINAL) == b"original"


async def test_running_it_again_copies_only_what_came_meanwhile(
    disk: DiskStorage, bucket_storage: BucketStorage
) -> None:
    await upload(disk, ORIGINAL, b"original")
    await moved(disk, bucket_storage)
    await upload(disk, "originals/v2.mp4", b"later")
    assert [file.key for file in await moved(disk, bucket_storage) if file.outcome is Outcome.COPIED] == [
        "originals/v2.mp4"
    ]


async def test_an_older_file_of_another_size_is_copied_anew_and_one_of_another_content_when_asked(
    disk: DiskStorage, bucket_storage: BucketStorage, tmp_path: Path
) -> None:
    await upload(disk, ORIGINAL, b"original")
    later = time.time() + 60
    os.utime(tmp_path / "uploads" / ORIGINAL, (later, later))
    await upload(bucket_storage, ORIGINAL, b"short")
    assert [file.outcome for file in await moved(disk, bucket_storage)] == [Outcome.COPIED]
    await upload(bucket_storage, ORIGINAL, b"ORIGINAL")
    assert [file.outcome for file in await moved(disk, bucket_storage)] == [Outcome.THERE]
    assert [file.outcome for file in await moved(disk, bucket_storage, compare_all=True)] == [Outcome.COPIED]
    assert await content_of(bucket_storage, ORIGINAL) == b"original"


async def test_an_original_that_an_import_brought_anew_after_the_switch_is_not_replaced_by_the_one_of_before(
    disk: DiskStorage, bucket_storage: BucketStorage, tmp_path: Path
) -> None:
    await upload(disk, ORIGINAL, b"original")
    os.utime(tmp_path / "uploads" / ORIGINAL, (0, 0))
    await upload(bucket_storage, ORIGINAL, b"fetched once more")
    assert [file.outcome for file in await moved(disk, bucket_storage)] == [Outcome.NEWER_THERE]
    assert await content_of(bucket_storage, ORIGINAL) == b"fetched once more"


async def test_what_was_published_anew_after_the_switch_is_not_replaced_by_what_was_there_before(
    disk: DiskStorage, bucket_storage: BucketStorage, tmp_path: Path
) -> None:
    await publish_something(disk, "v1", b"first")
    for file in (tmp_path / "uploads").rglob("*.*"):
        os.utime(file, (0, 0))  # the clocks of a disk and of a bucket may be a second apart
    await moved(disk, bucket_storage)
    await publish_something(bucket_storage, "v1", b"made by a retry after the switch")
    outcomes = {file.key: file.outcome for file in await moved(disk, bucket_storage, compare_all=True)}
    assert outcomes["processed/v1/video.mp4"] is Outcome.NEWER_THERE
    assert await content_of(bucket_storage, "processed/v1/video.mp4") == b"made by a retry after the switch"


async def test_a_copy_that_was_damaged_where_it_stands_is_told_of_and_replaced_when_that_is_asked(
    disk: DiskStorage, place: Place, tmp_path: Path
) -> None:
    await upload(disk, ORIGINAL, b"original")
    os.utime(tmp_path / "uploads" / ORIGINAL, (0, 0))
    await upload(place.storage, ORIGINAL, b"0riginal")
    assert [file.outcome for file in await moved(disk, place.storage, compare_all=True)] == [Outcome.NEWER_THERE]
    assert await content_of(place.storage, ORIGINAL) == b"0riginal"
    replaced = await moved(disk, place.storage, compare_all=True, replace=True)
    assert [file.outcome for file in replaced] == [Outcome.COPIED]
    assert await content_of(place.storage, ORIGINAL) == b"original"


async def test_what_a_killed_command_had_not_compared_is_compared_by_the_next_until_it_is_right(
    disk: DiskStorage, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(disk, ORIGINAL, b"original")
    os.utime(tmp_path / "uploads" / ORIGINAL, (0, 0))
    stands = asyncio.Event()

    async def take_over(key: str, _file: LocalFile | RemoteFile) -> str:
        await upload(place.storage, key, b"0riginal")  # it came with another byte
        stands.set()
        await asyncio.Event().wait()
        return ""

    with monkeypatch.context() as patched:
        patched.setattr(place.storage, "take_over", take_over)
        copying = asyncio.create_task(moved(disk, place.storage))
        await stands.wait()
        copying.cancel()
        await asyncio.wait({copying})
    assert list((await place.look("moving/")).values()) == [""]
    for _ in range(2):
        assert [file.outcome for file in await moved(disk, place.storage)] == [Outcome.NEWER_THERE]
    assert [file.outcome for file in await moved(disk, place.storage, replace=True)] == [Outcome.COPIED]
    assert await place.look("moving/") == {}
    assert [file.outcome for file in await moved(disk, place.storage)] == [Outcome.THERE]


async def test_there_is_a_way_back(disk: DiskStorage, bucket_storage: BucketStorage) -> None:
    await upload(bucket_storage, ORIGINAL, b"original")
    await publish_something(bucket_storage, "v1", b"video")
    assert len(await moved(bucket_storage, disk)) == 3
    assert await content_of(disk, "processed/v1/video.mp4") == b"video"


async def test_a_storage_that_works_passes_every_trial_and_keeps_nothing(place: Place) -> None:
    trials = [trial async for trial in try_storage(place.storage)]
    elsewhere = ["address", "direct"] if place.storage.direct() is not None else []
    assert [trial.what for trial in trials] == [
        *("write", "once", "read", "range", "clock", "upload", "publish", *elsewhere, "delete")
    ]
    assert all(trial.holds for trial in trials), trials
    assert await place.look("originals/") == await place.look("processed/") == {}


async def test_a_clock_that_is_off_is_found_and_what_to_do_is_said(tmp_path: Path) -> None:
    class FromYesterday(DiskStorage):
        async def served(self, key: str) -> LocalFile:
            file = await super().served(key)
            os.utime(file.path, (time.time() - 86_400, time.time() - 86_400))
            return file

    trials = [trial async for trial in try_storage(FromYesterday(tmp_path / "uploads", tmp_path / "scratch"))]
    (clock,) = [trial for trial in trials if trial.what == "clock"]
    assert not clock.holds
    assert clock.found == "86400.0 s behind ours: set both right (NTP)"


@pytest.mark.parametrize("fails", [True, False], ids=["it fails", "it says nothing"])
async def test_a_trial_that_ends_early_leaves_no_file(
    place: Place, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    async def served(_key: str) -> LocalFile:
        if fails:
            raise StorageFailed("It does not answer.")
        await asyncio.Event().wait()
        return LocalFile(Path())

    monkeypatch.setattr(place.storage, "served", served)
    trials = [trial async for trial in try_storage(place.storage, seconds=20 if fails else 2)]
    assert [(trial.what, trial.holds) for trial in trials] == [("write", True), ("once", False)]
    assert await place.look("originals/") == await place.look("processed/") == {}


async def test_a_storage_that_refuses_ends_the_trials_with_its_sentence(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("in the way")
    (trial,) = [trial async for trial in try_storage(DiskStorage(tmp_path / "uploads", tmp_path / "scratch"))]
    assert not trial.holds
    assert "a file is where a folder should be" in trial.found


async def test_an_original_that_was_never_finished_is_not_moved(
    disk: DiskStorage, bucket_storage: BucketStorage
) -> None:
    writer = await disk.create_original(ORIGINAL)
    await writer.write(b"half")
    assert await moved(disk, bucket_storage) == []
    with pytest.raises(OriginalMissing):
        await content_of(bucket_storage, ORIGINAL)
    await writer.discard()
