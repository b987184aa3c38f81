"""A system that is measured, as the cases need it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class System:
    """One that runs.

    Attributes:
        name: As figures are labelled.
        api: Base URL.
        api_pid: Process id of the api.
        api_log: File that the api logs to.
        uploads: Folder of the originals and the published files.
        database: URL of its PostgreSQL.
        kill_worker: Ends the worker and all that it runs by SIGKILL, and returns when another one is at work, or will
            be without anybody's help.
        fate: Says in a few words what becomes of a video that stays in processing after that; ``lost`` comes first
            where nothing knows of it any more.
    """

    name: str
    api: str
    api_pid: int
    api_log: Path
    uploads: Path
    database: str
    kill_worker: Callable[[], Awaitable[None]]
    fate: Callable[[], Awaitable[str]]

    def published(self, video_id: str) -> Path:
        """The published video."""
        return self.uploads / "processed" / video_id / "video.mp4"
