"""An upload is all there under its key, or not at all."""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from contracts.errors import OriginalMissing, StorageFailed
from storage.bucket import BucketStorage
from storage.bucket_objects import Bucket
from storage.bucket_original import PART_BYTES
from storage.bucket_records import Part, PutParts
from storage.disk import DiskStorage
from storage.protocol import OriginalWriter
from tests.fixtures.noise import noise
from tests.storage.conftest import Place
from tests.storage.published import content_of

KEY = "originals/clip.mp4"
MEBIBYTE = 1024 * 1024


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    """Storage in folders that don't exist yet, with a space in their path."""
    return DiskStorage(tmp_path / "the uploads", tmp_path / "the scratch")


def files_in(folder: Path) -> list[str]:
    """Every file below the folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_an_upload_is_visible_under_its_key_only_after_commit(place: Place) -> None:
    writer = await place.storage.create_original(KEY)
    await writer.write(b"first ")
    await writer.write(b"second")
    with pytest.raises(OriginalMissing):
        await content_of(place.storage, KEY)
    await writer.commit()
    assert await content_of(place.storage, KEY) == b"first second"
    assert (await place.look("originals/")).keys() == {"clip.mp4"}


@pytest.mark.parametrize("piece_bytes", [1000, 64 * 1024, MEBIBYTE, 3 * MEBIBYTE + 1])
async def test_pieces_of_any_size_arrive_whole_and_in_order(place: Place, piece_bytes: int) -> None:
    content = noise(5 * MEBIBYTE) + b"end"
    writer = await place.storage.create_original(KEY)
    for start in range(0, len(content), piece_bytes):
        await writer.write(content[start : start + piece_bytes])
    await writer.commit()
    assert await content_of(place.storage, KEY) == content


async def test_several_pieces_of_one_write_are_kept_in_order_and_hashed(place: Place) -> None:
    content = noise(20 * MEBIBYTE)  # more than is left to the kernel at a time
    whole = memoryview(content)
    writer = await place.storage.create_original(KEY)
    for start in range(0, len(content), 5 * MEBIBYTE):
        await writer.write(whole[start : start + MEBIBYTE], b"", whole[start + MEBIBYTE : start + 5 * MEBIBYTE])
    assert writer.digest is not None
    assert writer.digest.hexdigest() == hashlib.sha256(content).hexdigest()
    await writer.commit()
    assert await content_of(place.storage, KEY) == content


async def test_a_discarded_upload_leaves_nothing(place: Place) -> None:
    writer = await place.storage.create_original(KEY)
    await writer.write(b"x" * 2 * MEBIBYTE)
    await writer.discard()
    await writer.discard()
    assert await place.look("originals/") == {}
    with pytest.raises(ValueError, match="not open"):
        await writer.commit()


async def test_discarding_after_commit_keeps_the_original(place: Place) -> None:
    writer = await place.storage.create_original(KEY)
    await writer.write(b"kept")
    await writer.commit()
    await writer.discard()
    assert await content_of(place.storage, KEY) == b"kept"


async def test_a_writer_that_was_given_up_spoils_nothing_for_the_one_that_began_anew(
    storage: DiskStorage, tmp_path: Path
) -> None:
    lost = await storage.create_original(KEY)
    await lost.write(b"of the worker that was given up for lost")
    newer = await storage.create_original(KEY)
    await newer.write(b"of the newer one")
    await lost.write(b", which still writes")
    with pytest.raises(StorageFailed, match="begun anew by another writer"):
        await lost.commit()
    await lost.discard()
    await newer.commit()
    assert await content_of(storage, KEY) == b"of the newer one"
    assert files_in(tmp_path) == ["the uploads/originals/clip.mp4"]


async def test_an_upload_that_is_cancelled_anywhere_is_discarded_cleanly(storage: DiskStorage, tmp_path: Path) -> None:
    async def upload() -> None:
        writer = await storage.create_original(KEY)
        try:
            while True:
                await writer.write(b"x" * MEBIBYTE)
        except asyncio.CancelledError:
            await writer.discard()
            raise

    for turns in range(12):
        task = asyncio.create_task(upload())
        for _ in range(turns):
            await asyncio.wait({task}, timeout=0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert files_in(tmp_path) == []


async def test_deleting_an_original_removes_it_and_any_part_of_it_and_may_be_repeated(place: Place) -> None:
    complete = await place.storage.create_original(KEY)
    await complete.commit()
    unfinished = await place.storage.create_original(KEY)
    await unfinished.write(b"x")
    await place.storage.delete(KEY)
    await place.storage.delete(KEY)
    assert await place.look("originals/") == {}
    await unfinished.discard()


CONTENT = noise(256 * 80 * 1024)  # 20 MiB: two parts of a multipart upload, and a rest


@pytest.mark.parametrize("cut", [1, 5 * MEBIBYTE, 8 * MEBIBYTE, 16 * MEBIBYTE, 17 * MEBIBYTE + 3])
async def test_another_writer_goes_on_after_what_was_kept_and_what_came_after_it_is_dropped(
    place: Place, cut: int
) -> None:
    first = await place.storage.create_original(KEY)
    await first.write(CONTENT[:cut])
    await first.keep()
    await first.write(b"x" * 9 * MEBIBYTE)  # arrived, and nobody was told
    await first.close()
    second = await place.storage.continue_original(KEY, cut)
    assert (second.size_bytes, second.digest) == (cut, None)
    await second.write(CONTENT[cut:])
    await second.commit()
    assert await content_of(place.storage, KEY) == CONTENT
    assert (await place.look("originals/")).keys() == {"clip.mp4"}


async def test_an_upload_that_is_handed_on_many_times_arrives_whole_with_its_hash(place: Place) -> None:
    writer, step = await place.storage.create_original(KEY), 3 * MEBIBYTE + 7
    for begin in range(0, len(CONTENT), step):
        await writer.write(CONTENT[begin : begin + step])
        await writer.keep()
        await writer.close()
        writer = await place.storage.continue_original(KEY, min(begin + step, len(CONTENT)), writer.digest)
    await writer.commit()
    assert await content_of(place.storage, KEY) == CONTENT
    assert writer.digest is not None
    assert writer.digest.hexdigest() == hashlib.sha256(CONTENT).hexdigest()


async def test_one_who_was_killed_before_telling_how_much_was_kept_costs_only_that(place: Place) -> None:
    first = await place.storage.create_original(KEY)
    for end in (MEBIBYTE, 2 * MEBIBYTE):
        await first.write(CONTENT[end - MEBIBYTE : end])
        await first.keep()
    await first.close()
    second = await place.storage.continue_original(KEY, MEBIBYTE)
    await second.write(CONTENT[MEBIBYTE:])
    await second.commit()
    assert await content_of(place.storage, KEY) == CONTENT


@pytest.mark.parametrize("kept_before", [0, PART_BYTES])
async def test_bytes_of_a_request_that_did_not_count_are_in_no_file(place: Place, kept_before: int) -> None:
    """A server may list both uploads, or both parts of one number, as begun in the same second."""
    for number in range(5):
        key = f"originals/clip-{number}.mp4"
        writer = await place.storage.create_original(key)
        if kept_before:
            await writer.write(CONTENT[:kept_before])
            await writer.keep()
            await writer.close()
            writer = await place.storage.continue_original(key, kept_before, writer.digest)
        await writer.write(b"x" * (PART_BYTES + 1))
        await writer.write(b"x" * PART_BYTES)  # the part before it is in the bucket now
        await writer.close()
        end = kept_before + PART_BYTES
        if kept_before:
            writer = await place.storage.continue_original(key, kept_before)
        else:
            writer = await place.storage.create_original(key)
        await writer.write(CONTENT[kept_before:end])
        await writer.keep()
        await writer.close()
        writer = await place.storage.continue_original(key, end)
        await writer.write(CONTENT[end:])
        await writer.commit()
        assert await content_of(place.storage, key) == CONTENT


async def test_an_object_of_other_parts_than_were_put_is_not_taken_for_the_upload(
    bucket: Bucket, bucket_storage: BucketStorage
) -> None:
    finish_parts = bucket.finish_parts

    async def finish_other_parts(begun: PutParts, parts: Sequence[Part], *, replace: bool = False) -> bool:
        other = await bucket.put_part(begun, 1, b"x" * parts[0].size_bytes)
        return await finish_parts(begun, [other, *parts[1:]], replace=replace)

    bucket.finish_parts = finish_other_parts  # type: ignore[method-assign]
    writer = await bucket_storage.create_original(KEY)
    await writer.write(CONTENT)
    with pytest.raises(StorageFailed, match="does not hold the upload as it was sent"):
        await writer.commit()
    assert await bucket_storage.size(KEY) is None


@pytest.mark.parametrize("stood", [False, True], ids=["nothing stood", "one stood"])
@pytest.mark.parametrize("size_bytes", [MEBIBYTE, 9 * MEBIBYTE])
async def test_a_writer_that_was_stopped_beyond_its_turn_replaces_nothing_that_another_committed(
    bucket_storage: BucketStorage, size_bytes: int, *, stood: bool
) -> None:
    if stood:
        await (await _written(bucket_storage, b"of an attempt before")).commit()
    stopped = await _written(bucket_storage, b"x")
    await (await _written(bucket_storage, CONTENT[:size_bytes])).commit()
    await stopped.write(b"x" * size_bytes)
    with pytest.raises(StorageFailed, match="Another request finished this upload meanwhile"):
        await stopped.commit()
    await stopped.discard()
    assert await content_of(bucket_storage, KEY) == CONTENT[:size_bytes]


@pytest.mark.parametrize("size_bytes", [MEBIBYTE, 9 * MEBIBYTE])
async def test_a_commit_that_is_asked_for_again_as_its_answer_was_lost_finds_its_own_file(
    bucket: Bucket, bucket_storage: BucketStorage, monkeypatch: pytest.MonkeyPatch, size_bytes: int
) -> None:
    put, finish_parts = bucket.put, bucket.finish_parts

    async def put_twice(key: str, content: bytes, *, replace: bool = False) -> bool:
        return await put(key, content, replace=replace) and await put(key, content, replace=replace)

    async def finish_twice(begun: PutParts, parts: Sequence[Part], *, replace: bool = False) -> bool:
        await finish_parts(begun, parts, replace=replace)
        return False

    writer = await _written(bucket_storage, CONTENT[:size_bytes])
    monkeypatch.setattr(bucket, "put", put_twice)
    monkeypatch.setattr(bucket, "finish_parts", finish_twice)
    await writer.commit()
    assert await content_of(bucket_storage, KEY) == CONTENT[:size_bytes]


async def _written(storage: BucketStorage, content: bytes) -> OriginalWriter:
    writer = await storage.create_original(KEY)
    await writer.write(content)
    return writer


@pytest.mark.parametrize("begin", [0, MEBIBYTE])
async def test_who_lost_its_turn_takes_nothing_of_what_another_wrote(storage: DiskStorage, begin: int) -> None:
    async def lost() -> None:
        raise PermissionError

    writer = await storage.create_original(KEY)
    await writer.write(CONTENT[:MEBIBYTE])
    await writer.keep()
    await writer.write(CONTENT[MEBIBYTE : 9 * MEBIBYTE])
    await writer.keep()
    with pytest.raises(PermissionError):
        await (storage.continue_original(KEY, begin, None, lost) if begin else storage.create_original(KEY, lost))
    await writer.write(CONTENT[9 * MEBIBYTE :])
    await writer.commit()
    assert await content_of(storage, KEY) == CONTENT


async def test_a_writer_that_was_stopped_beyond_its_turn_puts_nothing_into_what_another_goes_on_with(
    storage: DiskStorage,
) -> None:
    stopped = await storage.create_original(KEY)
    await stopped.write(CONTENT[:MEBIBYTE])
    await stopped.keep()
    await stopped.write(b"x" * MEBIBYTE)
    going_on = await storage.continue_original(KEY, MEBIBYTE)
    await going_on.write(CONTENT[MEBIBYTE : 5 * MEBIBYTE])
    with pytest.raises(StorageFailed, match="Another request writes"):
        await stopped.write(b"x" * MEBIBYTE)
    with pytest.raises(StorageFailed, match="Another request writes"):
        await stopped.commit()
    await going_on.write(CONTENT[5 * MEBIBYTE :])
    await going_on.commit()
    assert await content_of(storage, KEY) == CONTENT


async def test_nobody_goes_on_while_another_asks_for_its_turn(storage: DiskStorage) -> None:
    async def ask() -> None:
        for begin in (storage.create_original(KEY), storage.continue_original(KEY, MEBIBYTE)):
            with pytest.raises(StorageFailed, match="Another writer begins"):
                await begin

    writer = await storage.create_original(KEY)
    await writer.write(CONTENT[:MEBIBYTE])
    await writer.close()
    second = await storage.continue_original(KEY, MEBIBYTE, None, ask)
    await second.write(CONTENT[MEBIBYTE:])
    await second.commit()
    assert await content_of(storage, KEY) == CONTENT


async def test_what_was_not_kept_can_not_be_continued(place: Place) -> None:
    await (await place.storage.create_original("originals/other.mp4")).commit()  # so that a disk has its folder
    with pytest.raises(OriginalMissing, match="not in storage any more"):
        await place.storage.continue_original(KEY, 100)
    writer = await place.storage.create_original(KEY)
    await writer.write(b"x" * 10)
    await writer.keep()
    await writer.close()
    with pytest.raises(OriginalMissing, match="not in storage any more"):
        await place.storage.continue_original(KEY, 11)


async def test_an_upload_that_was_handed_on_can_be_discarded_and_deleted(place: Place) -> None:
    for end_it in ("discard", "delete"):
        writer = await place.storage.create_original(KEY)
        await writer.write(b"x" * 9 * MEBIBYTE)
        await writer.keep()
        await writer.close()
        if end_it == "discard":
            await (await place.storage.continue_original(KEY, 9 * MEBIBYTE)).discard()
        else:
            await place.storage.delete(KEY)
        assert await place.look("originals/") == {}
        with pytest.raises(OriginalMissing):
            await place.storage.continue_original(KEY, 9 * MEBIBYTE)


async def test_a_disk_that_is_not_mounted_has_lost_no_original(storage: DiskStorage, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="Is its disk mounted"):
        await content_of(storage, KEY)
    (tmp_path / "the uploads" / "originals").mkdir(parents=True)
    with pytest.raises(OriginalMissing):
        await content_of(storage, KEY)


async def test_a_folder_is_no_original(storage: DiskStorage, tmp_path: Path) -> None:
    (tmp_path / "the uploads" / KEY).mkdir(parents=True)
    with pytest.raises(OriginalMissing):
        await content_of(storage, KEY)


async def test_a_file_in_place_of_the_folder_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("in the way")
    storage = DiskStorage(tmp_path / "uploads", tmp_path / "scratch")
    with pytest.raises(StorageFailed, match=r"uploads/originals: a file is where a folder should be"):
        await storage.create_original(KEY)
    with pytest.raises(StorageFailed):
        await storage.check()
