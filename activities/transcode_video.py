"""Step 2: make the rendition that every player plays."""

import asyncio
from dataclasses import dataclass

from temporalio import activity

from activities.attempt_file import attempt_file
from activities.heartbeat import HeartbeatProgress
from contracts.storage_keys import VIDEO_NAME
from media.ffmpeg import Ffmpeg
from media.model import MediaProbe
from media.plan import plan_transcode
from media.profile import PROFILES
from storage.protocol import Storage


@dataclass(frozen=True)
class TranscodeVideoInput:
    """What to transcode, and how.

    Attributes:
        video_id: Whose scratch folder gets the output.
        original_key: Storage key of the uploaded file.
        probe: What ``validate_video`` found in it.
        profile: Name of the encoding profile.
    """

    video_id: str
    original_key: str
    probe: MediaProbe
    profile: str


@dataclass(frozen=True)
class TranscodeVideoResult:
    """What was written.

    Attributes:
        size_bytes: Size of the output in scratch.
    """

    size_bytes: int


class TranscodeVideoActivities:
    """``transcode_video`` with its dependencies."""

    def __init__(self, ffmpeg: Ffmpeg, storage: Storage) -> None:
        self._ffmpeg = ffmpeg
        self._storage = storage

    @activity.defn
    async def transcode_video(self, request: TranscodeVideoInput) -> TranscodeVideoResult:
        """Encode the original into scratch as H.264 and AAC. A second run replaces the first one's output.

        Heartbeats carry ``TranscodeProgress`` and are sent only when the output has grown longer, so that an encoder
        that hangs times out and is tried again. Cancelling kills ffmpeg.

        Raises:
            TranscodeFailed: Ffmpeg ended with an error.
            OriginalMissing: The original is not in storage.
            StorageFailed: Scratch can't be written to.
        """
        plan = plan_transcode(request.probe, PROFILES[request.profile])
        source = await self._storage.original_path(request.original_key)
        folder = await self._storage.scratch_folder(request.video_id)
        async with attempt_file(folder, VIDEO_NAME) as part:
            await self._ffmpeg.transcode(plan, source, part, HeartbeatProgress(plan.duration_seconds))
            size_bytes = (await asyncio.to_thread(part.stat)).st_size
        return TranscodeVideoResult(size_bytes=size_bytes)
