"""Activities that do as a test says, so that every path of the workflow can be walked without media or a database.

Only the activities are stand-ins; the workflow, its options and the server are the real ones.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from activities.clean_scratch import CleanScratchInput
from activities.create_thumbnail import CreateThumbnailInput, CreateThumbnailResult
from activities.error_types import ErrorTypeInterceptor
from activities.mark_error import MarkErrorInput, MarkErrorResult
from activities.mark_ready import MarkReadyInput
from activities.publish_files import PublishFilesInput, PublishFilesResult, WithdrawFilesInput
from activities.transcode_video import TranscodeVideoInput, TranscodeVideoResult
from activities.validate_video import ValidateVideoInput, ValidateVideoResult
from activities.verify_output import VerifyOutputInput, VerifyOutputResult
from contracts.processing import TranscodeProgress
from contracts.status import VideoStatus
from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE
from media.model import AudioStream, MediaProbe, VideoStream
from workflows.video_processing import VideoProcessingWorkflow

_THROTTLE = timedelta(milliseconds=50)

Behaviour = Callable[[int], Awaitable[None]]
"""What an activity does before it returns, given the number of its call (1, 2, …)."""

PROBE = MediaProbe(
    container="mov,mp4,m4a,3gp,3g2,mj2",
    duration_seconds=10.0,
    size_bytes=1_000_000,
    video=VideoStream(
        index=0,
        codec="h264",
        profile="High",
        pixel_format="yuv420p",
        width=1280,
        height=720,
        rotation_degrees=0,
        sample_aspect_ratio=1.0,
        frame_rate=25.0,
        duration_seconds=10.0,
    ),
    audio=(
        AudioStream(index=1, codec="aac", channels=2, sample_rate_hertz=48000, duration_seconds=10.0, is_default=True),
    ),
)


async def hang_with_heartbeats(_call: int) -> None:
    """Run until cancelled, as a long encode does."""
    seconds = 0.0
    while True:
        activity.heartbeat(TranscodeProgress(out_time_seconds=seconds, fraction=seconds / 10, speed=1.0))
        await asyncio.sleep(0.05)
        seconds = min(9.9, seconds + 0.05)


class ScriptedActivities:
    """All activities; ``behaviours`` says what one does, ``calls`` what was called, in order."""

    def __init__(self) -> None:
        self.behaviours: dict[str, Behaviour] = {}
        self.calls: list[str] = []
        self.ended: list[str] = []
        self.inputs: dict[str, object] = {}
        self.row_status: VideoStatus | None = VideoStatus.ERROR
        self._begun: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def begun(self, name: str) -> None:
        """Wait until the activity has been called."""
        async with asyncio.timeout(20):
            await self._begun[name].wait()

    async def _act(self, request: object) -> None:
        name = activity.info().activity_type
        self.calls.append(name)
        self.inputs[name] = request
        self._begun[name].set()
        try:
            if name in self.behaviours:
                await self.behaviours[name](self.calls.count(name))
        finally:
            self.ended.append(name)

    @activity.defn
    async def validate_video(self, request: ValidateVideoInput) -> ValidateVideoResult:
        await self._act(request)
        return ValidateVideoResult(probe=PROBE)

    @activity.defn
    async def transcode_video(self, request: TranscodeVideoInput) -> TranscodeVideoResult:
        await self._act(request)
        return TranscodeVideoResult(size_bytes=900_000)

    @activity.defn
    async def create_thumbnail(self, request: CreateThumbnailInput) -> CreateThumbnailResult:
        await self._act(request)
        return CreateThumbnailResult(width=1280, height=720)

    @activity.defn
    async def verify_output(self, request: VerifyOutputInput) -> VerifyOutputResult:
        await self._act(request)
        return VerifyOutputResult(duration_seconds=10.0, width=1280, height=720, size_bytes=900_000)

    @activity.defn
    async def publish_files(self, request: PublishFilesInput) -> PublishFilesResult:
        await self._act(request)
        return PublishFilesResult(
            video_key=f"processed/{request.video_id}/video.mp4",
            thumbnail_key=f"processed/{request.video_id}/thumbnail.jpg",
            size_bytes=900_000,
        )

    @activity.defn
    async def withdraw_files(self, request: WithdrawFilesInput) -> None:
        await self._act(request)

    @activity.defn
    async def mark_ready(self, request: MarkReadyInput) -> None:
        await self._act(request)

    @activity.defn
    async def mark_error(self, request: MarkErrorInput) -> MarkErrorResult:
        await self._act(request)
        return MarkErrorResult(status=self.row_status)

    @activity.defn
    async def clean_scratch(self, request: CleanScratchInput) -> None:
        await self._act(request)


@asynccontextmanager
async def scripted_workers(client: Client, script: ScriptedActivities) -> AsyncIterator[None]:
    """Both queues served by scripted activities, with the workers' real interceptor."""
    control = Worker(
        client,
        task_queue=CONTROL_QUEUE,
        identity=CONTROL_QUEUE,
        workflows=[VideoProcessingWorkflow],
        activities=[
            script.publish_files,
            script.withdraw_files,
            script.mark_ready,
            script.mark_error,
            script.clean_scratch,
        ],
        interceptors=[ErrorTypeInterceptor()],
        max_heartbeat_throttle_interval=_THROTTLE,
        default_heartbeat_throttle_interval=_THROTTLE,
    )
    media = Worker(
        client,
        task_queue=MEDIA_QUEUE,
        identity=MEDIA_QUEUE,
        activities=[script.validate_video, script.transcode_video, script.create_thumbnail, script.verify_output],
        interceptors=[ErrorTypeInterceptor()],
        max_heartbeat_throttle_interval=_THROTTLE,
        default_heartbeat_throttle_interval=_THROTTLE,
    )
    async with control, media:
        yield
