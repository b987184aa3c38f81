"""Taking an upload: the order of things that makes it safe to be interrupted anywhere.

Row ``uploading``, bytes, what was said with them, fsync and rename, row ``processing``, workflow, answer. Whatever
ends it before the rename leaves no file; after it the file goes only with its row (``ingest.handing_over``). An upload
that is refused leaves no row either; a sender who goes away, a slow one or a full disk leaves a row in ``error`` that
says so.

A door reads bytes off its protocol and knows how to refuse what is not in it; everything else is here.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import DatabaseUnavailable, StatusConflict, StorageFailed
from contracts.refusals import QuotaExceeded, RefusalCode, Refused
from contracts.status import VideoStatus
from database.backlog import Backlog
from database.records import IdempotencyKeyTaken, NewVideo
from database.tables import Video
from database.videos import Videos
from ingest.accepted import AcceptedUpload, replay
from ingest.coming_form import ComingForm
from ingest.handing_over import WholeFile, accepted_before, asked_again, hand_over, withdrawn
from ingest.incoming_file import IncomingFile, ReceivedFile
from ingest.open_uploads import OpenUploads
from ingest.room import Room
from ingest.rules import UploadLimits
from ingest.shielding import uninterrupted
from runs.expired import ExpiredUploads
from runs.protocol import Runs
from runs.starting import start_run
from storage.protocol import Storage

_GONE_REASON: Final = "The connection ended before the whole file had arrived. Upload the video again."
_UNEXPECTED_REASON: Final = "The upload could not be finished here. Upload the video again."

_logger = structlog.stdlib.get_logger(__name__)


class SenderGone(Exception):
    """Whoever sent the bytes went away before the last of them; there is nobody to answer."""


@dataclass(frozen=True)
class Said:
    """What the sender said beside the bytes.

    Attributes:
        title: What the video is called, or None when nothing was said.
        profile: The encoding profile that is asked for, one of those there are, or None when nothing was said.
        user_metadata: What its caller keeps with it.
    """

    title: str | None
    profile: str | None
    user_metadata: Mapping[str, str]


_NOTHING: Final = Said(None, None, {})

Receive = Callable[[IncomingFile], Awaitable[Said]]
"""Reads an upload off a door's protocol and hands its file over. Raises ``Refused`` or ``SenderGone``."""


