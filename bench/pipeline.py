"""``make bench``: how long one video takes, from the first byte sent to ready, and which step takes how much of it.

Uses the stack that runs on RUSHES_HOME, or starts one on a folder of its own. What else the machine does shows in the
numbers: close it before comparing.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from cli.api_client import ApiClient, open_readable
from cli.console import duration_text, messages, output, size_text
from cli.demo import drawn_clip
from cli.errors import CommandFailed
from cli.where import service_of
from contracts.status import VideoStatus
from embedded.errors import StackError
from embedded.run_file import RunFile
from embedded.signals import interruptible
from embedded.stack import Stack
from settings import Settings, load_settings

_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Timing:
    """One video's way.

    Attributes:
        upload_seconds: From the first byte to the api's answer.
        ready_seconds: From the answer to status ready, to within ``_POLL_SECONDS``.
        steps: Seconds by activity, as Temporal's history has them.
        video_seconds: Length of the published video.
    """

    upload_seconds: float
    ready_seconds: float
    steps: dict[str, float]
    video_seconds: float


def bench(
    video: Annotated[Path | None, typer.Argument(help="The video. Default: the clip of `rushes demo`.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="How often it is sent, one after the other.")] = 3,
) -> None:
    """Time a video through the pipeline."""
    if video is not None:
        open_readable(video).close()
    raise typer.Exit(asyncio.run(_bench(load_settings(), video, runs)))


async def _bench(settings: Settings, video: Path | None, runs: int) -> int:
    with tempfile.TemporaryDirectory(prefix="rushes-bench-") as folder:
        own = settings.model_copy(update={"home": Path(folder), "port": 0, "temporal_port": 0, "temporal_ui_port": 0})
        stack = Stack(own, os.environ, messages().print)
        with interruptible(stack.kill, messages().print) as interruption:
            try:
                async with _running(settings, stack) as run, service_of(settings, run).api() as api:
                    file = video or await drawn_clip(own)
                    timings = [await _time(api, file) for _ in range(runs)]
            except asyncio.CancelledError:
                if interruption.received is None:
                    raise
                return interruption.exit_code
        _print(file, file.stat().st_size, timings)
    return 0


@asynccontextmanager
async def _running(settings: Settings, stack: Stack) -> AsyncIterator[RunFile]:
    if (found := RunFile.read(settings.home)) is not None:
        yield found
    else:
        async with stack as run:
            yield run


async def _time(api: ApiClient, file: Path) -> Timing:
    begun = time.monotonic()
    accepted = await api.upload(file)
    uploaded = time.monotonic()
    video_id = str(accepted.video_id)
    while not (video := await api.video(video_id)).is_settled:  # noqa: ASYNC110 - another process settles it
        await asyncio.sleep(_POLL_SECONDS)
    ready = time.monotonic()
    if video.status is not VideoStatus.READY:
        raise CommandFailed(f"{video.error_reason} ({video.error_code})")
    steps = (await api.steps(video_id)).steps
    return Timing(
        upload_seconds=uploaded - begun,
        ready_seconds=ready - uploaded,
        steps={step.activity: step.duration_seconds or 0.0 for step in steps},
        video_seconds=video.duration_seconds or 0.0,
    )


def _print(file: Path, size_bytes: int, timings: Sequence[Timing]) -> None:
    table = Table(title=f"{file.name}, {size_text(size_bytes)}, {len(timings)} runs on {os.cpu_count()} cores")
    for name in ("", "Least", "Median", "Most"):
        table.add_column(name, justify="right" if name else "left")

    def row(name: str, values: Sequence[float]) -> None:
        three = (min(values), statistics.median(values), max(values))
        table.add_row(name, *(duration_text(value) for value in three))

    row("upload", [timing.upload_seconds for timing in timings])
    for activity in timings[0].steps:
        row(f"  {activity}", [timing.steps.get(activity, 0.0) for timing in timings])
    row("accepted to ready", [timing.ready_seconds for timing in timings])
    output().print(table)
    ready = statistics.median(timing.ready_seconds for timing in timings)
    output().print(f"{timings[0].video_seconds / ready:.1f} seconds of video ready in a second.")


def main() -> int:
    """Run it; what goes wrong is a sentence."""
    try:
        typer.run(bench)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except (CommandFailed, StackError) as error:
        messages().print(str(error), style="red", soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
