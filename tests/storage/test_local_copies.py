"""Copies of a bucket's files: fetched once, within a bound, and gone with their process."""

import asyncio
import fcntl
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from contracts.errors import StorageFailed
from storage.local_copies import LocalCopies
from storage.sparse_file import BLOCK_BYTES, ReadRange
from tests.fixtures.small_disk import NoMounts, SmallDisk, mounted
from tests.waiting import eventually


@pytest.fixture
async def copies(tmp_path: Path) -> AsyncIterator[LocalCopies]:
    """Room for 100 bytes."""
    opened = LocalCopies(tmp_path / "scratch", 100)
    yield opened
    await opened.close()


def fetching(content: str, fetched: list[str]) -> ReadRange:
    """Fetches this content, and notes that it was fetched."""

    async def read(begin: int, end: int) -> bytes:
        fetched.append(content)
        await asyncio.sleep(0)
        return content.encode().ljust(end, b".")[begin:end]

    return read


def write(path: Path, content: str) -> None:
    """Write a copy."""
    path.write_text(content)


def names_in(folder: Path) -> list[str]:
    """Every file and folder, but the locks."""
    return sorted(path.name for path in folder.rglob("*") if path.name != "lock")


async def read(copies: LocalCopies, name: str, size_bytes: int, fetched: list[str]) -> str:
    """What the copy holds."""
    async with copies.lend(name, size_bytes, fetching(name, fetched)) as file:
        await file.need_all()
        return content_of(file.path)


def content_of(path: Path) -> str:
    """What a copy holds, without what fills it up."""
    return path.read_text().rstrip(".")


async def test_many_who_read_the_same_file_at_once_fetch_it_once(copies: LocalCopies) -> None:
    fetched: list[str] = []
    assert await asyncio.gather(*(read(copies, "film", 10, fetched) for _ in range(8))) == ["film"] * 8
    assert fetched == ["film"]


async def test_what_was_used_longest_ago_goes_first(copies: LocalCopies) -> None:
    fetched: list[str] = []
    for name in ("one", "two", "one", "three", "one", "two"):
        assert await read(copies, name, 40, fetched) == name
    assert fetched == ["one", "two", "three", "two"]


async def test_a_process_whose_folder_another_that_starts_took_for_left_makes_itself_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = [LocalCopies(tmp_path / "scratch", 100) for _ in range(2)]
    flock, loop, starts = fcntl.flock, asyncio.get_running_loop(), [second]

    def another_starts(lock: int, how: int) -> None:
        if how == fcntl.LOCK_EX and starts:
            starts.clear()
            asyncio.run_coroutine_threadsafe(second.folder(), loop).result(timeout=20)
        flock(lock, how)

    monkeypatch.setattr(fcntl, "flock", another_starts)
    assert await asyncio.to_thread((await first.folder()).is_dir)
    assert await read(first, "film", 10, []) == await read(second, "film", 10, []) == "film"
    await first.close()
    await second.close()


async def test_what_is_lent_stays_even_beyond_the_bound(copies: LocalCopies) -> None:
    fetched: list[str] = []
    async with copies.lend("film", 90, fetching("film", fetched)) as file:
        await file.need_all()
        assert await read(copies, "large", 400, fetched) == "large"
        assert content_of(file.path) == "film"
    assert await read(copies, "film", 90, fetched) == "film"
    assert fetched == ["film", "large"]


async def test_one_who_fails_to_fetch_leaves_a_hole_and_the_next_tries(copies: LocalCopies) -> None:
    async def fail(_begin: int, _end: int) -> bytes:
        raise StorageFailed("away")

    async with copies.lend("film", 10, fail) as file:
        with pytest.raises(StorageFailed):
            await file.need_all()
        assert not file.is_whole
    assert await read(copies, "film", 10, []) == "film"


async def test_one_who_is_cancelled_while_fetching_hands_over_to_who_waits(copies: LocalCopies) -> None:
    begun, fetched = asyncio.Event(), list[str]()

    async def never(_begin: int, _end: int) -> bytes:
        begun.set()
        await asyncio.Event().wait()
        return b""

    async def first() -> None:
        async with copies.lend("film", 10, never) as file:
            await file.need_all()

    task = asyncio.create_task(first())
    await begun.wait()
    second = asyncio.create_task(read(copies, "film", 10, fetched))
    await asyncio.sleep(0)
    task.cancel()
    assert await second == "film"
    assert fetched == ["film"]


