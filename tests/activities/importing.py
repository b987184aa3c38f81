"""A video that is imported from a server of the test's own."""

import hashlib
import random
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from temporalio.testing import ActivityEnvironment

from activities.arriving_original import FetchRules
from activities.fetch_original import FetchOriginalActivities, FetchOriginalInput
from contracts.storage_keys import original_key
from database.engine import Database
from database.tables import Video
from database.videos import NewVideo, Videos
from fetching.addresses import AddressRules
from fetching.source import Patience, Sources
from tests.activities.conftest import Folders

CONTENT: Final = random.Random(7).randbytes(3_000_000)  # noqa: S311 - the same each time
SHA256: Final = hashlib.sha256(CONTENT).hexdigest()
PATIENCE: Final = Patience(connect_seconds=5, stall_seconds=5, pause_seconds=0, whole_seconds=30)


async def import_row(database: Database, url: str, filename: str = "clip.mp4", user_id: str = "local") -> Video:
    """The row of an import, attempt 1."""
    video_id = uuid4()
    return await database.videos.create_import(
        NewVideo(
            id=video_id,
            user_id=user_id,
            title=filename.partition(".")[0],
            original_filename=filename,
            original_key=original_key(str(video_id), ".mp4"),
            upload_expires_seconds=None,
            source_url=url,
        )
    )


def activities(
    database: Database,
    folders: Folders,
    *,
    allowed: str = "127.0.0.0/8",
    max_bytes: int = 10_000_000,
    at_once: int = 5,
    spare_bytes: int = 0,
    kept_every_bytes: int = 1_000_000,
    let_go_seconds: float = 10,
    videos: Videos | None = None,
) -> FetchOriginalActivities:
    sources = Sources(AddressRules([allowed]), PATIENCE)
    rules = FetchRules(max_bytes, at_once, spare_bytes, kept_every_bytes, let_go_seconds=let_go_seconds)
    rows = (videos or database.videos, database.upload_leases)
    return FetchOriginalActivities(*rows, folders.storage, sources, rules)


async def fetch(of: FetchOriginalActivities, video: Video, attempt: int = 1) -> None:
    await ActivityEnvironment().run(of.fetch_original, FetchOriginalInput(str(video.id), attempt))


async def stored(database: Database, video_id: UUID) -> Video:
    video = await database.videos.get(video_id)
    assert video is not None
    return video


def originals(folders: Folders) -> list[Path]:
    """Every file among the originals, unfinished ones too."""
    folder = folders.uploads / "originals"
    return sorted(folder.iterdir()) if folder.exists() else []
