"""Take back what runs may have published whose rows were closed for them.

Nobody is served it, so it waits until the rows and runs of a pass are seen to, and where this process dies meanwhile,
or it fails again and again, for the sweep, or the video's delete or next attempt.
"""

from collections import Counter
from functools import partial
from typing import Final

from contracts.storage_keys import processed_folder
from database.editions import Edition
from database.reprocessing import Reprocessings
from database.tables import Video
from database.videos import Videos
from runs.editions import remove_edition
from runs.one_by_one import OneByOne
from storage.protocol import Storage

_MOST: Final = 1000
_MOST_TRIES: Final = 30


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
        self._failed: Counter[Edition] = Counter()

    def note(self, closed: Video) -> None:
        """A row was closed for its run; as it was before."""
        if len(self._due) < _MOST:
            self._due[Edition(closed.id, closed.attempt)] = closed

    async def remove(self, one_by_one: OneByOne) -> None:
        """Remove the files of those that are noted, as far as the storage answers in time; others stay noted, behind.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer.
        """

        async def remove(video: Video) -> None:
            await self._remove(video)
            edition = Edition(video.id, video.attempt)
            self._due.pop(edition, None)
            self._failed.pop(edition, None)

        await one_by_one.see_to(list(self._due.values()), remove, self._put_off, unless="files_left_behind")

    async def _put_off(self, video: Video) -> None:
        edition = Edition(video.id, video.attempt)
        self._failed[edition] += 1
        is_noted = self._due.pop(edition, None) is not None
        if is_noted and self._failed[edition] < _MOST_TRIES:
            self._due[edition] = video
        else:
            del self._failed[edition]

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
                await remove()
