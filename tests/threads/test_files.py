"""Work on a disk has threads of its own: one that hangs holds up nothing but what needs that disk."""

import asyncio
import threading

import pytest

from threads.files import GoOn, off_loop, off_loop_in_steps


async def test_a_disk_that_hangs_takes_none_of_the_threads_that_others_need() -> None:
    mended, hanging = threading.Event(), threading.Semaphore(0)

    def hang() -> None:
        hanging.release()
        mended.wait()

    calls = [asyncio.create_task(off_loop(hang)) for _ in range(200)]
    try:
        await asyncio.to_thread(hanging.acquire)
        async with asyncio.timeout(20):
            assert await asyncio.gather(*(asyncio.to_thread(int, "7") for _ in range(50))) == [7] * 50
        waiting = [thread for thread in threading.enumerate() if thread.name.startswith("files")]
        assert len(waiting) <= 32, "so many hang with it, and no more"
    finally:
        mended.set()
        await asyncio.gather(*calls)


async def test_a_call_that_is_cancelled_ends_only_with_its_work() -> None:
    began, may_end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(began.set)
        may_end.wait()

    call = asyncio.create_task(off_loop(work))
    await began.wait()
    call.cancel()
    await asyncio.sleep(0)
    assert not call.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_of_work_in_steps_no_step_begins_once_its_caller_is_cancelled() -> None:
    began, may_go_on, steps = asyncio.Event(), threading.Event(), []
    loop = asyncio.get_running_loop()

    def work(go_on: GoOn) -> None:
        for step in range(3):
            go_on()
            steps.append(step)
            loop.call_soon_threadsafe(began.set)
            may_go_on.wait()

    call = asyncio.create_task(off_loop_in_steps(work))
    await began.wait()
    call.cancel()
    await asyncio.sleep(0)
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert steps == [0]
