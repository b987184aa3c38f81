"""Step 4: from scratch to where the world finds it, all at once; and the way back."""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import signs_of_life
from contracts.storage_keys import THUMBNAIL_NAME, VIDEO_NAME, processed_key
from storage.protocol import Storage


@dataclass(frozen=True)
class PublishFilesInput:
    """Whose files.

    Attributes:
        video_id: Of the video.
    """

    video_id: str


@dataclass(frozen=True)
class PublishFilesResult:
    """Where they are now.

    Attributes:
        video_key: Storage key of the video.
        thumbnail_key: Storage key of the thumbnail.
        size_bytes: Size of the video.
    """

    video_key: str
    thumbnail_key: str
    size_bytes: int


@dataclass(frozen=True)
class WithdrawFilesInput:
    """Whose files.

    Attributes:
        video_id: Of the video.
    """

    video_id: str


class PublishFilesActivities:
    """``publish_files`` and ``withdraw_files`` with their dependencies."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @activity.defn
    async def publish_files(self, request: PublishFilesInput) -> PublishFilesResult:
        """Move video and thumbnail from scratch to the processed files in one step. Published already is a success.

        Raises:
            StorageFailed: A file is missing, or the disk refused.
        """
        async with signs_of_life():
            sizes = await self._storage.publish(request.video_id, [VIDEO_NAME, THUMBNAIL_NAME])
        return PublishFilesResult(
            video_key=processed_key(request.video_id, VIDEO_NAME),
            thumbnail_key=processed_key(request.video_id, THUMBNAIL_NAME),
            size_bytes=sizes[VIDEO_NAME],
        )

    @activity.defn
    async def withdraw_files(self, request: WithdrawFilesInput) -> None:
        """Remove the published files of a video that did not become ready after all. Gone already is a success.

        Raises:
            StorageFailed: The disk refused.
        """
        await self._storage.withdraw(request.video_id)
