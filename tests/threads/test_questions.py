"""Questions to a place that hangs: who asks may go away, and few of them wait for it."""

import asyncio
import threading

import pytest
from structlog.testing import capture_logs

from contracts.errors import StorageFailed
from tests.waiting import eventually
from threads.questions import Questions


async def test_who_asks_a_place_that_hangs_may_go_away_and_what_waits_for_it_is_bounded() -> None:
    mended, questions = threading.Event(), Questions("The disk")
    try:
        for _ in range(4):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await questions.ask(mended.wait)
        for _ in range(50):
            with pytest.raises(StorageFailed, match="4 questions wait for it"):
                await questions.ask(int, "7")
        assert await Questions("Another").ask(int, "7") == 7
    finally:
        mended.set()

    async def again() -> int | None:
        try:
            return await questions.ask(int, "7")
        except StorageFailed:
            return None

    assert await eventually(again, lambda answer: answer is not None) == 7


async def test_where_every_thread_waits_for_a_place_nobody_else_waits_for_a_turn() -> None:
    mended, questions = threading.Event(), Questions("The disk", at_once=2, most_left=3, patience_seconds=0.05)
    viewers = [asyncio.create_task(questions.ask(mended.wait)) for _ in range(2)]
    await asyncio.sleep(0)  # as they take their turns

    async def refused() -> str:
        try:
            async with asyncio.timeout(0.05):
                return f"it answered {await questions.ask(int, '7')}"
        except StorageFailed as error:
            return str(error)
        except TimeoutError:
            return ""

    try:
        assert "2 questions wait for it" in await eventually(refused, bool, within_seconds=10)
    finally:
        mended.set()
    assert await asyncio.gather(*viewers) == [True, True], "who waits already is answered"
    assert await questions.ask(int, "7") == 7


async def test_a_question_that_had_not_begun_when_its_asker_left_is_not_asked() -> None:
    mended, began = threading.Event(), threading.Event()
    questions = Questions("The disk", at_once=1)
    first = asyncio.create_task(questions.ask(mended.wait))
    second = asyncio.create_task(questions.ask(began.set))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    mended.set()
    assert await first
    assert not began.is_set()
    assert await questions.ask(int, "7") == 7


async def test_a_place_that_does_not_answer_is_told_in_the_log_once_and_when_it_does_again() -> None:
    mended, questions = threading.Event(), Questions("The disk", patience_seconds=0.05)
    with capture_logs() as logs:
        try:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await questions.ask(mended.wait)

            async def overdue() -> int:
                return len(questions._overdue)

            await eventually(overdue, lambda many: many == 3)
            assert [(line["event"], line["place"]) for line in logs] == [("place does not answer", "The disk")]
        finally:
            mended.set()
        await eventually(overdue, lambda many: many == 0)
        assert await questions.ask(int, "7") == 7
    assert [line["event"] for line in logs] == ["place does not answer", "place answers again"]
