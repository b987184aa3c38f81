"""Memory for encodes is shared fairly and never overbooked."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.capacity import Capacity, memory_for_encodes

WANTS = st.lists(st.tuples(st.integers(1, 15), st.booleans()), max_size=12)
"""How much each waiter wants, and whether it is cancelled; some want more than there is."""


class Waiter:
    """Takes its place in the queue when made, and holds what it gets until it is told to let go."""

    def __init__(self, capacity: Capacity, wanted: int) -> None:
        self.wanted = wanted
        self.holds = False
        self._let_go = asyncio.Event()
        self.task = asyncio.create_task(self._hold(capacity))

    async def _hold(self, capacity: Capacity) -> None:
        async with capacity.hold(self.wanted):
            self.holds = True
            try:
                await self._let_go.wait()
            finally:
                self.holds = False

    async def let_go(self) -> None:
        self._let_go.set()
        await self.task
        await settled()

    async def cancel(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})
        await settled()


async def settled() -> None:
    """Let every task go on until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def waiters(capacity: Capacity, *wanted: int) -> list[Waiter]:
    queue = [Waiter(capacity, amount) for amount in wanted]
    await settled()
    return queue


def held(queue: Sequence[Waiter]) -> list[bool]:
    return [waiter.holds for waiter in queue]


async def test_what_fits_runs_together_and_what_does_not_waits() -> None:
    queue = await waiters(Capacity(10), 4, 6, 1)
    assert held(queue) == [True, True, False]
    await queue[0].let_go()
    assert held(queue) == [False, True, True]
    for waiter in queue[1:]:
        await waiter.let_go()


async def test_a_large_one_is_not_passed_over_by_small_ones_behind_it() -> None:
    queue = await waiters(Capacity(10), 4, 8, 1)
    assert held(queue) == [True, False, False]
    await queue[0].let_go()
    assert held(queue) == [False, True, True]
    for waiter in queue[1:]:
        await waiter.let_go()


async def test_one_that_is_larger_than_everything_runs_alone() -> None:
    queue = await waiters(Capacity(10), 1, 99, 1)
    assert held(queue) == [True, False, False]
    await queue[0].let_go()
    assert held(queue) == [False, True, False]
    await queue[1].let_go()
    assert held(queue) == [False, False, True]
    await queue[2].let_go()


async def test_one_that_is_cancelled_while_it_waits_frees_its_place() -> None:
    queue = await waiters(Capacity(10), 9, 9, 1)
    await queue[1].cancel()
    assert held(queue) == [True, False, True]
    await queue[0].let_go()
    await queue[2].let_go()


async def test_one_that_is_cancelled_as_it_is_served_gives_back_what_it_got() -> None:
    capacity = Capacity(10)
    holder, cancelled, next_one = await waiters(capacity, 10, 10, 10)
    holder_ends = asyncio.create_task(holder.let_go())
    while not holder.task.done():
        await asyncio.sleep(0)
    assert not cancelled.holds, "it was served, and does not know yet"
    await cancelled.cancel()
    assert next_one.holds
    await next_one.let_go()
    await holder_ends


async def test_one_that_fails_gives_back_what_it_held() -> None:
    capacity = Capacity(10)
    with pytest.raises(LookupError):
        async with capacity.hold(10):
            raise LookupError
    async with asyncio.timeout(5), capacity.hold(10):
        pass


async def test_without_a_limit_nobody_waits() -> None:
    queue = await waiters(Capacity(None), 10**12, 10**12)
    assert held(queue) == [True, True]
    for waiter in queue:
        await waiter.let_go()


@given(WANTS)
def test_whoever_comes_and_goes_the_limit_holds_and_everybody_is_served(wants: list[tuple[int, bool]]) -> None:
    async def run() -> None:
        queue = await waiters(Capacity(10), *(wanted for wanted, _ in wants))
        for waiter, (_, is_cancelled) in zip(queue, wants, strict=True):
            held = [other.wanted for other in queue if other.holds]
            assert sum(held) <= 10 or len(held) == 1
            if is_cancelled:
                await waiter.cancel()
            else:
                assert waiter.holds, "all before it are gone"
                await waiter.let_go()

    asyncio.run(run())


GIBIBYTE = 2**30


@pytest.mark.parametrize(
    ("own", "limits", "workers", "of"),
    [
        ("/", {}, 1, 8),
        ("/", {}, 2, 4),
        ("/", {"": 4 * GIBIBYTE}, 1, 4),
        ("/", {"": 16 * GIBIBYTE}, 1, 8),
        ("/", {"": "max"}, 1, 8),
        ("/system.slice/rushes.service", {"system.slice/rushes.service": 2 * GIBIBYTE}, 1, 2),
        ("/a.slice/b.service", {"a.slice": 3 * GIBIBYTE, "a.slice/b.service": "max"}, 3, 1),
    ],
    ids=["machine", "two workers", "container", "larger than all", "no limit", "unit", "slice of three workers"],
)
def test_memory_is_the_least_that_a_group_around_the_process_allows_shared_by_the_workers(
    tmp_path: Path, own: str, limits: dict[str, int | str], workers: int, of: int
) -> None:
    groups = tmp_path / "sys/fs/cgroup"
    (groups / own.lstrip("/")).mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(f"MemTotal: {8 * GIBIBYTE // 1024} kB\nMemFree: 1 kB\n")
    (tmp_path / "proc/self/cgroup").write_text(f"1:cpu:/other\n0::{own}\n")
    for group, limit in limits.items():
        (groups / group / "memory.max").write_text(f"{limit}\n")
    assert memory_for_encodes(workers, tmp_path) == int(of * GIBIBYTE * 0.7)


def test_a_machine_that_does_not_tell_has_no_limit(tmp_path: Path) -> None:
    assert memory_for_encodes(1, tmp_path) is None


def test_this_machine_says_how_much_there_is() -> None:
    found = memory_for_encodes()
    assert found is not None
    assert 10**8 < found < 10**14
