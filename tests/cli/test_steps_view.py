"""How the steps of a video look where there are many of them."""

from datetime import UTC, datetime

from cli.steps_view import gathered
from client.views import StepFailureView, StepView
from contracts.status import StepState

_NOW = datetime.now(UTC)


def fetch(number: int, state: StepState, failure: str | None) -> StepView:
    """One try of it."""
    return StepView(
        activity="fetch_original",
        activity_id="fetch" if number == 1 else f"fetch.{number}",
        summary="From the server",
        state=state,
        attempts=1,
        queue="video-control",
        scheduled_at=_NOW,
        started_at=_NOW,
        duration_seconds=1.0,
        worker=None,
        last_failure=None if failure is None else StepFailureView(code="source_failed", message=failure),
    )


def test_tries_of_one_step_are_one_line_that_says_how_often_and_why_it_failed_last() -> None:
    tries = [
        fetch(1, StepState.FAILED, "It was away."),
        fetch(2, StepState.FAILED, "It broke off."),
        fetch(3, StepState.RUNNING, None),
    ]
    (one,) = gathered(tries)
    assert (one.state, one.attempts) == (StepState.RUNNING, 3)
    assert one.last_failure is not None
    assert one.last_failure.message == "It broke off."


def test_chunks_that_are_held_up_are_told_beside_what_goes_on() -> None:
    states = [StepState.COMPLETED, StepState.RUNNING, StepState.PAUSED, StepState.RETRYING, StepState.RETRYING]
    step = fetch(1, StepState.RUNNING, None)
    chunks = [
        step.model_copy(update={"activity_id": f"chunk-{number}-of-5", "state": state})
        for number, state in enumerate(states, start=1)
    ]
    (one,) = gathered(chunks)
    assert (one.state, one.summary) == (StepState.RUNNING, "Picture: 1 of 5 chunks done, 1 paused, 2 retrying")
