"""Step 2, beside the transcode: the still picture that stands for the video."""

from dataclasses import dataclass

from temporalio import activity

from activities.attempt_file import attempt_file
from activities.heartbeat import signs_of_life
from contracts.storage_keys import THUMBNAIL_NAME
from media.ffmpeg import Ffmpeg
from media.model import MediaProbe
from media.plan import plan_thumbnail
from media.profile import PROFILES
from storage.protocol import Storage


@dataclass(frozen=True)
class CreateThumbnailInput:
    """What to take the picture from.

    Attributes:
        video_id: Whose scratch folder gets the picture.
        original_key: Storage key of the uploaded file.
        probe: What ``validate_video`` found in it.
        profile: Name of the encoding profile.
    """

    video_id: str
    original_key: str
    probe: MediaProbe
    profile: str


@dataclass(frozen=True)
class CreateThumbnailResult:
    """What was drawn.

    Attributes:
        width: Pixels.
        height: Pixels.
    """

    width: int
    height: int


class CreateThumbnailActivities:
    """``create_thumbnail`` with its dependencies."""

    def __init__(self, ffmpeg: Ffmpeg, storage: Storage) -> None:
        self._ffmpeg = ffmpeg
        self._storage = storage

    @activity.defn
    async def create_thumbnail(self, request: CreateThumbnailInput) -> CreateThumbnailResult:
        """Write a JPEG of the frame at 1 s, or at the middle if shorter, into scratch. A second run replaces it.

        Raises:
            TranscodeFailed: Ffmpeg ended with an error.
            OriginalMissing: The original is not in storage.
            StorageFailed: Scratch can't be written to.
        """
        plan = plan_thumbnail(request.probe, PROFILES[request.profile])
        source = await self._storage.original_path(request.original_key)
        folder = await self._storage.scratch_folder(request.video_id)
        async with signs_of_life(), attempt_file(folder, THUMBNAIL_NAME) as part:
            await self._ffmpeg.thumbnail(plan, source, part)
        return CreateThumbnailResult(width=plan.width, height=plan.height)
