"""``rushes show``: the whole story of one video."""

import asyncio
from collections import Counter
from typing import Annotated, Final

import typer
from rich.text import Text

from cli.arguments import AsJson, VideoId, whole_id
from cli.console import Facts, duration_text, messages, output, print_facts, status_text, time_text
from cli.errors import sentence_of
from cli.local_logs import log_lines
from cli.outcome import error_text, reprocess_error_text
from cli.steps_view import steps_table
from cli.where import Service, find_service
from client.asynchronous import AsyncRushes
from client.errors import RushesError
from client.views import FileView, StepList, StepView, VideoView
from contracts.sizes import size_text
from contracts.status import VideoStatus
from contracts.worker_identity import WorkerIdentity

_LOGS: Final = "logs"
_NO_STEPS: Final = "none: Temporal keeps them no longer or is another one since, or nothing was started"


def show(
    video_id: VideoId,
    most: Annotated[int, typer.Option("--logs", min=0, help="Most lines of the logs, where they are here.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show a video: its row, its plan, the steps of its newest run, and what the logs of a stack here say of it."""
    service = find_service()

    async def fetch() -> tuple[VideoView, StepList | None]:
        async with service.api() as api:
            return await _fetch(api, await whole_id(api, video_id))

    video, run = asyncio.run(fetch())
    if as_json:
        _print_json(video, run, service)
        return
    _print_details(video, run, service)
    if run is not None and run.steps:
        output().print()
        output().print(steps_table(run.steps))
    if lines := log_lines(service.settings.home / _LOGS, str(video.id), most=most) if most else []:
        output().print()
        for line in lines:
            output().print(Text(line, style="dim"), soft_wrap=True)


async def _fetch(api: AsyncRushes, video_id: str) -> tuple[VideoView, StepList | None]:
    video = await api.video(video_id)
    try:
        return video, await api.steps(video_id)
    except RushesError as refusal:
        if refusal.code != "temporal_unavailable":
            raise
        messages().print(Text(sentence_of(refusal), style="yellow"), soft_wrap=True)
        return video, None


def _print_json(video: VideoView, run: StepList | None, service: Service) -> None:
    told = {"steps": None} if run is None else run.model_dump(mode="json")
    workflow_url = None if _has_no_run(video, run) else service.workflow_url(video.workflow_id)
    output().print_json(data={**video.model_dump(mode="json"), "workflow_url": workflow_url, **told}, indent=2)


def _print_details(video: VideoView, run: StepList | None, service: Service) -> None:
    steps = [] if run is None else run.steps
    workflow_url = None if _has_no_run(video, run) else service.workflow_url(video.workflow_id)
    facts: Facts = [
        ("ID", str(video.id)),
        ("Title", video.title),
        *(("Metadata", Text(f"{key}={value}")) for key, value in video.metadata.items()),
        ("Status", status_text(video.status)),
        ("Reason", Text(error_text(video)) if video.status is VideoStatus.ERROR else None),
        *(("Warning", Text(f"{warning.message} ({warning.code})")) for warning in video.warnings),
        ("File", _original(video)),
        ("Uploaded", time_text(video.created_at)),
        ("Profile", video.profile),
        ("Made anew", f"with profile {video.reprocess_profile}" if video.is_reprocessing else None),
        ("Not made anew", Text(reprocess_error_text(video)) if video.reprocess_error_code is not None else None),
        ("Plan", Text(run.plan) if run is not None and run.plan else None),
        ("Before", _file(run.before) if run is not None else None),
        ("After", _file(run.after) if run is not None else None),
        ("Attempt", str(video.attempt) if video.attempt > 1 else None),
        ("Progress", _progress(video)),
        ("Failed last", Text(video.step_failure) if video.step_failure is not None else None),
        ("Duration", duration_text(video.duration_seconds)),
        ("Picture", None if video.width is None else f"{video.width}x{video.height}"),
        ("Video", video.url_mp4 and service.api_url + video.url_mp4),
        ("Thumbnail", video.thumbnail and service.api_url + video.thumbnail),
        ("Worker", _workers(steps)),
        ("Steps", _NO_STEPS if _has_no_run(video, run) else None),
        ("Workflow", workflow_url or video.workflow_id),
    ]
    print_facts(output(), facts)


def _has_no_run(video: VideoView, run: StepList | None) -> bool:
    """Whether Temporal knows none, and none is about to begin: its address would lead to nothing."""
    is_open = video.status in {VideoStatus.UPLOADING, VideoStatus.PROCESSING} or video.is_reprocessing
    return run is not None and not run.steps and not is_open


def _original(video: VideoView) -> str:
    size_bytes = video.file_size_bytes
    return f"{video.original_filename} ({'not here yet' if size_bytes is None else size_text(size_bytes)})"


def _progress(video: VideoView) -> str | None:
    if video.progress is None:
        return None
    told = [f"{video.progress:.0%} ({video.step})"]
    told += [f"try {video.step_attempt}"] if (video.step_attempt or 1) > 1 else []
    told += [f"{video.speed:.1f}x"] if video.speed is not None else []
    told += [f"{duration_text(video.time_left_seconds)} left"] if video.time_left_seconds is not None else []
    return ", ".join(told)


def _file(file: FileView | None) -> Text | None:
    if file is None:
        return None
    rate = f", {file.frame_rate:.4g} frames a second" if file.frame_rate is not None else ""
    return Text(
        f"{file.picture_codec} {file.width}x{file.height}{rate}, {file.sound_codec or 'no sound'}, "
        f"{duration_text(file.duration_seconds)}, {size_text(file.size_bytes)}"
    )


def _workers(steps: list[StepView]) -> Text | None:
    """Who did how many of the steps."""
    counts = Counter(_name(step.worker) for step in steps if step.worker is not None)
    told = (f"{worker} ({count} {'step' if count == 1 else 'steps'})" for worker, count in counts.most_common())
    return Text(", ".join(told)) if counts else None


def _name(identity: str) -> str:
    """Host, process and label: the queue is that of the step."""
    worker = WorkerIdentity.read(identity)
    return identity if worker is None else f"{worker.host}:{worker.pid} {worker.label}".rstrip()
