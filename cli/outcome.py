"""How a video ended, in a few lines."""

from rich.console import Console
from rich.text import Text

from cli.console import duration_text
from cli.where import Service
from client.asynchronous import AsyncRushes
from client.views import VideoView
from contracts.status import VideoStatus


def print_outcome(video: VideoView, service: Service, api: AsyncRushes, console: Console) -> None:
    """Say where a ready video is, or why another is in error."""
    if video.status is VideoStatus.READY and video.url_mp4 is not None:
        line = f"Ready: {video.width}x{video.height}, {duration_text(video.duration_seconds)}"
        console.print(Text(line, style="green"), soft_wrap=True)
        console.print(f"  {api.absolute(video.url_mp4)}", soft_wrap=True)
        if video.thumbnail is not None:
            console.print(f"  {api.absolute(video.thumbnail)}", soft_wrap=True)
        if video.reprocess_error_code is not None:
            console.print(Text(f"Not made anew: {reprocess_error_text(video)}", style="red"), soft_wrap=True)
    else:
        console.print(Text(f"{video.status.value}: {error_text(video)}", style="red"), soft_wrap=True)
    if (workflow := service.workflow_url(video.workflow_id)) is not None:
        console.print(f"  {workflow}", soft_wrap=True)


def error_text(video: VideoView) -> str:
    """Why it is in error: the sentence and its code."""
    return f"{video.error_reason or 'No reason is known.'} ({video.error_code})"


def reprocess_error_text(video: VideoView) -> str:
    """Why it could not be made anew: the sentence and its code."""
    return f"{video.reprocess_error_reason or 'No reason is known.'} ({video.reprocess_error_code})"
