"""Whether the files of this database's videos are where the settings say; a forgotten setting moves them all."""

from dataclasses import dataclass
from typing import Final

from contracts.status import VideoStatus
from contracts.storage_keys import VIDEO_NAME, processed_key
from database.pages import VideoFilter
from database.videos import Videos
from storage.protocol import Storage

_LOOKED_AT: Final = 5


@dataclass(frozen=True)
class Whereabouts:
    """What a look at the newest videos that are ready told.

    Attributes:
        videos: How many there are, five at most.
        here: How many of them have their published file in this storage.
    """

    videos: int
    here: int

    @property
    def are_elsewhere(self) -> bool:
        """Whether there are videos, and none of them has its file here."""
        return self.videos > 0 and self.here == 0


async def look_for_files(videos: Videos, storage: Storage) -> Whereabouts:
    """Look for the files of the newest videos.

    Raises:
        DatabaseUnavailable: As is.
        StorageFailed: As is.
    """
    ready = VideoFilter(status=VideoStatus.READY)
    page = await videos.list_page(None, limit=_LOOKED_AT, after=None, wanted=ready)
    keys = [processed_key(str(video.id), VIDEO_NAME, video.published_edition) for video in page.videos]
    return Whereabouts(len(keys), sum([await storage.size(key) is not None for key in keys]))
