"""Whatever happens in whichever order, and whoever dies between two steps: rows, runs and files keep their promises.

Rows and files are real, and so are what the api, the reconciler and the sweeper do; only Temporal is a book that runs
are kept in, so that chance decides which step comes next, and which never.
"""

import asyncio
import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text

from contracts.errors import StatusConflict, VideoError
from contracts.refusals import Refused
from contracts.status import SEEN_STATUSES, VideoStatus
from contracts.storage_keys import (
    PUBLISHED_NAMES,
    original_key,
    processed_folder,
    processed_key,
)
from database.engine import Database
from database.tables import Video
from runs.actions import VideoActions
from runs.reconcile import Reconciler
from runs.starting import start_run
from runs.sweep import Sweeper
from storage.disk import DiskStorage
from tests.database.samples import SHA256, new_video
from tests.runs.played_workflows import PlayedWorkflows, content_of_edition
from tests.runs.run_book import BookedRun, RunBook
from tests.storage.known import always
from tests.storage.published import PICTURE, content_of

EXAMPLES_VARIABLE: Final = "RUSHES_TEST_EXAMPLES"
"""How many orders are tried, each of forty steps and always the same: ``make failpoints`` tries a hundred."""
_EXAMPLES: Final = int(os.environ.get(EXAMPLES_VARIABLE, "12"))
_MOST_VIDEOS: Final = 2
_OF_ANY_AGE: Final = timedelta(seconds=-60)
_LEADS_TO: Final[Mapping[VideoStatus | None, set[VideoStatus | None]]] = {
    None: {VideoStatus.UPLOADING, None},
    VideoStatus.UPLOADING: {VideoStatus.PROCESSING, VideoStatus.ERROR, VideoStatus.DELETING},
    VideoStatus.PROCESSING: {VideoStatus.READY, VideoStatus.ERROR, VideoStatus.DELETING},
    VideoStatus.READY: {VideoStatus.DELETING},
    VideoStatus.ERROR: {VideoStatus.PROCESSING, VideoStatus.DELETING},
    VideoStatus.DELETING: {None},
}
"""None is a row that is not there."""

_WISHES: Final = (
    *("delete", "delete, and the api dies", "cancel", "retry"),
    *("reprocess", "reprocess", "reprocess, and the api dies"),
)
_WHICH = st.integers(0, _MOST_VIDEOS - 1)
Result = TypeVar("Result")


