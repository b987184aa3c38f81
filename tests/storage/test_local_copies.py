"""Copies of a bucket's files: fetched once, within a bound, and gone with their process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from contracts.errors import StorageFailed
from storage.local_copies import LocalCopies


@pytest.fixture
async def copies(tmp_path: Path) -> AsyncIterator[LocalCopies]:
    """Room for 100 bytes."""
    opened = LocalCopies(tmp_path / "scratch", 100)
    yield opened
    await opened.close()


def writing(content: str, written: list[str]) -> Callable[[Path], Awaitable[None]]:
    """Fetches this content, and notes that it was fetched."""

    async def fill(path: Path) -> None:
        written.append(content)
        await asyncio.sleep(0)
        write(path, content)

    return fill


def write(path: Path, content: str) -> None:
    """Write a copy."""
    path.write_text(content)


def names_in(folder: Path) -> list[str]:
    """Every file and folder, but the locks."""
    return sorted(path.name for path in folder.rglob("*") if path.name != "lock")


async def read(copies: LocalCopies, name: str, size_bytes: int, fetched: list[str]) -> str:
    """What the copy holds."""
    async with copies.lend(name, size_bytes, writing(name, fetched)) as path:
        await asyncio.sleep(0)
        return path.read_text()


async def test_many_who_read_the_same_file_at_once_fetch_it_once(copies: LocalCopies) -> None:
    fetched: list[str] = []
    assert await asyncio.gather(*(read(copies, "film", 10, fetched) for _ in range(8))) == ["film"] * 8
    assert fetched == ["film"]


async def test_what_was_used_longest_ago_goes_first(copies: LocalCopies) -> None:
    fetched: list[str] = []
    for name in ("one", "two", "one", "three", "one", "two"):
        assert await read(copies, name, 40, fetched) == name
    assert fetched == ["one", "two", "three", "two"]


async def test_what_is_lent_stays_even_beyond_the_bound(copies: LocalCopies) -> None:
    fetched: list[str] = []
    async with copies.lend("film", 90, writing("film", fetched)) as path:
        assert await read(copies, "large", 400, fetched) == "large"
        assert path.read_text() == "film"
    assert await read(copies, "film", 90, fetched) == "film"
    assert fetched == ["film", "large"]


async def test_one_who_fails_to_fetch_leaves_nothing_and_the_next_one_tries(
    copies: LocalCopies, tmp_path: Path
) -> None:
    async def fail(path: Path) -> None:
        write(path, "half")
        raise StorageFailed("away")

    with pytest.raises(StorageFailed):
        async with copies.lend("film", 10, fail):
            pass
    assert len(names_in(tmp_path / "scratch")) == 1, "the folder itself"
    assert await read(copies, "film", 10, []) == "film"


async def test_one_who_is_cancelled_while_fetching_hands_over_to_who_waits(copies: LocalCopies) -> None:
    begun, fetched = asyncio.Event(), list[str]()

    async def never(_: Path) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def first() -> None:
        async with copies.lend("film", 10, never):
            pass

    task = asyncio.create_task(first())
    await begun.wait()
    second = asyncio.create_task(read(copies, "film", 10, fetched))
    await asyncio.sleep(0)
    task.cancel()
    assert await second == "film"
    assert fetched == ["film"]


async def test_what_was_made_here_needs_not_be_fetched(copies: LocalCopies) -> None:
    async with copies.part() as part:
        write(part, "made")
        await copies.adopt("film", part, 4)
    async with copies.lend("film", 4, writing("fetched", [])) as path:
        assert path.read_text() == "made"


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
