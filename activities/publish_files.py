"""Step 4: from the work files to where the world finds it once the row is ready; and the way back."""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.row_ids import row_id
from contracts.storage_keys import THUMBNAIL_NAME, VIDEO_NAME, WorkFile, processed_folder
from database.videos import Videos
from storage.protocol import Storage


@dataclass(frozen=True)
class PublishFilesInput:
    """Which files: those that were verified, and no others.

    Attributes:
        video_id: Of the video.
        video: The video.
        thumbnail: The thumbnail.
        attempt: Of the run that made them; None is what a run of an older version means by saying nothing.
    """

    video_id: str
    video: WorkFile
    thumbnail: WorkFile
    attempt: int | None = None


@dataclass(frozen=True)
class WithdrawFilesInput:
    """Whose files.

    Attributes:
        video_id: Of the video.
        attempt: Of the run that published them; 1 is what a run of an older version means by saying nothing.
    """

    video_id: str
    attempt: int = 1


class PublishFilesActivities:
    """``publish_files`` and ``withdraw_files`` with their dependencies."""

    def __init__(self, storage: Storage, videos: Videos) -> None:
        self._storage = storage
        self._videos = videos

    @activity.defn
    async def publish_files(self, request: PublishFilesInput) -> None:
        """Move video and thumbnail to the processed files. Published already is a success.

        A Temporal that is put back, or has lost its last moments, lets a run go on that had ended: what it makes once
        more is another file, and must not take the place of the one that is served.

        Raises:
            WorkMissing: A file is not there, or is not the one that was verified.
            StorageFailed: The disk refused.
            StatusConflict: The row was retried or deleted meanwhile, or says that this run has failed.
            DatabaseUnavailable: Whether the row waits for them is not known.
        """
        files = {VIDEO_NAME: request.video, THUMBNAIL_NAME: request.thumbnail}
        async with heartbeats():
            if await self._videos.awaits_files(row_id(request.video_id), request.attempt):
                await self._storage.publish(request.video_id, files)

    @activity.defn
    async def withdraw_files(self, request: WithdrawFilesInput) -> None:
        """Remove the published files of a video that did not become ready after all. Gone already is a success.

        Raises:
            StorageFailed: The disk refused.
            StatusConflict: No row can have this id.
            DatabaseUnavailable: Whether they are another run's is not known.
        """
        async with heartbeats(), self._videos.held_unless_ready(row_id(request.video_id), request.attempt) as unwanted:
            if unwanted:
                await self._storage.delete_folder(processed_folder(request.video_id))
