"""Watch a video until it is ready or in error."""

import asyncio
import time
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from cli.errors import sentence_of
from cli.steps_view import gathered, live_view, step_line
from client.asynchronous import AsyncRushes
from client.errors import RushesError
from client.patience import Patience
from client.views import StepView, VideoView
from contracts.status import StepState

_POLL_SECONDS: Final = 0.3
_CLOSING_SECONDS: Final = 5.0
_LAST_ACTIVITY: Final = "clean_scratch"
_OPEN: Final = frozenset({StepState.SCHEDULED, StepState.RUNNING, StepState.RETRYING, StepState.PAUSED})


class Watcher(Protocol):
    """Shows what is known of a video."""

    def show(self, video: VideoView | None, steps: list[StepView], note: str | None, /) -> None:
        """Show this from now on; ``note`` says what is in the way."""


async def follow(api: AsyncRushes, video_id: str, console: Console) -> VideoView:
    """Show the video's steps as they run, and return the video once nothing more happens to it.

    An api that is away for a while, or its database, is waited for.

    Raises:
        RushesError: The video is gone, or the api does not answer for a minute.
    """
    with _watch(console) as watcher:
        video, steps = None, list[StepView]()
        patience = Patience()
        while video is None or not video.is_settled:
            note = None
            try:
                video = await api.video(video_id)
                steps, note = await _steps(api, video_id, steps)
                patience.renew()
            except RushesError as error:
                patience.bear(error)
                note = sentence_of(error)
            watcher.show(video, steps, note)
            if video is None or not video.is_settled:
                await asyncio.sleep(_POLL_SECONDS)
        await _until_closed(api, video, steps, watcher)
        return video


async def _until_closed(api: AsyncRushes, video: VideoView, steps: list[StepView], watcher: Watcher) -> None:
    """The row is settled a moment before the workflow has cleaned up; show that too, but don't wait long for it."""
    deadline = time.monotonic() + _CLOSING_SECONDS
    while steps and not _has_cleaned_up(steps) and time.monotonic() < deadline:
        await asyncio.sleep(_POLL_SECONDS)
        try:
            steps, _ = await _steps(api, str(video.id), steps)
        except RushesError as error:
            if not (error.is_unanswered or error.is_passing):
                raise
            return
        watcher.show(video, steps, None)


def _has_cleaned_up(steps: list[StepView]) -> bool:
    return any(step.activity == _LAST_ACTIVITY for step in steps) and not any(step.state in _OPEN for step in steps)


async def _steps(api: AsyncRushes, video_id: str, known: list[StepView]) -> tuple[list[StepView], str | None]:
    """The steps, or those known before and a note why there are no newer ones."""
    try:
        return (await api.steps(video_id)).steps, None
    except RushesError as refusal:
        if refusal.code != "temporal_unavailable":
            raise
        return known, sentence_of(refusal)


def _watch(console: Console) -> AbstractContextManager[Watcher]:
    return _LiveWatcher(console) if console.is_terminal else nullcontext(_LineWatcher(console))


class _LiveWatcher:
    """One table, drawn anew in place."""

    def __init__(self, console: Console) -> None:
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=console, refresh_per_second=10)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, video: VideoView | None, steps: list[StepView], note: str | None) -> None:
        self._live.update(live_view(video, steps, self._spinner, note), refresh=True)


class _LineWatcher:
    """One line for each change, for a log or a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[int, tuple[StepState, int]] = {}
        self._note: str | None = None

    def show(self, _video: VideoView | None, steps: list[StepView], note: str | None) -> None:
        if note is not None and note != self._note:
            self._console.print(note, soft_wrap=True)
        self._note = note
        for number, step in enumerate(gathered(steps)):
            standing = (step.state, step.attempts)
            if step.state is not StepState.SCHEDULED and self._said.get(number) != standing:
                self._said[number] = standing
                self._console.print(step_line(step), soft_wrap=True)
