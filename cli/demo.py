"""``rushes demo``: one video through the whole pipeline, for everyone to see."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from cli.browsing import open_page
from cli.console import duration_text, output, print_facts, status_text
from cli.errors import CommandFailed, ExitCode
from cli.follow import follow
from cli.outcome import error_text
from cli.readable import check_readable
from cli.serve import announcer, forever, started
from cli.upload import Wishes, send
from cli.where import Service, service_of
from client.views import FileView, VideoView
from contracts.errors import VideoError
from contracts.sizes import size_text
from contracts.status import VideoStatus
from contracts.storage_keys import THUMBNAIL_NAME, VIDEO_NAME, original_key, processed_key
from embedded.run_file import RunFile
from embedded.signals import interruptible
from embedded.stack import Stack
from media.demo import demo_clip_command
from media.ffmpeg import Ffmpeg
from media.programs import FfmpegMissing
from media.sandbox import LOOKING_SECONDS, Access, SandboxMissing
from settings import Settings, load_settings

_CLIP_NAME: Final = "demo.mp4"
_MOST_CLIP_BYTES: Final = 256 * 1024 * 1024


def demo(
    video: Annotated[
        Path | None,
        typer.Argument(metavar="[VIDEO]", help="The video to send. Default: a clip of 10 s that is drawn here."),
    ] = None,
) -> None:
    """Send a video through the whole pipeline and show each step.

    Uses the stack that runs on RUSHES_HOME, or starts one. At a terminal the video's page is opened, where there is a
    screen, and a stack of our own serves until Ctrl-C; otherwise it is stopped. Exits with 1 if the video ends in
    error.
    """
    settings = load_settings()
    if video is not None:
        check_readable(video)
        _check_name(video, settings)
    raise typer.Exit(asyncio.run(_Demo(settings, video, output()).run()))


def _check_name(video: Path, settings: Settings) -> None:
    """What would be refused for its name is so before a stack is started for it."""
    allowed = settings.allowed_extensions
    if RunFile.read(settings.home) is None and video.suffix.lower() not in allowed:
        raise CommandFailed(
            f"{video.name} does not end in {', '.join(allowed)}. RUSHES_ALLOWED_EXTENSIONS allows others.",
            ExitCode.USAGE,
        )


class _Demo:
    """One demonstration."""

    def __init__(self, settings: Settings, video: Path | None, console: Console) -> None:
        self._settings = settings
        self._video = video
        self._console = console
        self._say = announcer(console)
        self._stack = Stack(settings, os.environ, self._say)

    async def run(self) -> int:
        """Do it, and return the exit code."""
        exit_code: int | None = None
        with interruptible(self._stack.kill, self._say) as interruption:
            try:
                async with self._running() as (run, is_ours):
                    video = await self._send_and_follow(service_of(self._settings, run))
                    exit_code = ExitCode.OK if video.status is VideoStatus.READY else ExitCode.FAILED
                    if sys.stdin.isatty() and self._console.is_terminal:
                        await open_page(page_of(run.api, video), os.environ)
                        if is_ours:
                            self._say("\nServing until Ctrl-C.")
                            await forever()
            except asyncio.CancelledError:
                if interruption.received is None:
                    raise
                self._say("Stopped.")
        return interruption.exit_code if exit_code is None else exit_code

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[tuple[RunFile, bool]]:
        """The stack, and whether it is ours to stop."""
        found = RunFile.read(self._settings.home)
        if found is not None:
            self._say(f"Using the stack that runs on {self._settings.home} (process {found.pids['stack']}).")
            yield found, False
            return
        async with started(self._stack, self._settings, self._console) as run:
            yield run, True

    async def _send_and_follow(self, service: Service) -> VideoView:
        file = self._video or await drawn_clip(self._settings)
        async with service.api() as api:
            video_id = await send(api, file, Wishes(), self._console)
            page = service.workflow_url((await api.video(video_id)).workflow_id)
            if page is not None:
                self._say(f"Watch it in Temporal's Web UI: {page}")
            self._say("")
            video = await follow(api, video_id, self._console)
            self._say("")
            published = (await api.steps(video_id)).after if video.status is VideoStatus.READY else None
            _print_summary(self._console, video, published, service, file.suffix)
        return video


async def drawn_clip(settings: Settings) -> Path:
    """The default clip: 10 s, 1280x720, with sound; drawn at the first time and kept.

    Raises:
        CommandFailed: There is no ffmpeg, or it could not draw.
    """
    clip = settings.home / "demo" / _CLIP_NAME
    if clip.exists():
        return clip
    partial = clip.with_suffix(".part")
    try:
        clip.parent.mkdir(parents=True, exist_ok=True)
        ffmpeg = await Ffmpeg.locate(settings.ffmpeg, settings.ffprobe, sandbox=settings.sandbox)
        access = Access(writes=(partial,), seconds=LOOKING_SECONDS, file_bytes=_MOST_CLIP_BYTES)
        result = await ffmpeg.read(demo_clip_command(ffmpeg.ffmpeg_path, partial), access)
    except (FfmpegMissing, SandboxMissing) as error:
        raise CommandFailed(str(error), ExitCode.UNAVAILABLE) from error
    except (OSError, VideoError) as error:
        raise CommandFailed(f"The clip can't be drawn: {error}.", ExitCode.UNAVAILABLE) from error
    if result.return_code != 0:
        partial.unlink(missing_ok=True)
        raise CommandFailed(f"ffmpeg could not draw the clip:\n{result.stderr_tail}", ExitCode.UNAVAILABLE)
    return partial.replace(clip)


def page_of(address: str, video: VideoView) -> str:
    """Where a person looks at a video."""
    return f"{address.rstrip('/')}/videos/{video.id}"


def _print_summary(
    console: Console, video: VideoView, published: FileView | None, service: Service, extension: str
) -> None:
    """How it ended and where everything is."""
    video_id, place = str(video.id), _place(service)
    facts: list[tuple[str, str | Text | None]] = [
        ("Status", status_text(video.status)),
        ("Page", page_of(service.api_url, video)),
    ]
    if video.status is VideoStatus.ERROR:
        facts.append(("Reason", Text(error_text(video), style="red")))
    elif video.url_mp4 is not None and video.thumbnail is not None:
        sizes = [size_text(video.file_size_bytes or 0), *([size_text(published.size_bytes)] if published else [])]
        facts += [
            ("Duration", duration_text(video.duration_seconds)),
            ("Size", f"{video.width}x{video.height}, {' → '.join(sizes)}"),
            ("Video", service.api_url + video.url_mp4),
            ("", f"{place}/{processed_key(video_id, VIDEO_NAME)}"),
            ("Thumbnail", service.api_url + video.thumbnail),
            ("", f"{place}/{processed_key(video_id, THUMBNAIL_NAME)}"),
        ]
    facts += [
        ("Original", f"{place}/{original_key(video_id, extension.lower())}"),
        ("Workflow", service.workflow_url(video.workflow_id) or video.workflow_id),
        ("API docs", f"{service.api_url}/docs"),
    ]
    print_facts(console, facts)


def _place(service: Service) -> str:
    """The folder or bucket where originals and published files are."""
    if service.stack is not None:
        return (service.stack.storage or service.stack.uploads).rstrip("/")
    return (service.settings.storage or str(service.settings.uploads_folder)).rstrip("/")
