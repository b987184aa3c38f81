"""Take the published files of an edition away."""

from contracts.storage_keys import FIRST_EDITION, PUBLISHED_NAMES, edition_folder, processed_key
from database.editions import Edition
from storage.protocol import Storage


async def remove_edition(storage: Storage, edition: Edition) -> None:
    """Remove its files; gone already is a success, and other editions stay.

    Raises:
        StorageFailed: It refused; some may be gone.
    """
    video_id = str(edition.video_id)
    if edition.number != FIRST_EDITION:
        await storage.delete_folder(edition_folder(video_id, edition.number))
        return
    for name in PUBLISHED_NAMES:  # all others are below the folder of the first
        await storage.delete(processed_key(video_id, name))
