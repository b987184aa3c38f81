"""What workflows do to rows and files, one step at a time; who plays them says which comes next, and which never."""

from datetime import timedelta
from uuid import UUID

from contracts.errors import ErrorCode, StatusConflict, VideoCancelled
from contracts.storage_keys import FIRST_EDITION, processed_folder, work_folder, work_key
from database.editions import Edition
from database.engine import Database
from runs.editions import remove_edition
from storage.protocol import Storage
from tests.database.samples import PUBLISHED
from tests.runs.run_book import BookedRun, RunBook
from tests.storage.published import publish_something


class PlayedWorkflows:
    """Those of a book, over real rows and files."""

    def __init__(self, database: Database, storage: Storage, book: RunBook) -> None:
        self._database = database
        self._storage = storage
        self._book = book

    async def next_step(self, run: BookedRun, *, fails: bool) -> None:
        """The way of ``VideoProcessingWorkflow``, as far as rows and files see it."""
        videos, reprocessings, video_id = self._database.videos, self._database.reprocessings, str(run.video_id)
        edition = run.attempt if run.reprocess else FIRST_EDITION
        try:
            if not run.steps:
                run.steps.append("claim")
                await (reprocessings if run.reprocess else videos).claim(run.video_id, run.attempt)
                return
            if run.cancel_requested or fails:
                await self._give_up(run)
            elif run.steps == ["claim"]:
                run.steps.append("make")
                async with self._storage.create(work_key(video_id, "chunk.mp4")) as path:
                    path.write_bytes(b"a chunk")  # a few bytes
            elif run.steps[-1] == "make":
                run.steps.append("publish")
                await publish_something(self._storage, video_id, content_of_edition(edition), edition)
            elif run.reprocess:
                await reprocessings.finish(run.video_id, run.attempt, PUBLISHED, keep=timedelta(hours=1))
                await self._end(run)
            else:
                await videos.mark_ready(run.video_id, run.attempt, PUBLISHED)
                await self._end(run)
        except StatusConflict:
            if len(run.steps) == 1:
                run.is_open = False  # not claimed: nothing is touched
            else:
                await self._give_up(run)
        except VideoCancelled:
            await self._give_up(run)

    async def _give_up(self, run: BookedRun) -> None:
        if run.reprocess:
            edition = Edition(run.video_id, run.attempt)
            reprocessings = self._database.reprocessings
            await reprocessings.fail(run.video_id, run.attempt, ErrorCode.TRANSCODE_FAILED, "It failed.")
            async with reprocessings.held_unless_wanted(edition) as unwanted:
                if unwanted and "publish" in run.steps:
                    await remove_edition(self._storage, edition)
            await self._end(run)
            return
        await self._database.videos.mark_error(run.video_id, run.attempt, ErrorCode.TRANSCODE_FAILED, "It failed.")
        async with self._database.videos.held_unless_ready(run.video_id, run.attempt) as unwanted:
            if unwanted and "publish" in run.steps:
                await self._storage.delete_folder(processed_folder(str(run.video_id)))
        await self._end(run)

    async def _end(self, run: BookedRun) -> None:
        await self._storage.delete_folder(work_folder(str(run.video_id)))
        run.is_open = False

    async def next_deletion_step(self, name: str) -> None:
        """The way of ``VideoDeletionWorkflow``."""
        deletion = self._book.deletions[name]
        deletion.steps += 1
        if deletion.steps == 1:
            await self._database.deletions.check(UUID(name))
            await self._book.stop(name, within_seconds=1)
        elif deletion.steps == 2:
            await self._storage.delete_folder(processed_folder(name))
        elif deletion.steps == 3:
            await self._storage.delete(deletion.request.original_key)
            await self._storage.delete_folder(work_folder(name))
        else:
            await self._database.deletions.finish(UUID(name))
            del self._book.deletions[name]


def content_of_edition(edition: int) -> bytes:
    """What the run of this edition makes, told apart from what others do."""
    return f"the video of edition {edition}".encode()
