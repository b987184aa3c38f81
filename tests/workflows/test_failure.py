"""One place names the reason why a run ended."""

import asyncio

import pytest
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    RetryState,
    TimeoutType,
)
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from contracts.errors import ErrorCode
from workflows.failure import explain


def failed(cause: BaseException) -> ActivityError:
    error = ActivityError(
        "Activity task failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="worker",
        activity_type="encode_chunk",
        activity_id="1",
        retry_state=RetryState.TIMEOUT,
    )
    error.__cause__ = cause
    return error


def timed_out(cause: BaseException | None = None) -> TemporalTimeoutError:
    error = TemporalTimeoutError("too late", type=TimeoutType.HEARTBEAT, last_heartbeat_details=[])
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_of_ours_is_taken_with_its_sentence(code: ErrorCode) -> None:
    assert explain(failed(ApplicationError("a sentence", type=code.value)), cancelled=False) == (code, "a sentence")


@pytest.mark.parametrize("failure", [asyncio.CancelledError(), failed(CancelledError("cancelled"))])
def test_a_cancel_is_named_so_wherever_it_arrived(failure: BaseException) -> None:
    assert explain(failure, cancelled=False)[0] is ErrorCode.CANCELLED


def test_a_step_that_took_too_long_is_named() -> None:
    code, reason = explain(failed(timed_out()), cancelled=False)
    assert code is ErrorCode.TIMED_OUT
    assert "encode_chunk" in reason


def test_a_step_that_ran_out_of_retries_tells_what_it_was_retried_for() -> None:
    failure = failed(timed_out(ApplicationError("The disk is full.", type="storage_failed")))
    code, reason = explain(failure, cancelled=False)
    assert (code, reason) == (ErrorCode.STORAGE_FAILED, "The disk is full.")


def test_a_failure_that_nobody_foresaw_is_internal_and_does_not_leak_its_text() -> None:
    code, reason = explain(failed(ApplicationError("KeyError: 'secret'", type="KeyError")), cancelled=False)
    assert code is ErrorCode.INTERNAL
    assert "secret" not in reason
    assert "encode_chunk" in reason


@pytest.mark.parametrize("failure", [failed(timed_out()), failed(ApplicationError("killed", type="transcode_failed"))])
def test_a_cancel_is_the_reason_whatever_the_failure_says(failure: BaseException) -> None:
    assert explain(failure, cancelled=True) == explain(asyncio.CancelledError(), cancelled=False)
