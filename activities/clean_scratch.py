"""The last thing of every run: nothing stays behind."""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import heartbeats
from contracts.storage_keys import work_folder
from storage.protocol import Storage


@dataclass(frozen=True)
class CleanScratchInput:
    """Whose scratch.

    Attributes:
        video_id: Of the video.
        unwanted_original: Key of an original of which not all has come, and which nobody wants any more.
    """

    video_id: str
    unwanted_original: str | None = None


class CleanScratchActivities:
    """``clean_scratch`` with its dependencies."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @activity.defn
    async def clean_scratch(self, request: CleanScratchInput) -> None:
        """Remove the video's scratch folder, and what was kept of an import that was cancelled. Gone is a success.

        Raises:
            StorageFailed: The disk refused.
        """
        async with heartbeats():
            await self._storage.delete_folder(work_folder(request.video_id))
            if request.unwanted_original is not None:
                await self._storage.delete(request.unwanted_original)
