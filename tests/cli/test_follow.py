"""Whoever waits for a video, or for many, outlasts an api or a database that is away for a moment."""

import io
from uuid import uuid4

import pytest
from rich.console import Console

from cli.cohorts import go_with
from cli.errors import CommandFailed, ExitCode
from cli.follow import follow
from client.asynchronous import AsyncRushes
from client.cohorts import AsyncCohorts
from client.connection import Connection
from client.errors import RushesError
from client.views import CohortView, StepList, VideoView
from contracts.status import CohortStatus, VideoStatus
from tests.client.test_waiting import video

AWAY = RushesError("database_unavailable", "PostgreSQL does not answer.", status=503)
BETWEEN = RushesError("http_502", "The api answered 502.", status=502)
GONE = RushesError("video_not_found", "There is no such video.", status=404)


class Videos(AsyncRushes):
    """One video, of which these answers are given in turn."""

    def __init__(self, *answers: VideoStatus | RushesError) -> None:
        super().__init__("http://127.0.0.1:1")
        self._answers = list(answers)

    async def video(self, _: object) -> VideoView:
        answer = self._answers.pop(0)
        if isinstance(answer, RushesError):
            raise answer
        return video(answer)

    async def steps(self, _: object) -> StepList:
        return StepList(steps=[])


class Cohorts(AsyncCohorts):
    """One cohort, of which these answers are given in turn."""

    def __init__(self, *answers: CohortView | RushesError) -> None:
        super().__init__(Connection("http://127.0.0.1:1"))
        self.answers = list(answers)

    async def get(self, _: str) -> CohortView:
        answer = self.answers.pop(0)
        if isinstance(answer, RushesError):
            raise answer
        return answer


async def test_a_video_is_followed_over_answers_that_pass_which_are_told() -> None:
    written = io.StringIO()
    async with Videos(VideoStatus.PROCESSING, AWAY, BETWEEN, VideoStatus.READY) as api:
        seen = await follow(api, str(uuid4()), Console(file=written))
    assert seen.status is VideoStatus.READY
    assert written.getvalue().splitlines() == [
        "PostgreSQL does not answer. (database_unavailable)",
        "The api answered 502. (http_502)",
    ]


async def test_a_video_that_is_gone_is_not_followed() -> None:
    async with Videos(VideoStatus.PROCESSING, GONE) as api:
        with pytest.raises(RushesError, match="video_not_found"):
            await follow(api, str(uuid4()), Console(file=io.StringIO()))


async def test_a_cohort_is_followed_over_answers_that_pass(capsys: pytest.CaptureFixture[str]) -> None:
    done = CohortView(total=2, retried=2, passed_over=0, is_paused=False, is_done=True)
    async with Videos() as api:
        api.cohorts = Cohorts(AWAY, done)
        await go_with(api, "one", "2 videos", a_minute=60, wait=True)
    assert "done: 2 of 2 begun, 0 passed over" in capsys.readouterr().err


async def test_a_cohort_that_somebody_ends_is_no_more_waited_for() -> None:
    going = CohortView(total=3, retried=1, passed_over=0, status=CohortStatus.RUNNING, is_paused=False, is_done=False)
    async with Videos() as api:
        api.cohorts = Cohorts(going, going.model_copy(update={"status": CohortStatus.CANCELLED}))
        with pytest.raises(CommandFailed, match="Cancelled: 1 of 3 begun, 0 passed over") as failed:
            await go_with(api, "one", "3 videos", a_minute=60, wait=True)
    assert failed.value.exit_code == ExitCode.FAILED