class Uploads:
    """Takes uploads, any number at once.

    Args:
        videos: The rows.
        backlog: Those of processes that died.
        storage: Where the bytes go.
        runs: Starts the workflows.
        limits: What is accepted.
        room: What is left for it.
        on_their_way: Counts the uploads and keeps their rows.

    Attributes:
        limits: What is accepted.
    """

    def __init__(
        self,
        videos: Videos,
        backlog: Backlog,
        storage: Storage,
        runs: Runs,
        *,
        limits: UploadLimits,
        room: Room,
        on_their_way: OpenUploads,
    ) -> None:
        self._videos = videos
        self._expired = ExpiredUploads(videos, backlog, storage)
        self._storage = storage
        self._runs = runs
        self._room = room
        self._on_their_way = on_their_way
        self.limits = limits
        self._open: set[asyncio.Task[object]] = set()

    async def accept(
        self, user_id: str, idempotency_key: str | None, receive: Receive, expected_bytes: int = 0
    ) -> AcceptedUpload:
        """Take one upload to its end.

        Args:
            user_id: Who uploads.
            idempotency_key: Names this upload, so that it can be sent again without making a second video.
            receive: Reads it.
            expected_bytes: How much is to come, as far as it is known.

        Raises:
            Refused: It is not taken, and leaves neither row nor file.
            DatabaseUnavailable: Nothing is left of it on disk, or the whole file is, until its row expires or goes on.
            StorageFailed: The disk refused; the row is in ``error``.
            SenderGone: The row is in ``error``.
        """
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
        try:
            with self._on_their_way.counted(user_id):
                return await self._accept(user_id, idempotency_key, receive, expected_bytes)
        except IdempotencyKeyTaken as taken:
            return replay(taken.video, imported=False)
        finally:
            if task is not None:
                self._open.discard(task)

    async def settle(self, within_seconds: float) -> None:
        """Wait for uploads that are being finished or tidied up, before what they need is closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                if self._open:
                    await asyncio.wait(set(self._open))
                await self._on_their_way.settle()

    async def _accept(
        self, user_id: str, idempotency_key: str | None, receive: Receive, expected_bytes: int
    ) -> AcceptedUpload:
        if idempotency_key is not None:
            known = await self._videos.find_by_idempotency_key(user_id, idempotency_key)
            if known is not None and known.status == VideoStatus.UPLOADING:
                known = await self._ended_with_its_process(known)
            if known is not None:
                return replay(known, imported=False)
        form = ComingForm(self._room, expected_bytes)
        with form.kept():
            await form.check()
            return AcceptedUpload(await self._take(user_id, idempotency_key, receive, form), replayed=False)

    async def _take(self, user_id: str, idempotency_key: str | None, receive: Receive, form: ComingForm) -> Video:
        file = IncomingFile(
            self._storage,
            describe=lambda filename: _described(self.limits, user_id, filename),
            insert=lambda new: uninterrupted(self._insert(new, idempotency_key)),
            check_size=self.limits.check_size,
            arrived=form.arrived,
        )
        try:
            said, received = await self._receive(file, receive)
            return await uninterrupted(self._finish(file, said, received))
        finally:
            if file.video is not None:
                self._on_their_way.let_go(file.video.id)

    async def _insert(self, new: NewVideo, idempotency_key: str | None) -> None:
        await self._videos.create_uploading(new, idempotency_key)
        self._on_their_way.hold(new.id)

    async def _ended_with_its_process(self, known: Video) -> Video | None:
        """The upload that has the key; None where it was not kept for so long that its process, and it, must be gone.

        Where that process has died right after the last byte, the file is here all the same.
        """
        ended = await self._expired.end(known)
        if ended is None:
            return known
        if ended.status == VideoStatus.ERROR:
            return None
        await start_run(self._runs, ended)
        return ended

    async def _receive(self, file: IncomingFile, receive: Receive) -> tuple[Said, ReceivedFile]:
        """Take the bytes. Whatever goes wrong, none of them stays."""
        seconds = self.limits.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await receive(file), await file.complete()
        except TimeoutError:
            reason = f"The upload took longer than {seconds:g} seconds."
            await uninterrupted(self._interrupt(file, reason))
            raise Refused(RefusalCode.UPLOAD_TOO_SLOW, reason) from None
        except Refused:
            await uninterrupted(self._forget(file))
            raise
        except (IdempotencyKeyTaken, DatabaseUnavailable):
            raise  # there is no row, and the file is opened only after it
        except StorageFailed as error:
            was_open = await uninterrupted(self._interrupt(file, str(error)))
            if file.video is not None and not was_open:
                raise await withdrawn(self._videos, file.video.id) from error
            raise
        except (SenderGone, asyncio.CancelledError):
            await uninterrupted(_discard(file))
            if file.video is not None:
                self._on_their_way.broke(file.video.id, _GONE_REASON)
            _logger.info("upload interrupted")
            raise
        except Exception:
            await uninterrupted(self._interrupt(file, _UNEXPECTED_REASON))
            raise

    async def _finish(self, file: IncomingFile, said: Said, received: ReceivedFile) -> Video:
        """Every byte is here: write down what was said, make the file durable, hand the row over, start its workflow.

        A file that stands may have to go on without this process, so by then its row tells all that was said.
        """
        try:
            await self._describe(received.video.id, said)
            await file.commit()
        except StatusConflict as conflict:
            return await self._moved_on(file, received.video.id, conflict)
        except StorageFailed as error:
            if not await self._interrupt(file, str(error)):
                return await self._moved_on(file, received.video.id, error)
            raise
        except Exception:
            await self._interrupt(file, _UNEXPECTED_REASON)
            raise
        whole = WholeFile(
            video_id=received.video.id,
            original_key=received.video.original_key,
            size_bytes=received.size_bytes,
            sha256=received.sha256,
        )
        try:
            return await hand_over(self._videos, self._storage, self._runs, whole)
        except QuotaExceeded as refused:
            if not await self._forget(file):
                return await self._moved_on(file, whole.video_id, refused)
            raise

    async def _moved_on(self, file: IncomingFile, video_id: UUID, why: Exception) -> Video:
        """The row, where somebody has found the file whole meanwhile; else it was withdrawn, and no file stays."""
        accepted = await accepted_before(self._videos, video_id)
        if accepted is None:
            await _discard(file)
            raise await withdrawn(self._videos, video_id) from why
        await start_run(self._runs, accepted)
        return accepted

    async def _describe(self, video_id: UUID, said: Said) -> None:
        if said == _NOTHING:
            return
        await asked_again(
            lambda: self._videos.describe_upload(
                video_id, title=said.title, profile=said.profile, user_metadata=said.user_metadata
            )
        )

    async def _forget(self, file: IncomingFile) -> bool:
        """The upload was refused: leave neither row nor file. False when the row had moved on already."""
        return await self._end(file, partial(self._videos.delete, only=VideoStatus.UPLOADING))

    async def _interrupt(self, file: IncomingFile, reason: str) -> bool:
        """Say in the row why, and leave no file. False when the row had moved on already."""
        return await self._end(file, partial(self._videos.interrupt_upload, reason=reason))

    async def _end(self, file: IncomingFile, end: Callable[[UUID], Awaitable[bool]]) -> bool:
        """End the row, and only where that did it remove a file that stands: it may be another's find by now.

        Returns:
            False when the row had moved on already.
        """
        ended = True
        if file.video is not None:
            try:
                ended = await end(file.video.id)
            except DatabaseUnavailable as error:
                _logger.warning("row left to expire", reason=str(error))
                await _discard(file, unless_it_stands=True)
                return True
        await _discard(file, unless_it_stands=not ended)
        return ended


async def _discard(file: IncomingFile, *, unless_it_stands: bool = False) -> None:
    try:
        await (file.drop_part() if unless_it_stands else file.discard())
    except StorageFailed as error:
        _logger.warning("part of an upload left behind", reason=str(error))


def _described(limits: UploadLimits, user_id: str, filename: str) -> NewVideo:
    described = limits.describe(user_id, filename)
    structlog.contextvars.bind_contextvars(video_id=str(described.id))
    return described
