"""How the run of a ready video that is made anew ends: beside what is served, which one change of the row replaces."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.claim_video import ClaimVideoInput
from activities.heartbeat import heartbeats
from activities.mark_error import MarkErrorInput
from activities.mark_ready import MarkReadyInput, published_by
from activities.publish_files import PublishFilesInput, WithdrawFilesInput
from activities.row_ids import row_id
from contracts.storage_keys import THUMBNAIL_NAME, VIDEO_NAME
from database.editions import Edition
from database.reprocessing import Reprocessings
from runs.editions import remove_edition
from storage.protocol import Storage


@dataclass(frozen=True)
class PublishEditionInput:
    """Which files, and of which edition.

    Attributes:
        files: Those that were verified, and no others.
        edition: Its number: the attempt of the run.
    """

    files: PublishFilesInput
    edition: int


@dataclass(frozen=True)
class FailReprocessingResult:
    """Where the video stands now.

    Attributes:
        is_served: Whether what this run made is served after all.
        error_code: What the row says; ``cancelled`` after an accepted cancel, None where it is gone or has moved on.
    """

    is_served: bool
    error_code: str | None = None


class ReprocessVideoActivities:
    """What differs from an ordinary run, with its dependencies.

    Args:
        storage: The files.
        reprocessings: The rows.
        keep: How long the files stay that were served before.
    """

    def __init__(self, storage: Storage, reprocessings: Reprocessings, keep: timedelta) -> None:
        self._storage = storage
        self._reprocessings = reprocessings
        self._keep = keep

    @activity.defn
    async def claim_reprocessing(self, request: ClaimVideoInput) -> None:
        """Return if the row is being made anew with this attempt. Reads only.

        Raises:
            StatusConflict: It is not, or it is gone: there is nothing to do for this run.
            VideoCancelled: Its cancel was accepted before the run began.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        async with heartbeats():
            await self._reprocessings.claim(row_id(request.video_id), request.attempt)

    @activity.defn
    async def publish_edition(self, request: PublishEditionInput) -> None:
        """Move video and thumbnail to the processed files of an edition. Published already is a success.

        An edition that is served already stays as it is, as ``publish_files`` leaves what it has published.

        Raises:
            WorkMissing: A file is not there, or is not the one that was verified.
            StorageFailed: The disk refused.
            StatusConflict: The row was retried or deleted meanwhile, or says that this run has failed.
            DatabaseUnavailable: Whether the row waits for them is not known.
        """
        video_id = row_id(request.files.video_id)
        files = {VIDEO_NAME: request.files.video, THUMBNAIL_NAME: request.files.thumbnail}
        async with heartbeats():
            if await self._reprocessings.awaits_files(video_id, request.edition):
                await self._storage.publish(request.files.video_id, files, request.edition)

    @activity.defn
    async def mark_reprocessed(self, request: MarkReadyInput) -> None:
        """Let the row name the new edition, and note until when the one before is kept. Done already is a success.

        Raises:
            VideoCancelled: A cancel was accepted meanwhile.
            StatusConflict: The row was retried or deleted meanwhile.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        video_id = row_id(request.video_id)
        async with heartbeats():
            await self._reprocessings.finish(video_id, request.attempt, published_by(request), keep=self._keep)

    @activity.defn
    async def fail_reprocessing(self, request: MarkErrorInput) -> FailReprocessingResult:
        """Note in the row why it was not made anew. A row that has moved on, or is gone, is left as it is.

        Raises:
            StatusConflict: No row can have this id.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        video_id = row_id(request.video_id)
        async with heartbeats():
            ended = await self._reprocessings.fail(video_id, request.attempt, request.error_code, request.error_reason)
        return FailReprocessingResult(ended.is_served, ended.error_code)

    @activity.defn
    async def withdraw_edition(self, request: WithdrawFilesInput) -> None:
        """Remove the files of an edition that nobody is served. Gone already is a success.

        Raises:
            StorageFailed: The disk refused.
            StatusConflict: No row can have this id.
            DatabaseUnavailable: Whether it is served is not known.
        """
        edition = Edition(row_id(request.video_id), request.attempt)
        async with heartbeats(), self._reprocessings.held_unless_wanted(edition) as unwanted:
            if unwanted:
                await remove_edition(self._storage, edition)
