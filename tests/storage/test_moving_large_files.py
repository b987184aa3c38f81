"""A large file that a killed command was copying is gone on with where it was, and needs no room on this machine."""

import asyncio
import errno
import fcntl
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import StorageFailed
from storage.bucket import BucketStorage
from storage.bucket_objects import Bucket
from storage.bucket_records import Part, PutParts
from storage.disk import DiskStorage
from storage.moving import Outcome, copy_all
from storage.protocol import RemoteFile, Storage
from tests.fixtures.noise import noise
from tests.storage.published import content_of
from tests.waiting import eventually

KEY = "originals/v1.mp4"
PIECE_BYTES = 16 * 1024 * 1024
LARGE = noise(2 * PIECE_BYTES + 100)
DIGEST = hashlib.sha256(LARGE).hexdigest()


@pytest.fixture
async def disk(tmp_path: Path) -> DiskStorage:
    """A disk with a large file."""
    storage = DiskStorage(tmp_path / "uploads", tmp_path / "scratch of the disk")
    async with storage.create(KEY) as path:
        path.write_bytes(LARGE)
    return storage


@pytest.fixture
async def full_bucket(bucket_storage: BucketStorage) -> BucketStorage:
    """A bucket with that file."""
    writer = await bucket_storage.create_original(KEY)
    await writer.write(LARGE)
    await writer.commit()
    return bucket_storage


async def outcomes(source: Storage, target: Storage) -> list[Outcome]:
    return [file.outcome async for file in copy_all(source, target)]