class RowsAndRuns(RuleBasedStateMachine):
    """The service, step by step, and what was last seen of each video."""

    database_url = ""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory(prefix="rushes-rows-")
        folder = Path(self._folder.name)
        self._database = Database(self.database_url, 1)
        self._storage = DiskStorage(folder / "uploads", folder / "scratch")
        self._book = RunBook()
        self._played = PlayedWorkflows(self._database, self._storage, self._book)
        videos, backlog, deletions = self._database.videos, self._database.backlog, self._database.deletions
        self._actions = VideoActions(videos, deletions, self._database.reprocessings, self._storage, self._book)
        self._reconciler = Reconciler(self._database, self._book, self._storage)
        self._sweeper = Sweeper(self._database.editions, backlog, self._storage, _OF_ANY_AGE, always)
        self._seen: dict[UUID, tuple[VideoStatus | None, int]] = {}
        self._asked_for: set[UUID] = set()
        """Videos that the last step was to retry or delete."""

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    # What a sender and an owner do

    @initialize()
    def begin(self) -> None:
        self.upload("started")

    @precondition(lambda self: len(self._there()) < _MOST_VIDEOS)
    @rule(how_far=st.sampled_from(("started", "started", "whole", "begun")))
    def upload(self, how_far: str) -> None:
        self._asked_for = set()
        new = new_video(video_id=uuid4())

        async def begin() -> None:
            await self._database.videos.create_uploading(new)
            await self._write_original(new.id, whole=False)

        self._do(begin())
        self._seen[new.id] = (None, 1)
        self.no_way_leads_out_of_ready_or_error_but_a_retry_or_a_delete()
        if how_far != "begun":
            self._do(self._finish(new.id, dies=how_far == "whole"))

    @precondition(lambda self: self._there(VideoStatus.UPLOADING))
    @rule(which=_WHICH, dies=st.booleans())
    def finish_an_upload(self, which: int, *, dies: bool) -> None:
        self._with(which, lambda video: self._finish(video.id, dies=dies))

    @precondition(lambda self: self._there(VideoStatus.UPLOADING))
    @rule(which=_WHICH, expires=st.booleans())
    def leave_an_upload(self, which: int, *, expires: bool) -> None:
        async def leave(video: Video) -> None:
            if not expires:
                await self._database.videos.interrupt_upload(video.id, "The sender is gone.")
                return
            past = "UPDATE videos SET upload_expires_at = now() - interval '1 second'"
            async with self._database.transaction() as session:
                await session.execute(text(f"{past} WHERE id = :id AND status = 'uploading'"), {"id": video.id})

        self._with(which, leave)

    @precondition(lambda self: self._there(*SEEN_STATUSES))
    @rule(which=_WHICH, wish=st.sampled_from(_WISHES))
    def ask(self, which: int, wish: str) -> None:
        asked: dict[str, Callable[[Video], Coroutine[Any, Any, object]]] = {
            "cancel": self._actions.cancel,
            "retry": self._actions.retry,
            "reprocess": lambda video: self._actions.reprocess(video, "mobile", counts=False),
            "reprocess, and the api dies": self._note_reprocessing,
            "delete": self._actions.delete,
            "delete, and the api dies": lambda video: self._database.deletions.begin(video.id),
        }
        self._with(which, asked[wish], asks_for_it=wish != "cancel")

    # What workers do

    @precondition(lambda self: self._open_runs())
    @rule(which=_WHICH, steps=st.sampled_from((3, 1, 4, 2)), fails=st.sampled_from((False, False, True)))
    def go_on_with_a_run(self, which: int, steps: int, *, fails: bool) -> None:
        self._asked_for = set()
        runs = self._open_runs()
        run = runs[which % len(runs)]
        for number in range(steps):
            if run.is_open:
                self._do(self._played.next_step(run, fails=fails and number == steps - 1))

    @precondition(lambda self: self._there(VideoStatus.READY))
    @rule(steps=st.sampled_from((4, 4, 3)), fails=st.booleans())
    def make_anew(self, steps: int, *, fails: bool) -> None:
        video_id = self._there(VideoStatus.READY)[0]
        self.ask(self._there(*SEEN_STATUSES).index(video_id), "reprocess")
        self.no_way_leads_out_of_ready_or_error_but_a_retry_or_a_delete()
        self._asked_for = set()
        for number in range(steps):
            for run in [run for run in self._open_runs() if run.video_id == video_id]:
                self._do(self._played.next_step(run, fails=fails and number == steps - 1))

    @precondition(lambda self: self._open_runs())
    @rule(which=_WHICH, steps=st.sampled_from((3, 2, 1)))
    def delete_in_mid_run(self, which: int, steps: int) -> None:
        self.go_on_with_a_run(which, steps, fails=False)
        runs = self._open_runs()
        if runs:
            video_id = runs[which % len(runs)].video_id
            self._asked_for = {video_id}
            self._do(self._database.deletions.begin(video_id))

    @precondition(lambda self: self._book.deletions)
    @rule(which=_WHICH)
    def go_on_with_a_deletion(self, which: int) -> None:
        self._asked_for = set()
        names = sorted(self._book.deletions)
        self._do(self._played.next_deletion_step(names[which % len(names)]))

    @precondition(lambda self: self._open_runs() or self._book.deletions)
    @rule()
    def terminate_all(self) -> None:
        self._asked_for = set()
        self._book.deletions.clear()
        for run in self._open_runs():
            run.is_open = False

    @precondition(lambda self: self._there())
    @rule(sweeps=st.booleans(), is_later=st.booleans())
    def look_after_all(self, *, sweeps: bool, is_later: bool = False) -> None:
        self._asked_for = set()

        async def look() -> None:
            async with self._database.transaction() as session:
                aged = "UPDATE videos SET updated_at = updated_at - interval '1 hour', next_look_at = NULL"
                await session.execute(text(aged))
                if is_later:
                    await session.execute(text("UPDATE former_editions SET remove_after = now()"))
            assert (await self._reconciler.run()).failed == 0
            if sweeps:
                await self._sweeper.run()
                assert await self._strays() == []

        self._do(look())

    # What always holds

    @invariant()
    def no_way_leads_out_of_ready_or_error_but_a_retry_or_a_delete(self) -> None:
        rows = self._do(self._rows())
        for video_id, (before, attempt) in self._seen.items():
            row = rows.get(video_id)
            now = VideoStatus(row.status) if row is not None else None
            if now != before:
                assert now in _LEADS_TO[before], (before, now)
                if before in {VideoStatus.READY, VideoStatus.ERROR}:
                    assert video_id in self._asked_for, (before, now)
            if row is not None:
                was_retried = (before, now) == (VideoStatus.ERROR, VideoStatus.PROCESSING)
                may_be_made_anew = before == now == VideoStatus.READY and video_id in self._asked_for
                assert row.attempt in {attempt + was_retried, attempt + may_be_made_anew}
            self._seen[video_id] = (now, row.attempt if row is not None else attempt)

    @invariant()
    def a_video_has_one_run_and_an_attempt_never_two(self) -> None:
        open_runs = Counter(run.video_id for run in self._open_runs())
        attempts = Counter((run.video_id, run.attempt) for run in self._book.runs)
        assert set(open_runs.values()) <= {1}
        assert set(attempts.values()) <= {1}

    @invariant()
    def a_video_is_there_with_all_of_its_files_or_not_at_all(self) -> None:
        async def look() -> None:
            former = await self._database.editions.former(list(self._seen))
            page = await self._database.videos.list_page(None, limit=_MOST_VIDEOS, after=None)
            seen = {video.id for video in page.videos}
            for video_id, row in (await self._rows()).items():
                assert (video_id not in seen) == (row.status == VideoStatus.DELETING)
                if row.uploaded_at is not None and video_id in seen:
                    assert await self._storage.size(row.original_key) is not None, row
                if row.status == VideoStatus.READY:
                    for edition in {row.published_edition} | former.get(video_id, set()):
                        assert await self._content_of(video_id, edition) == [content_of_edition(edition), PICTURE], row

        self._do(look())

    def teardown(self) -> None:
        """Let all go on to its end: then nothing is on its way, and no file is there without its row."""
        try:
            for _ in range(4):
                self.look_after_all(sweeps=False)
                while self._open_runs():
                    self._do(self._played.next_step(self._open_runs()[0], fails=False))
                while self._book.deletions:
                    self._do(self._played.next_deletion_step(min(self._book.deletions)))
            self.look_after_all(sweeps=True, is_later=True)
            rows = self._do(self._rows())
            ended = {VideoStatus.READY, VideoStatus.ERROR, VideoStatus.UPLOADING}  # a sender may still be sending
            assert {row.status for row in rows.values()} <= ended
            assert not any(row.is_reprocessing for row in rows.values())
            for video_id, row in rows.items():
                assert len(self._do(self._published(video_id))) == (2 if row.status == VideoStatus.READY else 0)
        finally:
            self._do(self._empty())
            self._do(self._database.dispose())
            self._runner.close()
            self._folder.cleanup()

    # How

    def _with(
        self, which: int, act: Callable[[Video], Coroutine[Any, Any, object]], *, asks_for_it: bool = False
    ) -> None:
        """Act on a video that somebody sees; a refusal is an answer."""
        there = self._there()
        video_id = there[which % len(there)]
        self._asked_for = {video_id} if asks_for_it else set()

        async def with_video() -> None:
            video = await self._database.videos.get(video_id)
            if video is not None:
                with contextlib.suppress(Refused, VideoError):
                    await act(video)

        self._do(with_video())

    def _there(self, *wanted: VideoStatus) -> list[UUID]:
        """Videos that have a row, in one of these statuses where any is named; the oldest first."""
        statuses = wanted or tuple(VideoStatus)
        return [video_id for video_id, (status, _) in self._seen.items() if status in statuses]

    async def _finish(self, video_id: UUID, *, dies: bool) -> None:
        """All bytes are here; the api may die before it starts the run."""
        video = await self._database.videos.get(video_id)
        if video is None or video.status != VideoStatus.UPLOADING:
            return
        await self._write_original(video.id, whole=True)
        with contextlib.suppress(StatusConflict):
            whole = await self._database.videos.finish_upload(video_id, file_size_bytes=5, content_sha256=SHA256)
            if not dies:
                await start_run(self._book, whole)

    def _open_runs(self) -> list[BookedRun]:
        return [run for run in self._book.runs if run.is_open]

    async def _write_original(self, video_id: UUID, *, whole: bool) -> None:
        writer = await self._storage.create_original(original_key(str(video_id), ".mp4"))
        await writer.write(b"bytes")
        await (writer.commit() if whole else writer.keep())
        await writer.close()

    async def _note_reprocessing(self, video: Video) -> None:
        await self._database.reprocessings.begin(video.id, "mobile", counts=False)

    async def _content_of(self, video_id: UUID, edition: int) -> list[bytes]:
        keys = (processed_key(str(video_id), name, edition) for name in PUBLISHED_NAMES)
        return [await content_of(self._storage, key) for key in keys]

    async def _published(self, video_id: UUID) -> list[str]:
        return [kept.key async for kept in self._storage.kept(processed_folder(str(video_id)))]

    async def _strays(self) -> list[object]:
        return [stray async for stray in self._sweeper.strays()]

    async def _rows(self) -> dict[UUID, Video]:
        async with self._database.transaction() as session:
            return {row.id: row for row in await session.scalars(select(Video))}

    async def _empty(self) -> None:
        async with self._database.transaction() as session:
            await session.execute(text("DELETE FROM videos"))


@pytest.mark.timeout(300 + 20 * _EXAMPLES)  # on a busy machine
def test_rows_runs_and_files_keep_their_promises_in_any_order(database_url: str) -> None:
    class OnThisDatabase(RowsAndRuns):
        pass

    OnThisDatabase.database_url = database_url
    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=_EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            phases=(Phase.explicit, Phase.generate),  # to shrink what takes seconds a time takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
