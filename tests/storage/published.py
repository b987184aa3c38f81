"""Work files and published ones, brought to where they are the way that real ones come there."""

from contracts.storage_keys import FIRST_EDITION, THUMBNAIL_NAME, VIDEO_NAME, WorkFile, work_key
from storage.protocol import Storage

PICTURE = b"picture"


async def write_work(storage: Storage, video_id: str, name: str, content: bytes) -> WorkFile:
    """Make a work file of this content, and say what now stands under its key."""
    key = work_key(video_id, name)
    async with storage.create(key) as path:
        path.write_bytes(content)
    size = await storage.size(key)
    assert size is not None
    return WorkFile(key, size)


async def publish_something(
    storage: Storage, video_id: str, content: bytes = b"video", edition: int = FIRST_EDITION
) -> None:
    """Publish a video of this content, and a thumbnail, as this edition."""
    files = {
        VIDEO_NAME: await write_work(storage, video_id, "video-to-publish.mp4", content),
        THUMBNAIL_NAME: await write_work(storage, video_id, "thumbnail-to-publish.jpg", PICTURE),
    }
    await storage.publish(video_id, files, edition)


async def content_of(storage: Storage, key: str) -> bytes:
    """What stands under the key."""
    async with storage.fetch(key) as path:
        return path.read_bytes()