class Watched:
    """Counts what is put, and stands still before the part that is to be the last."""

    def __init__(self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
        self._put_part = bucket.put_part
        self.last_number = 99
        self.numbers: list[int] = []
        self.stands_still = asyncio.Event()
        monkeypatch.setattr(bucket, "put_part", self.put_part)

    async def put_part(self, begun: PutParts, number: int, content: bytes) -> Part:
        if number > self.last_number:
            self.stands_still.set()
            await asyncio.Event().wait()
        part = await self._put_part(begun, number, content)
        self.numbers.append(number)
        return part


def read_watched(file: RemoteFile, begins: list[int], before_read: Callable[[int], bool]) -> RemoteFile:
    """The file, of which each piece that is asked for is noted, and none comes that may not be read."""

    async def read(begin: int, end: int) -> AsyncIterator[bytes]:
        begins.append(begin)
        if not before_read(begin):
            await asyncio.Event().wait()
        async for some in file.read(begin, end):
            yield some

    return replace(file, read=read)


def read_until(file: RemoteFile, end: Callable[[], int]) -> RemoteFile:
    """The file, of which nothing comes that begins behind this byte, until it is a later one."""

    async def read(begin: int, stop: int) -> AsyncIterator[bytes]:
        await eventually(is_true(lambda: begin < end()), bool)
        async for some in file.read(begin, stop):
            yield some

    return replace(file, read=read)


def is_true(look: Callable[[], object]) -> Callable[[], Awaitable[bool]]:
    """A look that waits for nothing, to be asked again and again."""

    async def ask() -> bool:
        return bool(look())

    return ask


async def end_in_its_midst(copying: asyncio.Task[object]) -> None:
    """As a kill does: nothing is tidied up."""
    copying.cancel()
    await asyncio.wait({copying})
    assert copying.cancelled()


async def test_parts_that_a_killed_command_put_are_not_put_again(
    disk: DiskStorage, bucket: Bucket, bucket_storage: BucketStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    putting = Watched(bucket, monkeypatch)
    putting.last_number = 2
    copying = asyncio.create_task(outcomes(disk, bucket_storage))
    await putting.stands_still.wait()
    await eventually(is_true(lambda: sorted(putting.numbers) == [1, 2]), bool)
    await end_in_its_midst(copying)
    putting.numbers, putting.last_number = [], 99
    assert await outcomes(disk, bucket_storage) == [Outcome.COPIED]
    assert putting.numbers == [3]
    assert await bucket.all_unfinished("") == []
    assert await content_of(bucket_storage, KEY) == LARGE


async def test_parts_of_others_are_neither_taken_up_nor_taken_away(
    disk: DiskStorage, bucket: Bucket, bucket_storage: BucketStorage
) -> None:
    of_an_import = await bucket.begin_parts(KEY)
    await bucket.put_part(of_an_import, 1, noise(PIECE_BYTES, seed=1))
    just_begun = await bucket.begin_parts(KEY)
    assert await outcomes(disk, bucket_storage) == [Outcome.COPIED]
    assert {begun for begun, _ in await bucket.all_unfinished("")} == {of_an_import, just_begun}
    assert await content_of(bucket_storage, KEY) == LARGE


async def test_what_several_killed_commands_left_goes(
    disk: DiskStorage, bucket: Bucket, bucket_storage: BucketStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for numbers in ([1], [1, 2], [2]):
        begun = await bucket.begin_parts(KEY)
        for number in numbers:
            await bucket.put_part(begun, number, LARGE[(number - 1) * PIECE_BYTES : number * PIECE_BYTES])
    putting = Watched(bucket, monkeypatch)
    assert await outcomes(disk, bucket_storage) == [Outcome.COPIED]
    assert putting.numbers == [3]
    assert await bucket.all_unfinished("") == []


async def test_two_commands_at_once_leave_the_file_and_nothing_else(
    disk: DiskStorage, bucket: Bucket, bucket_storage: BucketStorage
) -> None:
    file = await disk.served(KEY)
    found = await asyncio.gather(*(bucket_storage.take_over(KEY, file) for _ in range(2)))
    assert set(found) <= {DIGEST, None}
    assert DIGEST in found
    assert await bucket.all_unfinished("") == []
    assert await content_of(bucket_storage, KEY) == LARGE


async def test_a_disk_goes_on_after_what_a_killed_command_wrote_and_has_no_copy_beside_it(
    full_bucket: BucketStorage, tmp_path: Path
) -> None:
    target, file = DiskStorage(tmp_path / "there", tmp_path / "scratch there"), await full_bucket.served(KEY)
    assert isinstance(file, RemoteFile)
    begins: list[int] = []
    killed = read_watched(file, begins, lambda begin: begin < 2 * PIECE_BYTES)
    copying = asyncio.create_task(target.take_over(KEY, killed))
    folder = tmp_path / "there" / "originals"
    await eventually(is_true(lambda: list(folder.glob(f".*-{2 * PIECE_BYTES}-*.part"))), bool)
    with pytest.raises(StorageFailed, match=r"Another process copies v1\.mp4 there at this moment"):
        await target.take_over(KEY, file)
    await end_in_its_midst(copying)
    (left,) = folder.iterdir()
    with left.open("ab") as part:
        part.write(b"that was not durable yet")
    begins.clear()
    assert await target.take_over(KEY, read_watched(file, begins, lambda _: True)) == DIGEST
    assert begins == [2 * PIECE_BYTES]
    assert [path.name for path in folder.iterdir()] == ["v1.mp4"]
    assert await content_of(target, KEY) == LARGE
    assert not list((tmp_path / "scratch").glob("copies-*/*"))[1:], "but its lock"


async def test_what_a_disk_did_not_keep_of_a_killed_command_is_copied_anew(
    full_bucket: BucketStorage, tmp_path: Path
) -> None:
    target, file = DiskStorage(tmp_path / "there", tmp_path / "scratch there"), await full_bucket.served(KEY)
    assert isinstance(file, RemoteFile)
    copying = asyncio.create_task(target.take_over(KEY, read_watched(file, [], lambda begin: begin == 0)))
    folder = tmp_path / "there" / "originals"
    await eventually(is_true(lambda: list(folder.glob(f".*-{PIECE_BYTES}-*.part"))), bool)
    await end_in_its_midst(copying)
    (left,) = folder.iterdir()
    with left.open("r+b") as part:
        part.write(b"\0" * 4096)  # as after a power cut
    begins: list[int] = []
    assert await target.take_over(KEY, read_watched(file, begins, lambda _: True)) == DIGEST
    assert begins[0] == 0
    assert [path.name for path in folder.iterdir()] == ["v1.mp4"]


async def test_a_part_that_is_renamed_while_another_command_looks_at_it_is_still_the_first_one_s(
    full_bucket: BucketStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, file = DiskStorage(tmp_path / "there", tmp_path / "scratch there"), await full_bucket.served(KEY)
    assert isinstance(file, RemoteFile)
    folder, may_read = tmp_path / "there" / "originals", PIECE_BYTES
    first = asyncio.create_task(target.take_over(KEY, read_until(file, lambda: may_read)))
    await eventually(is_true(lambda: list(folder.glob(f".*-{PIECE_BYTES}-*.part"))), bool)
    glob = Path.glob

    def glob_and_wait(looked_at: Path, pattern: str) -> list[Path]:
        """What is found has another name by the time that anybody opens it."""
        nonlocal may_read
        found = list(glob(looked_at, pattern))
        may_read = 2 * PIECE_BYTES
        give_up = time.monotonic() + 60
        while f"-{PIECE_BYTES}-" in found[0].name and found[0].exists() and time.monotonic() < give_up:
            time.sleep(0.01)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Path, "glob", glob_and_wait)
        with pytest.raises(StorageFailed, match=r"Another process copies v1\.mp4 there at this moment"):
            await target.take_over(KEY, file)
    may_read = len(LARGE)
    assert await first == DIGEST
    assert [path.name for path in folder.iterdir()] == ["v1.mp4"]
    assert await content_of(target, KEY) == LARGE


async def test_where_a_disk_has_no_locks_the_later_command_goes_on_and_the_earlier_one_ends(
    full_bucket: BucketStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    target, file = DiskStorage(tmp_path / "there", tmp_path / "scratch there"), await full_bucket.served(KEY)
    assert isinstance(file, RemoteFile)
    folder, may_read = tmp_path / "there" / "originals", PIECE_BYTES
    earlier = asyncio.create_task(target.take_over(KEY, read_until(file, lambda: may_read)))
    await eventually(is_true(lambda: list(folder.glob(f".*-{PIECE_BYTES}-*.part"))), bool)
    later_may_read = PIECE_BYTES
    later = asyncio.create_task(target.take_over(KEY, read_until(file, lambda: later_may_read)))
    (part,) = folder.iterdir()
    await eventually(is_true(lambda: not part.exists()), bool)
    may_read = len(LARGE)
    with pytest.raises(StorageFailed, match=r"Another process copies v1\.mp4 there at this moment"):
        await earlier
    later_may_read = len(LARGE)
    assert await later == DIGEST
    assert [path.name for path in folder.iterdir()] == ["v1.mp4"]
    assert await content_of(target, KEY) == LARGE
