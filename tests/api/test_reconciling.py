"""The api's clock for the reconciler, and work that a cancellation must not cut in half."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from api.reconciling import reconciling, sweeping
from contracts.errors import DatabaseUnavailable
from ingest.shielding import uninterrupted
from runs.reconcile import ReconcileReport
from runs.records import TemporalUnavailable
from runs.sweep import SweepReport
from telemetry.requests import RoundMetrics
from tests.api.running import until


async def test_reconciling_goes_on_whatever_one_round_raises() -> None:
    failures: list[Exception] = [
        TemporalUnavailable("away"),
        DatabaseUnavailable("away"),
        ZeroDivisionError("a defect"),
    ]
    rounds = 0

    async def reconcile() -> ReconcileReport:
        nonlocal rounds
        rounds += 1
        if failures:
            raise failures.pop(0)
        return ReconcileReport(started=1, closed=0, expired=0)

    registry = CollectorRegistry()
    async with reconciling(reconcile, 0.001, RoundMetrics(registry)):
        await until(lambda: rounds > 5)
    after = rounds
    assert registry.get_sample_value("rushes_rounds_total", {"work": "reconcile", "outcome": "failed"}) == 3
    found = registry.get_sample_value("rushes_round_findings_total", {"work": "reconcile", "finding": "started"})
    assert (found or 0) >= 3
    await asyncio.sleep(0)
    assert rounds == after


async def test_what_a_sweep_removed_is_counted() -> None:
    swept = asyncio.Event()

    async def sweep() -> SweepReport:
        swept.set()
        return SweepReport(removed=3, size_bytes=700)

    registry = CollectorRegistry()
    async with sweeping(sweep, 0.001, RoundMetrics(registry)):
        await swept.wait()

        def found() -> bool:
            removed = registry.get_sample_value("rushes_round_findings_total", {"work": "sweep", "finding": "removed"})
            return (removed or 0) >= 3

        await until(found)


async def test_a_process_that_does_not_lead_does_not_say_that_it_reconciles() -> None:
    rounds = 0

    async def another_leads() -> None:
        nonlocal rounds
        rounds += 1

    registry = CollectorRegistry()
    metrics = RoundMetrics(registry)
    last = "rushes_round_last_success_timestamp_seconds", {"work": "reconcile"}
    async with reconciling(another_leads, 0.001, metrics):
        begun = registry.get_sample_value(*last)
        await until(lambda: rounds > 5)
        assert registry.get_sample_value(*last) == begun, "what is expected and does not come is seen"
    assert registry.get_sample_value("rushes_rounds_total", {"work": "reconcile", "outcome": "done"}) == 0


async def test_work_that_is_not_to_be_interrupted_ends_before_the_cancellation_does() -> None:
    may_end = asyncio.Event()
    ended = False

    async def work() -> None:
        nonlocal ended
        await may_end.wait()
        ended = True

    task = asyncio.create_task(uninterrupted(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended


async def test_work_that_is_not_to_be_interrupted_gives_its_result_and_its_failure() -> None:
    async def succeed() -> int:
        return 7

    async def fail() -> None:
        raise ZeroDivisionError

    assert await uninterrupted(succeed()) == 7
    with pytest.raises(ZeroDivisionError):
        await uninterrupted(fail())
