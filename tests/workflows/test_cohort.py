"""A cohort is retried, or made anew, at its rate, is held and let go, and tells how far it is."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.reprocess_videos import ReprocessVideosActivities
from activities.retry_videos import RetryVideosActivities, RetryVideosInput
from contracts.cohorts import CohortInput, CohortProgress, FailedVideos, ReadyVideos, Reprocessing, cohort_workflow_id
from contracts.errors import ErrorCode, StorageFailed
from contracts.processing import VideoProcessingInput
from contracts.refusals import RefusalCode, Refused
from contracts.status import CohortStatus, VideoStatus
from contracts.temporal_names import CONTROL_QUEUE
from database.engine import Database
from database.tables import Video, utc_now
from runs.actions import VideoActions
from runs.cohorts import TemporalCohortRuns
from storage.disk import DiskStorage
from tests.api.running import RecordedRuns
from tests.database.samples import video_in
from tests.waiting import eventually
from tests.workflows.details import current_details
from workflows.replay import replay_history
from workflows.video_cohort import VideoCohortWorkflow

TIMER_STARTED = EventType.EVENT_TYPE_TIMER_STARTED


@pytest.fixture
def storage(tmp_path_factory: pytest.TempPathFactory) -> DiskStorage:
    folder = tmp_path_factory.mktemp("cohort")
    return DiskStorage(folder / "uploads", folder / "scratch")


def failed_now(code: ErrorCode = ErrorCode.STORAGE_FAILED) -> FailedVideos:
    now = utc_now()
    return FailedVideos(code.value, (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat())


async def failed_video(database: Database, storage: DiskStorage, *, with_file: bool = True) -> Video:
    video = await video_in(database.videos, VideoStatus.PROCESSING)
    await database.videos.mark_error(video.id, 1, ErrorCode.STORAGE_FAILED, "The disk is full.")
    if with_file:
        await write_original(storage, video)
    return video


async def write_original(storage: DiskStorage, video: Video) -> None:
    writer = await storage.create_original(video.original_key)
    await writer.write(b"x")
    await writer.commit()


def worker(client: Client, database: Database, storage: DiskStorage, runs: RecordedRuns) -> Worker:
    actions = VideoActions(database.videos, database.deletions, database.reprocessings, storage, runs)
    retry = RetryVideosActivities(database.cohorts, actions).retry_videos
    reprocess = ReprocessVideosActivities(database.cohorts, actions).reprocess_videos
    return Worker(client, task_queue=CONTROL_QUEUE, workflows=[VideoCohortWorkflow], activities=[retry, reprocess])


async def test_a_cohort_is_held_let_go_and_passes_over_what_can_not_be_retried(
    temporal_client: Client, database: Database, storage: DiskStorage
) -> None:
    videos = [await failed_video(database, storage, with_file=number > 0) for number in range(4)]
    other = await video_in(database.videos, VideoStatus.ERROR)
    runs, cohorts, cohort_id = RecordedRuns(), TemporalCohortRuns(temporal_client), uuid4().hex[:16]
    wanted = failed_now()
    assert await database.cohorts.count(wanted) == 4
    async with worker(temporal_client, database, storage, runs):
        held = CohortInput(wanted, total=4, a_minute=6000, is_paused=True)
        await cohorts.start(cohort_id, held)
        assert await cohorts.progress(cohort_id, None) == CohortProgress(
            4, 0, 0, is_paused=True, is_done=False, in_words="retry storage_failed", status=CohortStatus.PAUSED
        )
        assert runs.started == []
        await cohorts.resume(cohort_id, None)
        done = await eventually(lambda: cohorts.progress(cohort_id, None), lambda seen: seen.is_done)
        assert (done.retried, done.passed_over, done.status) == (3, 1, CohortStatus.DONE)
        with pytest.raises(Refused) as refused:
            await cohorts.progress(cohort_id, "somebody else")
        assert refused.value.code == RefusalCode.COHORT_NOT_FOUND
        handle = temporal_client.get_workflow_handle(cohort_workflow_id(cohort_id))
        history = await handle.fetch_history()
    assert {request.video_id for request, _ in runs.started} == {str(video.id) for video in videos[1:]}
    assert (await database.videos.get(other.id)).status == VideoStatus.ERROR  # type: ignore[union-attr]
    assert (await replay_history(history)).deterministic


async def test_a_cohort_of_ready_videos_is_made_anew_each_once_and_is_listed_to_whom_it_belongs(
    temporal_client: Client, database: Database, storage: DiskStorage
) -> None:
    videos = [await video_in(database.videos, VideoStatus.READY) for _ in range(3)]
    for video in videos[1:]:
        await write_original(storage, video)
    runs, cohorts, cohort_id = RecordedRuns(), TemporalCohortRuns(temporal_client), uuid4().hex[:16]
    moment = (utc_now() + timedelta(seconds=1)).isoformat()
    wanted = ReadyVideos(moment, profile="web", user_id="local")
    assert await database.cohorts.count_ready(wanted) == 3
    async with worker(temporal_client, database, storage, runs):
        reprocessing = Reprocessing(wanted, "mobile", counts=False)
        await cohorts.start(cohort_id, CohortInput(None, 3, 6000, reprocessing=reprocessing))
        done = await eventually(lambda: cohorts.progress(cohort_id, "local"), lambda seen: seen.is_done)
        assert (done.retried, done.passed_over, done.in_words) == (2, 1, "reprocess with mobile")
        handle = temporal_client.get_workflow_handle(cohort_workflow_id(cohort_id))
        history = await handle.fetch_history()
    begun = {request.video_id: request.profile for request, _ in runs.started}
    assert begun == {str(video.id): "mobile" for video in videos[1:]}
    assert (await replay_history(history)).deterministic
    listed = await eventually(lambda: cohorts.newest("local", limit=5), bool)
    assert (listed[0].cohort_id, listed[0].in_words) == (cohort_id, "reprocess with mobile")
    assert await cohorts.newest("somebody else", limit=5) == []


async def test_a_cohort_passes_over_a_video_of_which_the_disk_can_not_tell_and_waits_for_one_that_is_away(
    database: Database, storage: DiskStorage, tmp_path: Path
) -> None:
    class Failing(DiskStorage):
        async def size(self, key: str) -> int | None:
            if str(unreadable.id) in key:
                raise StorageFailed("The disk can't be read.")
            return await super().size(key)

    unreadable, good = [await failed_video(database, storage) for _ in range(2)]
    failing = Failing(tmp_path / "uploads", tmp_path / "scratch")
    await write_original(failing, good)
    runs, wanted = RecordedRuns(), RetryVideosInput(failed_now(), after=None, limit=20)
    actions = VideoActions(database.videos, database.deletions, database.reprocessings, failing, runs)
    activity = RetryVideosActivities(database.cohorts, actions).retry_videos
    done = await ActivityEnvironment().run(activity, wanted)
    assert (done.retried, done.passed_over) == (1, 1)
    assert [request.video_id for request, _ in runs.started] == [str(good.id)]

    (tmp_path / "scratch").rmdir()
    (tmp_path / "scratch").write_bytes(b"not a folder")
    with pytest.raises(StorageFailed):
        await ActivityEnvironment().run(activity, wanted)


async def test_a_cohort_that_is_paused_begins_no_more(
    temporal_client: Client, database: Database, storage: DiskStorage
) -> None:
    for _ in range(3):
        await failed_video(database, storage)
    runs, cohorts, cohort_id = RecordedRuns(), TemporalCohortRuns(temporal_client), uuid4().hex[:16]
    async with worker(temporal_client, database, storage, runs):
        await cohorts.start(cohort_id, CohortInput(failed_now(), total=3, a_minute=1))
        await eventually(lambda: cohorts.progress(cohort_id, None), lambda seen: seen.retried == 1)
        await cohorts.pause(cohort_id, None)
        assert (await cohorts.progress(cohort_id, None)).is_paused
        handle = temporal_client.get_workflow_handle(cohort_workflow_id(cohort_id))
        assert "1 of 3" in await current_details(handle)
        events = [event async for event in handle.fetch_history_events()]
        timers = [event.timer_started_event_attributes for event in events if event.event_type == TIMER_STARTED]
        assert [timer.start_to_fire_timeout.ToSeconds() for timer in timers] == [60], "one a minute"
        await cohorts.cancel(cohort_id, None)
    assert len(runs.started) == 1


async def test_a_cohort_at_a_rate_that_no_clock_knows_goes_on_and_is_ended_by_a_cancel(
    temporal_client: Client, database: Database, storage: DiskStorage
) -> None:
    for _ in range(2):
        await failed_video(database, storage)
    runs, cohorts, cohort_id = RecordedRuns(), TemporalCohortRuns(temporal_client), uuid4().hex[:16]
    async with worker(temporal_client, database, storage, runs):
        await cohorts.start(cohort_id, CohortInput(failed_now(), total=2, a_minute=1e-300))
        await eventually(lambda: cohorts.progress(cohort_id, None), lambda seen: seen.retried == 1)
        assert (await cohorts.progress(cohort_id, None)).status is CohortStatus.RUNNING
        await cohorts.cancel(cohort_id, None)
        with pytest.raises(WorkflowFailureError):
            await temporal_client.get_workflow_handle(cohort_workflow_id(cohort_id)).result()
        assert await cohorts.progress(cohort_id, None) == CohortProgress(
            2, 1, 0, is_paused=False, is_done=False, in_words="retry storage_failed", status=CohortStatus.CANCELLED
        )
        (listed,) = await eventually(lambda: cohorts.newest(None, limit=1), lambda seen: seen[0].status != "running")
    assert (listed.cohort_id, listed.status) == (cohort_id, CohortStatus.CANCELLED)


@pytest.mark.parametrize("ended_as", [CohortStatus.TERMINATED, CohortStatus.FAILED])
async def test_a_cohort_that_was_ended_from_outside_is_told_as_that(
    temporal_client: Client, database: Database, storage: DiskStorage, ended_as: CohortStatus
) -> None:
    class Refusing(RecordedRuns):
        async def start(self, request: VideoProcessingInput, label: str) -> None:
            assert label, request
            raise ApplicationError("It is over.", non_retryable=True)

    await failed_video(database, storage)
    runs = Refusing() if ended_as is CohortStatus.FAILED else RecordedRuns()
    cohorts, cohort_id = TemporalCohortRuns(temporal_client), uuid4().hex[:16]
    async with worker(temporal_client, database, storage, runs):
        is_paused = ended_as is CohortStatus.TERMINATED
        await cohorts.start(cohort_id, CohortInput(failed_now(), total=1, a_minute=60, is_paused=is_paused))
        if is_paused:
            await temporal_client.get_workflow_handle(cohort_workflow_id(cohort_id)).terminate("By hand.")
        seen = await eventually(lambda: cohorts.progress(cohort_id, None), lambda told: told.status != "running")
    assert (seen.status, seen.is_done) == (ended_as, False)
