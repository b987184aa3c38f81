"""What a worker measures of its steps and videos, and where it can be read."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Worker

from contracts.errors import ErrorCode, StatusConflict
from contracts.status import VideoStatus
from database.engine import Database
from runs.workers import WORKER_HEARTBEAT
from telemetry.exposition import new_registry, served
from telemetry.sdk import measured_runtime
from telemetry.steps import StepMetrics, StepMetricsInterceptor
from telemetry.videos import ENDED_BY_APIS, VideoMetrics, counted
from tests.database.samples import PUBLISHED, SHA256, video_in
from workers.place import steps_of


class Inner(ActivityInboundInterceptor):
    """An activity that ends as it is told."""

    def __init__(self, failure: Exception | None) -> None:
        self._failure = failure

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ARG002 - Temporal's name
        assert activity.in_activity()
        if self._failure is not None:
            raise self._failure


WAITS = ApplicationError("later", type="waits_for_others", category=ApplicationErrorCategory.BENIGN)
"""No fault of ours, which is what a metric of code ``internal`` would tell an operator."""


@pytest.mark.parametrize(
    ("failure", "outcome", "code"),
    [
        (None, "completed", None),
        (ApplicationError("no", type="storage_failed"), "failed", "storage_failed"),
        (ApplicationError("no", type="a name that anybody may choose"), "failed", "internal"),
        (WAITS, "failed", "waits_for_others"),
    ],
)
async def test_each_attempt_of_a_step_has_a_duration_an_outcome_and_a_known_code(
    failure: Exception | None, outcome: str, code: str | None
) -> None:
    registry = CollectorRegistry()
    measured = StepMetricsInterceptor(StepMetrics(registry)).intercept_activity(Inner(failure))
    given = ExecuteActivityInput(fn=print, args=[], executor=None, headers={})

    async def run() -> None:
        await measured.execute_activity(given)

    try:
        await ActivityEnvironment().run(run)
    except ApplicationError as raised:
        assert raised is failure  # noqa: PT017 - it may also end well
    step = {"step": ActivityEnvironment().info.activity_type}
    assert registry.get_sample_value("rushes_step_duration_seconds_count", {**step, "outcome": outcome}) == 1
    assert registry.get_sample_value("rushes_steps_running", step) == 0
    if code is not None:
        assert registry.get_sample_value("rushes_step_failures_total", {**step, "code": code}) == 1


@activity.defn
async def boil_tea() -> None:
    """A step of no video."""


async def test_failures_of_a_step_count_from_nothing_so_that_the_first_is_an_increase(temporal_client: Client) -> None:
    registry = CollectorRegistry()
    StepMetrics(registry).expect(steps_of([Worker(temporal_client, task_queue="kitchen", activities=[boil_tea])]))
    for code in ErrorCode:
        labels = {"step": "boil_tea", "code": code.value}
        assert registry.get_sample_value("rushes_step_failures_total", labels) == 0


async def test_videos_are_counted_once_where_their_rows_are_changed(database: Database) -> None:
    registry = CollectorRegistry()
    plain = database.videos, database.reprocessings
    counted(database, VideoMetrics(registry))
    ready = await video_in(database.videos, VideoStatus.PROCESSING)
    failed = await video_in(database.videos, VideoStatus.PROCESSING)
    cancelled = await video_in(database.videos, VideoStatus.PROCESSING)
    await database.videos.request_cancel(cancelled.id, 1)
    for _ in range(2):  # Temporal asks again where the first answer was lost
        await database.videos.mark_ready(ready.id, 1, PUBLISHED)
        assert await database.videos.mark_error(failed.id, 1, ErrorCode.STORAGE_FAILED, "Full.")
        assert await database.videos.mark_error(cancelled.id, 1, ErrorCode.TRANSCODE_FAILED, "Ended.")
    with pytest.raises(StatusConflict):
        await database.videos.finish_upload(failed.id, file_size_bytes=1, content_sha256=SHA256)
    for attempt in (2, 3):
        await database.reprocessings.begin(ready.id, "mobile", counts=False)
        for _ in range(2):
            if attempt == 2:
                await database.reprocessings.finish(ready.id, attempt, PUBLISHED, keep=timedelta(hours=1))
            else:
                await database.reprocessings.fail(ready.id, attempt, ErrorCode.TRANSCODE_FAILED, "Ended.")
    database.videos, database.reprocessings = plain
    value = registry.get_sample_value
    assert value("rushes_uploads_total") == 3
    assert (value("rushes_upload_bytes_total") or 0) > 0
    assert value("rushes_videos_ended_total", {"status": "ready", "code": ""}) == 1
    assert value("rushes_videos_ended_total", {"status": "error", "code": "storage_failed"}) == 1
    assert value("rushes_videos_ended_total", {"status": "error", "code": "cancelled"}) == 1
    assert value("rushes_videos_reprocessed_total", {"code": ""}) == 1
    assert value("rushes_videos_reprocessed_total", {"code": "transcode_failed"}) == 1


async def test_an_api_tells_no_zeros_of_what_workers_count() -> None:
    of_api, of_worker = CollectorRegistry(), CollectorRegistry()
    VideoMetrics(of_api, ENDED_BY_APIS)
    VideoMetrics(of_worker)
    for name, status in (("rushes_videos_ended_total", {"status": "error"}), ("rushes_videos_reprocessed_total", {})):
        lost = {**status, "code": "processing_lost"}
        assert of_api.get_sample_value(name, lost) == of_worker.get_sample_value(name, lost) == 0
        failed = {**status, "code": "invalid_media"}
        assert (of_api.get_sample_value(name, failed), of_worker.get_sample_value(name, failed)) == (None, 0)
    ready = {"status": "ready", "code": ""}
    assert of_api.get_sample_value("rushes_videos_ended_total", ready) is None
    assert of_worker.get_sample_value("rushes_videos_ended_total", ready) == 0


async def test_what_temporal_s_sdk_measures_is_read_at_the_same_address(temporal_client: Client) -> None:
    registry = new_registry()
    runtime = measured_runtime(registry, worker_heartbeat=WORKER_HEARTBEAT)
    address = temporal_client.service_client.config.target_host
    await Client.connect(address, namespace=temporal_client.namespace, runtime=runtime)
    with served(registry, "127.0.0.1", 0) as port:
        async with httpx.AsyncClient(trust_env=False) as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    assert "rushes_build_info" in text
    assert "temporal_request_total" in text
