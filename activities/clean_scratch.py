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
    """

    video_id: str


class CleanScratchActivities:
    """``clean_scratch`` with its dependencies."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @activity.defn
    async def clean_scratch(self, request: CleanScratchInput) -> None:
        """Remove the video's scratch folder. Gone already is a success.

        Raises:
            StorageFailed: The disk refused.
        """
        async with heartbeats():
            await self._storage.delete_folder(work_folder(request.video_id))