async def test_only_what_is_needed_is_fetched_and_nothing_twice(tmp_path: Path) -> None:
    content, ranges = secrets.token_bytes(20 * BLOCK_BYTES + 1), list[tuple[int, int]]()

    async def read_range(begin: int, end: int) -> bytes:
        ranges.append((begin, end))
        return content[begin:end]

    copies = LocalCopies(tmp_path, len(content))
    async with copies.lend("film", len(content), read_range) as file:
        await file.need((5 * BLOCK_BYTES + 1, 6 * BLOCK_BYTES + 1), (6 * BLOCK_BYTES, 6 * BLOCK_BYTES + 2))
        await file.need((5 * BLOCK_BYTES, 7 * BLOCK_BYTES))
        assert ranges == [(5 * BLOCK_BYTES, 7 * BLOCK_BYTES)]
        assert (
            bytes_at(file.path, 0, 7 * BLOCK_BYTES)
            == bytes(5 * BLOCK_BYTES) + content[5 * BLOCK_BYTES : 7 * BLOCK_BYTES]
        )
        await file.need((len(content) - 1, len(content) + 1000))
        assert len(ranges) == 2
        await file.need_all()
        assert file.is_whole
        assert bytes_at(file.path, 0, len(content)) == content
    assert sum(end - begin for begin, end in ranges) == len(content)
    await copies.close()


def bytes_at(path: Path, begin: int, end: int) -> bytes:
    """What stands there."""
    return path.read_bytes()[begin:end]


async def test_what_was_made_here_needs_not_be_fetched(copies: LocalCopies) -> None:
    async with copies.part() as part:
        write(part, "made")
        await copies.adopt("film", part, 4)
    async with copies.lend("film", 4, fetching("fetched", [])) as file:
        await file.need_all()
        assert content_of(file.path) == "made"


async def test_copies_of_a_killed_process_go_and_those_of_a_living_one_stay(tmp_path: Path) -> None:
    left = tmp_path / "copies-0123456789abcdef"
    left.mkdir()
    (left / "lock").touch()
    (left / "film").write_text("of a killed process")
    living, later = LocalCopies(tmp_path, 100), LocalCopies(tmp_path, 100)
    assert await read(living, "film", 10, []) == "film"
    assert not left.exists()
    assert await read(later, "film", 10, []) == "film"
    assert len(names_in(tmp_path)) == 4, "two folders with a copy each"
    await living.close()
    await later.close()
    assert names_in(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Of 12 MiB."""
    try:
        with mounted(tmp_path / "disk", mebibytes=12) as disk:
            yield disk
    except NoMounts as error:
        pytest.skip(f"no disk of its own here: {error}")


async def test_copies_make_room_on_a_disk_that_is_smaller_than_their_bound(small_disk: SmallDisk) -> None:
    copies, fetched, size_bytes = LocalCopies(small_disk.folder, 20 * 1024**3), list[str](), 5 * 1024 * 1024
    for name in ("one", "two", "three", "two"):
        assert await read(copies, name, size_bytes, fetched) == name
    assert fetched == ["one", "two", "three"]
    with small_disk.full(but_for=1024 * 1024):
        assert await read(copies, "four", size_bytes, fetched) == "four"
    await copies.close()


async def test_a_step_that_found_no_room_finds_it_when_it_is_tried_again(small_disk: SmallDisk) -> None:
    copies, output = LocalCopies(small_disk.folder, 20 * 1024**3), bytes(8 * 1024 * 1024)

    async def step() -> None:
        async with copies.part() as part:
            await asyncio.to_thread(part.write_bytes, output)

    for name in ("one", "two"):
        assert await read(copies, name, 5 * 1024 * 1024, []) == name
    with pytest.raises(OSError, match="No space left"):
        await step()
    await step()
    await copies.close()


async def test_a_copy_that_nobody_uses_goes_for_its_file_may_be_deleted(tmp_path: Path) -> None:
    copies = LocalCopies(tmp_path, 100, kept_seconds=0.2)

    async def names() -> int:
        return len(await asyncio.to_thread(names_in, tmp_path))

    async with copies.lend("film", 10, fetching("film", [])) as film:
        await film.need_all()
        assert await read(copies, "another", 10, []) == "another"
        await eventually(names, lambda found: found == 2)
        assert content_of(film.path) == "film", "what is lent stays"
    await eventually(names, lambda found: found == 1)
    await copies.close()
