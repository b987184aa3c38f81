"""Step 2, beside everything else: the still picture that stands for the video."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from temporalio import activity

from activities.from_parts import from_parts
from activities.heartbeat import heartbeats
from activities.work_names import named_by_what_makes_it
from contracts.partial_file import PartialFile
from contracts.storage_keys import WorkFile
from media.ffmpeg import Ffmpeg
from media.plan import ThumbnailPlan
from media.source_parts import need_for_frames
from media.thumbnail import create_thumbnail
from storage.hashing import sha256_of_file
from storage.protocol import Storage
from threads.files import off_loop


@dataclass(frozen=True)
class CreateThumbnailInput:
    """What to take the picture from.

    Attributes:
        video_id: Whose work files get the picture.
        original_key: Storage key of the uploaded file.
        thumbnail: Which frame, and how large, from the plan.
        making: Which making of the output this is, from 1.
    """

    video_id: str
    original_key: str
    thumbnail: ThumbnailPlan
    making: int


@dataclass(frozen=True)
class CreateThumbnailResult:
    """What was drawn.

    Attributes:
        file: The JPEG.
        sha256: Of the file; None from a worker of an older version.
    """

    file: WorkFile
    sha256: str | None = None


class CreateThumbnailActivities:
    """``create_thumbnail`` with its dependencies."""

    def __init__(self, ffmpeg: Ffmpeg, storage: Storage) -> None:
        self._ffmpeg = ffmpeg
        self._storage = storage

    @activity.defn
    async def create_thumbnail(self, request: CreateThumbnailInput) -> CreateThumbnailResult:
        """Write a JPEG of the planned frame, or of another where that one is black. A second run makes the same.

        Raises:
            OutputMismatch: What was written is not a whole JPEG of the planned size.
            TranscodeFailed: No frame could be drawn, or ffmpeg was killed.
            OriginalMissing: The original is not in storage.
            StorageFailed: It can't be written.
        """
        made_of = (request.original_key, request.thumbnail, request.making, self._ffmpeg.version)
        key = named_by_what_makes_it(request.video_id, "thumbnail", ".jpg", *made_of)
        async with (
            heartbeats(),
            self._storage.fetch_partly(request.original_key) as source,
            self._storage.create(key) as target,
        ):
            plan = request.thumbnail
            if plan.representative:
                await source.need_all()
            frames = (plan.at_seconds, *plan.otherwise_seconds)
            await need_for_frames(self._ffmpeg, source, plan.video_index, frames)
            await from_parts(source, partial(self._draw, plan, source, target), lambda is_bright: is_bright)
            size_bytes = (await off_loop(target.stat)).st_size
            sha256 = await sha256_of_file(target)
        return CreateThumbnailResult(WorkFile(key, await self._storage.size(key) or size_bytes), sha256)

    async def _draw(self, plan: ThumbnailPlan, source: PartialFile, target: Path) -> bool:
        return await create_thumbnail(self._ffmpeg, plan, source.path, target, source_is_whole=source.is_whole)
