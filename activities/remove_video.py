"""What is left of a deleted video goes: its files, and then its row, by which they would be found."""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.row_ids import row_id
from contracts.errors import StatusConflict
from contracts.storage_keys import original_key, processed_folder, work_folder
from database.deletions import Deletions
from storage.protocol import Storage


@dataclass(frozen=True)
class RemoveFilesInput:
    """Whose files.

    Attributes:
        video_id: Of the video.
        original_key: Storage key of the uploaded file.
    """

    video_id: str
    original_key: str


@dataclass(frozen=True)
class RemoveRowInput:
    """Which row.

    Attributes:
        video_id: Of the row.
    """

    video_id: str


class RemoveVideoActivities:
    """``remove_files`` and ``remove_row`` with their dependencies."""

    def __init__(self, storage: Storage, deletions: Deletions) -> None:
        self._storage = storage
        self._deletions = deletions

    @activity.defn
    async def remove_files(self, request: RemoveFilesInput) -> None:
        """Remove published files, original and work files. Gone already is a success.

        Raises:
            StatusConflict: The original is that of another video: nobody here asked for this.
            StorageFailed: The disk refused; some may be gone.
        """
        if not request.original_key.startswith(original_key(request.video_id, ".")):
            raise StatusConflict(
                f"{request.original_key[:200]!r} is not the original of video {request.video_id[:80]!r}."
            )
        async with heartbeats():
            await self._storage.delete_folder(processed_folder(request.video_id))
            await self._storage.delete(request.original_key)
            await self._storage.delete_folder(work_folder(request.video_id))

    @activity.defn
    async def remove_row(self, request: RemoveRowInput) -> None:
        """Remove the row. Gone already is a success.

        Raises:
            StatusConflict: No row can have this id.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        async with heartbeats():
            await self._deletions.finish(row_id(request.video_id))
