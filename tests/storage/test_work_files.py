"""What one step writes for another: durable before it is visible, finished when it is, and never replaced."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.errors import OriginalMissing, StorageFailed, WorkMissing
from contracts.storage_keys import work_folder
from storage.keys import InvalidKey
from tests.storage.conftest import Disks, Place
from tests.storage.published import write_work

KEY = "work/v1/chunk-001.mp4"
NAME = "chunk-001.mp4"


async def test_a_work_file_is_visible_only_when_it_is_finished(place: Place) -> None:
    async with place.storage.create(KEY) as path:
        path.write_text("frames")
        assert await place.storage.size(KEY) is None
        with pytest.raises(WorkMissing, match="not what all workers share"):
            await place.storage.fetch(KEY).__aenter__()
    assert await place.storage.size(KEY) == 6
    async with place.storage.fetch(KEY) as found:
        assert found.read_text() == "frames"
    assert await place.work_files() == {NAME: "frames"}


async def test_nothing_is_left_of_what_failed_or_was_cancelled(place: Place) -> None:
    async def write(failure: BaseException) -> None:
        async with place.storage.create(KEY) as path:
            path.write_text("half")
            raise failure

    with pytest.raises(RuntimeError):
        await write(RuntimeError("ffmpeg failed"))
    with pytest.raises(asyncio.CancelledError):
        await write(asyncio.CancelledError())
    assert await place.work_files() == {}


async def test_a_block_that_wrote_nothing_is_a_failure(place: Place) -> None:
    with pytest.raises(StorageFailed):
        async with place.storage.create(KEY):
            pass
    assert await place.work_files() == {}


async def test_a_finished_file_is_never_replaced(place: Place) -> None:
    await write_work(place.storage, "v1", NAME, b"verified")
    later = await write_work(place.storage, "v1", NAME, b"of an attempt that was given up")
    assert await place.work_files() == {NAME: "verified"}
    assert later.size_bytes == len("verified")


async def test_of_two_attempts_at_once_the_first_to_finish_has_made_the_file(place: Place) -> None:
    given_up, new = place.storage.create(KEY), place.storage.create(KEY)
    new_path = await new.__aenter__()
    given_up_path = await given_up.__aenter__()
    # Two began in the same moment, so neither took the other's part for a leftover.
    new_path.write_text("first")
    given_up_path.write_text("second")
    await new.__aexit__(None, None, None)
    await given_up.__aexit__(None, None, None)
    assert await place.work_files() == {NAME: "first"}


async def test_parts_of_killed_attempts_go_when_the_next_one_of_the_same_file_begins(disks: Disks) -> None:
    folder = disks.scratch / "v1"
    folder.mkdir(parents=True)
    (folder / f".{NAME}.0123456789abcdef.part").write_text("of a killed attempt")
    (folder / ".chunk-002.mp4.0123456789abcdef.part").write_text("of another chunk, perhaps at work")
    async with disks.storage.create(KEY) as path:
        path.write_text("frames")
    assert disks.work_files().keys() == {NAME, ".chunk-002.mp4.0123456789abcdef.part"}


async def test_an_attempt_whose_part_was_taken_for_a_leftover_fails_and_leaves_the_file_alone(disks: Disks) -> None:
    given_up = disks.storage.create(KEY)
    (await given_up.__aenter__()).write_text("half")
    await write_work(disks.storage, "v1", NAME, b"whole")
    with pytest.raises(StorageFailed):
        await given_up.__aexit__(None, None, None)
    assert disks.work_files() == {NAME: "whole"}


async def test_a_file_is_durable_before_it_is_visible(disks: Disks, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def recorded(name: str, real: Callable[..., None]) -> Callable[..., None]:
        def record(*arguments: object, **options: object) -> None:
            done.append(name)
            real(*arguments, **options)

        return record

    monkeypatch.setattr(os, "fsync", recorded("fsync", os.fsync))
    monkeypatch.setattr(os, "link", recorded("visible", os.link))
    await write_work(disks.storage, "v1", NAME, b"frames")
    assert done == ["fsync", "visible", "fsync"]


async def test_a_file_system_without_links_does_as_well(disks: Disks, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    await write_work(disks.storage, "v1", NAME, b"verified")
    await write_work(disks.storage, "v1", NAME, b"later")
    assert disks.work_files() == {NAME: "verified"}


async def test_a_damaged_file_can_be_discarded_and_made_anew(place: Place) -> None:
    await write_work(place.storage, "v1", NAME, b"damaged")
    for _ in range(2):
        await place.storage.delete(KEY)
    await write_work(place.storage, "v1", NAME, b"whole")
    assert await place.work_files() == {NAME: "whole"}


async def test_an_original_is_fetched_by_its_key_and_missed_by_name(place: Place) -> None:
    writer = await place.storage.create_original("originals/clip.mp4")
    await writer.write(b"upload")
    await writer.commit()
    async with place.storage.fetch("originals/clip.mp4") as path:
        assert path.read_bytes() == b"upload"
    with pytest.raises(OriginalMissing):
        await place.storage.fetch("originals/gone.mp4").__aenter__()


@pytest.mark.parametrize("key", ["work/../v1/a", "work/v1/../../a", "work//a", "work/v1/.a", "work/v1/a\x00", "work/"])
async def test_no_key_leads_out_of_scratch(place: Place, key: str) -> None:
    for use in (place.storage.create(key), place.storage.fetch(key)):
        with pytest.raises(InvalidKey):
            await use.__aenter__()
    for ask in (place.storage.size(key), place.storage.delete(key)):
        with pytest.raises(InvalidKey):
            await ask


async def test_a_link_or_folder_in_place_of_a_work_file_is_none(disks: Disks, tmp_path: Path) -> None:
    (disks.scratch / "v1").mkdir(parents=True)
    (disks.scratch / "v1" / "folder.mp4").mkdir()
    (tmp_path / "elsewhere").write_text("not ours")
    (disks.scratch / "v1" / "link.mp4").symlink_to(tmp_path / "elsewhere")
    for name in ("folder.mp4", "link.mp4"):
        assert await disks.storage.size(f"work/v1/{name}") is None


async def test_cleaning_removes_all_work_files_of_the_video_and_may_be_repeated(disks: Disks) -> None:
    await write_work(disks.storage, "v1", NAME, b"x")
    await write_work(disks.storage, "v10", NAME, b"x")
    (disks.scratch / "v1" / "deep").mkdir()
    (disks.scratch / "v1" / "deep" / ".part").write_text("x")
    for _ in range(2):
        await disks.storage.delete_folder(work_folder("v1"))
    assert not (disks.scratch / "v1").exists()
    assert disks.work_files("v10").keys() == {NAME}


async def test_scratch_can_be_cleaned_while_others_clean_it(disks: Disks) -> None:
    folder = disks.scratch / "v1"
    folder.mkdir(parents=True)
    for number in range(500):
        (folder / str(number)).touch()
    await asyncio.gather(*(disks.storage.delete_folder(work_folder("v1")) for _ in range(4)))
    assert not folder.exists()
