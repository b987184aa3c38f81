"""How the steps of a video look: as a table, and as plain lines."""

from collections import Counter
from datetime import timedelta
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.console import duration_text
from client.views import StepView, VideoView
from contracts.status import StepState
from contracts.temporal_names import parse_chunk_activity_id

_MARKS: Final = {
    StepState.SCHEDULED: Text("·", style="dim"),
    StepState.RETRYING: Text("↻", style="yellow"),
    StepState.PAUSED: Text("‖", style="yellow"),
    StepState.COMPLETED: Text("✓", style="green"),
    StepState.FAILED: Text("✗", style="red"),
    StepState.TIMED_OUT: Text("✗", style="red"),
    StepState.CANCELLED: Text("⊘", style="yellow"),
}
_BAR_WIDTH: Final = 40
_FEWEST_GATHERED: Final = 4
_MOST_TELLING: Final = (
    StepState.FAILED,
    StepState.TIMED_OUT,
    StepState.CANCELLED,
    StepState.RUNNING,
    StepState.PAUSED,
    StepState.RETRYING,
    StepState.SCHEDULED,
)
"""Which state of one chunk is said of all of them, here and on the page: what goes on, unless it has ended badly."""
_HELD_UP: Final = (StepState.PAUSED, StepState.RETRYING)


def steps_table(steps: list[StepView], *, spinner: Spinner | None = None) -> Table:
    """One row a step: its mark, name, summary and time, and below it why an attempt failed.

    Args:
        steps: In the order in which they began.
        spinner: Turns beside a step that runs; a still mark where there is none.
    """
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
    table.add_column(min_width=1, no_wrap=True)
    table.add_column(min_width=max((len(step.activity) for step in steps), default=1), no_wrap=True, style="bold")
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    for step in gathered(steps):
        running: RenderableType = spinner or Text("▸", style="cyan")
        mark = running if step.state is StepState.RUNNING else _MARKS[step.state]
        summary = Text(step.summary, style="dim", no_wrap=True, overflow="ellipsis")
        table.add_row(mark, step.activity, summary, _took(step))
        if step.last_failure is not None:
            style = "yellow" if step.state is StepState.COMPLETED else "red"
            table.add_row("", "", Text(f"{step.last_failure.message} ({step.last_failure.code})", style=style), "")
    return table


def gathered(steps: list[StepView]) -> list[StepView]:
    """The steps, the tries of one as one, and those of a picture's chunks as one: a film has hundreds."""
    steps = _tries_as_one(steps)
    chunks = [step for step in steps if parse_chunk_activity_id(step.activity_id) is not None]
    if len(chunks) < _FEWEST_GATHERED:
        return steps
    first = steps.index(chunks[0])
    others = [step for step in steps[first:] if step not in chunks]
    return [*steps[:first], _as_one(chunks), *others]


def _tries_as_one(steps: list[StepView]) -> list[StepView]:
    """What the workflow asked for again, where it was first asked for: as it stands now, and why it failed last."""
    newest: dict[str, StepView] = {}
    for step in steps:
        name = step.activity_id.partition(".")[0]
        before = newest.get(name)
        newest[name] = step if before is None else _after(before, step)
    return list(newest.values())


def _after(before: StepView, step: StepView) -> StepView:
    return step.model_copy(
        update={
            "attempts": before.attempts + step.attempts,
            "started_at": before.started_at or step.started_at,
            "last_failure": step.last_failure or before.last_failure,
        }
    )


def _as_one(chunks: list[StepView]) -> StepView:
    counts = Counter(chunk.state for chunk in chunks)
    of = (parse_chunk_activity_id(chunks[0].activity_id) or (1, 1))[1]
    state = next((state for state in _MOST_TELLING if counts[state]), StepState.COMPLETED)
    if state is StepState.COMPLETED and counts[state] < of:
        state = StepState.RUNNING
    held_up = "".join(f", {counts[one]} {one.value}" for one in _HELD_UP if counts[one])
    begun = [chunk.started_at for chunk in chunks if chunk.started_at is not None]
    ends = [begin + timedelta(seconds=chunk.duration_seconds or 0) for chunk in chunks if (begin := chunk.started_at)]
    return chunks[0].model_copy(
        update={
            "summary": f"Picture: {counts[StepState.COMPLETED]} of {of} chunks done{held_up}",
            "state": state,
            "attempts": max(chunk.attempts for chunk in chunks),
            "started_at": min(begun, default=None),
            "duration_seconds": (max(ends) - min(begun)).total_seconds() if begun else None,
            "last_failure": next((chunk.last_failure for chunk in reversed(chunks) if chunk.last_failure), None),
        }
    )


def live_view(video: VideoView | None, steps: list[StepView], spinner: Spinner, note: str | None) -> Group:
    """The table, and while the video is being processed a bar beneath it."""
    parts: list[RenderableType] = [steps_table(steps, spinner=spinner)]
    if video is not None and not video.is_settled and video.progress is not None:
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            " ",
            ProgressBar(total=1, completed=video.progress, width=_BAR_WIDTH),
            f"{video.progress:4.0%}",
            Text(video.step or "", style="dim"),
        )
        parts.append(bar)
    if note is not None:
        parts.append(Text(note, style="yellow"))
    return Group(*parts)


def step_line(step: StepView) -> str:
    """A step as one plain line."""
    parts = [f"{step.activity:<17} {step.state.value}"]
    if step.state is not StepState.SCHEDULED and step.attempts > 1:
        parts.append(f"(attempt {step.attempts})")
    if step.state is StepState.COMPLETED:
        parts.append(f"in {duration_text(step.duration_seconds)}")
    if step.last_failure is not None and step.state is not StepState.COMPLETED:
        parts.append(f": {step.last_failure.message} ({step.last_failure.code})")
    return " ".join(parts).replace(" :", ":")


def _took(step: StepView) -> Text:
    attempts = f"attempt {step.attempts}  " if step.attempts > 1 else ""
    attempts += "paused" if step.state is StepState.PAUSED else ""
    return Text(f"{attempts}{duration_text(step.duration_seconds)}")
