"""Before the first step of an import: its original, from the URL in its row to storage."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.arriving_original import ArrivingOriginal, FetchRules
from activities.heartbeat import heartbeats
from activities.row_ids import row_id
from contracts.errors import LimitExceeded, SourceFailed, StatusConflict, StorageFailed, VideoError
from contracts.refusals import QuotaExceeded
from database.tables import Video
from database.upload_leases import UploadLeases
from database.videos import FetchedOriginal, Videos
from fetching.source import Sources
from fetching.source_url import SourceUrl
from fetching.transfer import Fetched, Transfer
from ingest.labels import extension_of, safe_filename, title_from
from storage.hashing import sha256_of
from storage.protocol import Storage


@dataclass(frozen=True)
class FetchOriginalInput:
    """Whose original.

    Attributes:
        video_id: Of the row, which has the URL and the original's key.
        attempt: Which attempt of the row this run serves.
    """

    video_id: str
    attempt: int


class FetchOriginalActivities:
    """``fetch_original`` with its dependencies."""

    def __init__(
        self, videos: Videos, leases: UploadLeases, storage: Storage, sources: Sources, rules: FetchRules
    ) -> None:
        self._videos = videos
        self._leases = leases
        self._storage = storage
        self._sources = sources
        self._rules = rules
        self._under_way: Counter[str] = Counter()

    @activity.defn
    async def fetch_original(self, request: FetchOriginalInput) -> None:
        """Fetch the original, and say in the row how large it is. One that is here already is a success.

        Raises:
            AddressRefused: Its URL leads nowhere, or to something that may not be asked.
            SourceNotFound: There is no such file, or it is not given out.
            SourceFailed: The server fails.
            SourceTooSlow: It took longer than it may.
            LimitExceeded: It is larger than accepted, or more than its user may keep.
            InvalidMedia: It has no byte.
            StorageFailed: The disk refused, or has no room for it beside what else is on its way.
            StatusConflict: The row was retried or deleted meanwhile.
            VideoCancelled: A cancel was accepted meanwhile.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        video = await self._videos.get(row_id(request.video_id))
        if video is None or video.source_url is None:
            raise StatusConflict(f"Video {request.video_id} has nothing to fetch: it was deleted, or is no import.")
        if await self._is_here(video):
            return
        if video.content_sha256 is None and await self._take_what_stands(video, request.attempt):
            return
        with self._place_of(video.user_id):
            await self._fetch(video, request.attempt)

    @contextmanager
    def _place_of(self, user_id: str) -> Iterator[None]:
        """One of the places, for as long as the block lasts.

        A user who has some leaves as many as these to others, so that sources that never end take no more than half.
        """
        own, free = self._under_way[user_id], self._rules.at_once - self._under_way.total()
        if free <= own:
            whose = f", {own} of them for user {user_id}" if own else ""
            raise ApplicationError(
                f"This worker fetches {self._under_way.total()} originals now{whose}, of {self._rules.at_once} at a "
                "time. A user who has some leaves as many places to others; this one waits.",
                type="waits_for_others",
                category=ApplicationErrorCategory.BENIGN,
            )
        self._under_way[user_id] += 1
        try:
            yield
        finally:
            self._under_way[user_id] -= 1
            self._under_way += Counter()  # forgets who has none

    async def _is_here(self, video: Video) -> bool:
        """Whether all of it has arrived, and the row says so."""
        if video.content_sha256 is None:
            return False
        return await self._storage.size(video.original_key) == video.file_size_bytes

    async def _fetch(self, video: Video, attempt: int) -> None:
        url = SourceUrl.parse(video.source_url or "")
        async with heartbeats() as heartbeat:
            original = ArrivingOriginal(
                self._storage, self._leases, self._rules, video=video, attempt=attempt, heartbeat=heartbeat
            )
            try:
                content, here_bytes = await original.go_on()
                transfer = Transfer(
                    *(self._sources, url, original),
                    max_bytes=self._rules.max_bytes,
                    content=content,
                    received_bytes=here_bytes,
                )
                fetched = await _run(transfer, original)
                await self._videos.claim(video.id, attempt)
                sha256 = await original.commit()
            except asyncio.CancelledError:
                follows = _another_attempt_follows()
                await original.let_go(stays=follows, keep=follows)
                raise
            except VideoError as error:  # where another attempt may follow, it takes nothing from the source again
                await original.let_go(stays=error.retryable)
                raise
            except BaseException:
                await original.let_go(stays=False)
                raise
            await self._tell(video, attempt, _described(video, fetched, sha256))

    async def _take_what_stands(self, video: Video, attempt: int) -> bool:
        """Tell the row of a file that is whole though it does not know: a worker died then, or the rows were put back.

        Its source may have no such file any more.
        """
        try:
            size_bytes = await self._storage.size(video.original_key)
        except StorageFailed:
            return False  # nothing is there as yet, or whoever writes there next is told why not
        if not size_bytes:
            return False
        async with heartbeats():
            sha256 = await sha256_of(self._storage, video.original_key)
            await self._tell(video, attempt, FetchedOriginal(size_bytes, sha256), stood=True)
        return True

    async def _tell(self, video: Video, attempt: int, original: FetchedOriginal, *, stood: bool = False) -> None:
        """One that stood here before is kept also where it is too much: it may have been accepted once."""
        try:
            await self._videos.finish_fetch(video.id, attempt, original)
        except StatusConflict:
            await self._forget(video, attempt)
            raise
        except QuotaExceeded as error:
            if not stood:
                await self._forget(video, attempt)
            raise LimitExceeded(error.detail) from error

    async def _forget(self, video: Video, attempt: int) -> None:
        """Take the file away that nobody waits for; a newer attempt would, and none can begin while the row is held.

        It is the row's own where it knows of one: a worker that was stopped for long comes here when another has gone
        on with the very file.
        """
        async with self._videos.held(video.id) as now:
            if now is None or (now.attempt == attempt and now.uploaded_at is None):
                await self._storage.delete(video.original_key)


async def _run(transfer: Transfer, original: ArrivingOriginal) -> Fetched:
    """Bring the whole file. Of one whose server fails, all that has come is kept."""
    try:
        return await transfer.run()
    except SourceFailed:
        await original.keep()
        raise


def _another_attempt_follows() -> bool:
    """Whether the worker stops, or was given up for lost, and nobody has cancelled the video."""
    details = activity.cancellation_details()
    return details is not None and not details.cancel_requested


def _described(video: Video, fetched: Fetched, sha256: str) -> FetchedOriginal:
    """What the row is told. A URL that names no video leaves the name to the server, and the title follows it."""
    known = video.original_filename
    named = safe_filename(fetched.filename)
    if named is None or extension_of(known) == PurePosixPath(video.original_key).suffix:
        return FetchedOriginal(fetched.size_bytes, sha256)
    title = title_from(named) if video.title == title_from(known) else None
    return FetchedOriginal(fetched.size_bytes, sha256, filename=named, title=title)
