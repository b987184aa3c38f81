"""What figures are measured on, without pytest: rows, a bucket, a stack, each until a block ends."""

import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from database.engine import Database
from embedded.postgres import EmbeddedPostgres
from media.ffmpeg import Ffmpeg
from storage.bucket_client import open_bucket
from storage.bucket_objects import Bucket
from storage.location import BucketLocation
from tests.end_to_end.conftest import serving, with_everything_allowed
from tests.end_to_end.service import Service
from tests.fixtures.bucket import BUCKET
from tests.fixtures.clips import Clips, kept_clips
from tests.fixtures.stack import Home
from tests.fixtures.template import copy_cluster


def tell(line: str) -> None:
    """Print a figure, also where somebody reads it from a pipe."""
    print(line, flush=True)  # noqa: T201


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder that goes with its content."""
    with tempfile.TemporaryDirectory(prefix="rushes-figures-") as name:
        yield Path(name)


@asynccontextmanager
async def a_service(folder: Path, change: Callable[[Home], Home] = lambda home: home) -> AsyncIterator[Service]:
    """A stack whose home is in the folder, with other settings where they are given."""
    async with serving(change(with_everything_allowed(folder))) as service:
        yield service


@asynccontextmanager
async def some_rows(folder: Path) -> AsyncIterator[Database]:
    """A database without a row, of a server of its own."""
    cluster = folder / "rows"
    await copy_cluster(cluster)
    async with EmbeddedPostgres(cluster, durable=False) as server:
        database = Database(server.url(server.port), pool_size=5)
        try:
            yield database
        finally:
            await database.dispose()


@asynccontextmanager
async def part_of_bucket(environment: Mapping[str, str]) -> AsyncIterator[Bucket]:
    """A prefix in the bucket of a server, that nobody else has."""
    async with open_bucket(BucketLocation(BUCKET, f"{secrets.token_hex(8)}/"), environment) as bucket:
        yield bucket


async def drawn_clips() -> Clips:
    """Those that are kept on this machine."""
    return kept_clips((await Ffmpeg.locate()).ffmpeg_path)


async def ready(service: Service, clip: Path, count: int, *, within_seconds: float = 600) -> list[str]:
    """So many videos that can be played."""
    videos = [await service.upload(clip) for _ in range(count)]
    for video in videos:
        assert (await service.ended(video, within_seconds=within_seconds))["status"] == "ready"
    return videos


def seconds_of(taken: Iterable[float]) -> str:
    """Middle and longest of several times."""
    sorted_ = sorted(taken)
    return f"{sorted_[len(sorted_) // 2]:.2f} s in the middle, {sorted_[-1]:.2f} s at the longest"


async def timed(work: Callable[[], Awaitable[object]], clock: Callable[[], float]) -> float:
    """How many seconds some work takes."""
    began = clock()
    await work()
    return clock() - began
