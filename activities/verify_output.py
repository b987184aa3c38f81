"""Step 3: the output is what was asked for, before anybody sees it."""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import HeartbeatProgress
from contracts.storage_keys import THUMBNAIL_NAME, VIDEO_NAME
from media.ffmpeg import Ffmpeg
from media.model import MediaProbe
from media.plan import plan_thumbnail, plan_transcode
from media.profile import PROFILES
from storage.protocol import Storage


@dataclass(frozen=True)
class VerifyOutputInput:
    """What was asked for.

    Attributes:
        video_id: Whose scratch folder has the output.
        probe: What ``validate_video`` found in the original.
        profile: Name of the encoding profile.
    """

    video_id: str
    probe: MediaProbe
    profile: str


@dataclass(frozen=True)
class VerifyOutputResult:
    """What the output is.

    Attributes:
        duration_seconds: Its length.
        width: Pixels, as displayed.
        height: Pixels, as displayed.
        size_bytes: Its size.
    """

    duration_seconds: float
    width: int
    height: int
    size_bytes: int


class VerifyOutputActivities:
    """``verify_output`` with its dependencies."""

    def __init__(self, ffmpeg: Ffmpeg, storage: Storage) -> None:
        self._ffmpeg = ffmpeg
        self._storage = storage

    @activity.defn
    async def verify_output(self, request: VerifyOutputInput) -> VerifyOutputResult:
        """Compare the files in scratch with the plan and decode the video from start to end. Reads only.

        Raises:
            OutputMismatch: Streams, size, duration or layout are not what the plan asked for.
            InvalidMedia: The original ended before its header promised.
        """
        profile = PROFILES[request.profile]
        plan = plan_transcode(request.probe, profile)
        folder = await self._storage.scratch_folder(request.video_id)
        output = await self._ffmpeg.verify(
            plan, request.probe, folder / VIDEO_NAME, HeartbeatProgress(plan.duration_seconds)
        )
        await self._ffmpeg.verify_thumbnail(plan_thumbnail(request.probe, profile), folder / THUMBNAIL_NAME)
        width, height = output.video.display_size
        return VerifyOutputResult(
            duration_seconds=output.duration_seconds, width=width, height=height, size_bytes=output.size_bytes
        )
