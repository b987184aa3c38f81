"""Rows that are due to be looked after, and a pass over them."""

from datetime import timedelta
from uuid import UUID

from temporalio.client import Client

from contracts.status import VideoStatus
from contracts.temporal_names import workflow_id
from database.engine import Database
from database.tables import Video
from runs.client import TemporalRuns
from runs.reconcile import Reconciler, ReconcileReport, processing_input
from storage.disk import DiskStorage
from tests.database.samples import let_go, new_video, video_in


async def one_pass(database: Database, runs: TemporalRuns, storage: DiskStorage) -> ReconcileReport:
    return await Reconciler(database, runs, storage).run()


async def an_upload(database: Database, *, expires_in: timedelta = timedelta(hours=1)) -> UUID:
    new = new_video(expires_in_seconds=expires_in.total_seconds())
    return (await database.videos.create_uploading(new)).id


async def a_settled_row(database: Database) -> Video:
    """A row in ``processing`` that nobody has touched for a minute."""
    video_id = await an_upload(database)
    await database.videos.finish_upload(video_id, file_size_bytes=1, content_sha256="0" * 64)
    await let_go(database)
    return await the_row(database, video_id)


async def a_lost_row(database: Database, runs: TemporalRuns, client: Client) -> Video:
    """A row in ``processing`` whose run was terminated."""
    video = await a_settled_row(database)
    await runs.start(processing_input(video), "holiday.mp4")
    await client.get_workflow_handle(workflow_id(str(video.id))).terminate()
    return video


async def the_row(database: Database, video_id: UUID) -> Video:
    video = await database.videos.get(video_id)
    assert video is not None
    return video


async def a_reprocessing(database: Database) -> Video:
    """A ready row that was asked to be made anew some time ago."""
    video = await video_in(database.videos, VideoStatus.READY)
    await database.reprocessings.begin(video.id, "mobile", counts=False)
    await let_go(database)
    return await the_row(database, video.id)
