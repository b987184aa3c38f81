"""Take back what runs may have published whose rows were closed for them.

Nobody is served it, so it waits until the rows and runs of a pass are seen to, and where this process dies meanwhile
for the sweep, or the video's delete or next attempt.
"""

from functools import partial
from typing import Final

import structlog

from contracts.errors import StorageFailed
from contracts.storage_keys import processed_folder
from database.editions import Edition
from database.reprocessing import Reprocessings
from database.tables import Video
from database.videos import Videos
from runs.editions import remove_edition
from runs.one_by_one import OneByOne
from storage.protocol import Storage

log = structlog.stdlib.get_logger("reconcile")

_MOST: Final = 1000


class Withdrawals:
    """Remembers such rows, and removes their files.

    Args:
        videos: The rows.
        reprocessings: Those of ready videos that were made anew.
        storage: Where the files are.
    """

    def __init__(self, videos: Videos, reprocessings: Reprocessings, storage: Storage) -> None:
        self._videos = videos
        self._reprocessings = reprocessings
        self._storage = storage
        self._due: dict[Edition, Video] = {}

    def note(self, closed: Video) -> None:
        """A row was closed for its run; as it was before."""
        if len(self._due) < _MOST:
            self._due[Edition(closed.id, closed.attempt)] = closed

    async def remove(self, one_by_one: OneByOne) -> None:
        """Remove the files of those that are noted, as far as the storage answers in time; others stay noted.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer.
        """

        async def remove(video: Video) -> None:
            await self._remove(video)
            await forget(video)

        async def forget(video: Video) -> None:
            self._due.pop(Edition(video.id, video.attempt), None)

        await one_by_one.see_to(list(self._due.values()), remove, forget, unless="files_left_behind")

    async def _remove(self, video: Video) -> None:
        edition = Edition(video.id, video.attempt)
        if video.is_reprocessing:
            holding = self._reprocessings.held_unless_wanted(edition)
            remove = partial(remove_edition, self._storage, edition)
        else:
            holding = self._videos.held_unless_ready(video.id, video.attempt)
            remove = partial(self._storage.delete_folder, processed_folder(str(video.id)))
        async with holding as is_unwanted:
            if is_unwanted:
                try:
                    await remove()
                except StorageFailed as error:
                    log.warning("files_left_behind", video_id=str(video.id), reason=str(error))
