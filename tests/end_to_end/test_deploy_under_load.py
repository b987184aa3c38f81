"""A second version is deployed in mid-encode: what is on its way finishes on the first, what comes on the second."""

import asyncio
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle

from contracts.cohorts import CohortInput, FailedVideos, cohort_workflow_id
from contracts.processing import VideoProcessingInput
from contracts.temporal_names import workflow_id
from contracts.webhooks import delivery_workflow_id
from contracts.worker_identity import WorkerIdentity
from database.engine import Database
from database.tables import Webhook
from events.dispatch import delivery_input
from events.signing import new_secret
from runs.client import TemporalRuns
from runs.cohorts import TemporalCohortRuns
from runs.webhooks import TemporalWebhookRuns
from tests.database.samples import SHA256, new_video
from tests.fetching.receiving import Receiver, receiving
from tests.fixtures import commands
from tests.fixtures.clips import Clip, Clips
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

DEPLOYMENT = "rushes"
PAGE = Path(__file__).parents[2] / "docs" / "deployment.md"


@dataclass(frozen=True)
class Ground:
    """What two versions of the workers share."""

    client: Client
    database: Database
    folder: Path
    environment: dict[str, str]

    async def start(self, clip: Path) -> WorkflowHandle[object, object]:
        """A video whose upload is through, and its run."""
        new = new_video()
        video = await self.database.videos.create_uploading(replace(new, original_key=f"originals/{new.id}.mp4"))
        original = self.folder / "uploads" / video.original_key
        await asyncio.to_thread(original.write_bytes, await asyncio.to_thread(clip.read_bytes))
        await self.database.videos.finish_upload(video.id, file_size_bytes=1, content_sha256=SHA256)
        request = VideoProcessingInput(str(video.id), video.user_id, video.original_key)
        await TemporalRuns(self.client).start(request, "clip.mp4")
        return self.client.get_workflow_handle(workflow_id(str(video.id)))

    async def deliver_to(self, receiver: Receiver) -> WorkflowHandle[object, object]:
        """The delivery of an event to a webhook there."""
        webhook = Webhook(user_id="local", url=receiver.url, event_types=["video.created"], secret=new_secret())
        await self.database.webhooks.add(webhook)
        await self.database.videos.create_uploading(new_video())
        (due,) = await self.database.webhooks.take_to_start(1)
        request = delivery_input(due.delivery)
        await TemporalWebhookRuns(self.client).start(request, "An event")
        return self.client.get_workflow_handle(delivery_workflow_id(request))

    async def deploy(self, *arguments: str, build_id: str) -> tuple[int | None, str]:
        """``rushes deploy``, as the page on deployment says, for this version: exit code, and what it said."""
        environment = self.environment | {"RUSHES_BUILD_ID": build_id}
        ended = await commands.run(["deploy", *arguments], environment, within_seconds=90)
        return ended.code, ended.err + ended.out

    async def temporal(self, *arguments: str) -> tuple[int | None, str]:
        """A command of Temporal's own: exit code, and what it said."""
        process = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("temporal")), *arguments),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await process.communicate()
        return process.returncode, told.decode()

    async def encodes(self, run: WorkflowHandle[object, object]) -> bool:
        """Whether a chunk of the video is being encoded."""
        described = await self.client.workflow_service.describe_workflow_execution(
            DescribeWorkflowExecutionRequest(
                namespace=self.client.namespace, execution=WorkflowExecution(workflow_id=run.id)
            )
        )
        return any(
            pending.activity_type.name == "encode_chunk" and pending.last_worker_identity
            for pending in described.pending_activities
        )

    async def versions(self, run: WorkflowHandle[object, object]) -> set[tuple[str, str]]:
        """Which versions took its workflow tasks, and which workers its activities: build id and label."""
        found = set()
        async for event in run.fetch_history_events():
            if event.HasField("workflow_task_completed_event_attributes"):
                version = event.workflow_task_completed_event_attributes.deployment_version
                found.add(("workflow", version.build_id))
            if event.HasField("activity_task_started_event_attributes"):
                worker = WorkerIdentity.read(event.activity_task_started_event_attributes.identity)
                assert worker is not None
                found.add(("activity", worker.label))
        return found


@pytest.fixture
def ground(own_namespace: Client, database: Database, database_url: str, tmp_path: Path) -> Ground:
    """A database, folders and a namespace of the test's own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RUSHES_", "TEMPORAL_"))}
    (tmp_path / "uploads" / "originals").mkdir(parents=True)
    settings = {
        "TEMPORAL_ADDRESS": own_namespace.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": own_namespace.namespace,
        "DATABASE_URL": database_url,
        "RUSHES_HOME": str(tmp_path),
        "RUSHES_SCRATCH": str(tmp_path / "scratch"),
        "RUSHES_DEPLOYMENT": DEPLOYMENT,
        "RUSHES_MEDIA_SLOTS": "1",
        "RUSHES_WEBHOOK_ALLOWED_ADDRESSES": '["127.0.0.0/8"]',
    }
    return Ground(own_namespace, database, tmp_path, inherited | settings)


@asynccontextmanager
async def version(ground: Ground, build_id: str) -> AsyncIterator[None]:
    """A worker of this version, labelled with it."""
    environment = ground.environment | {"RUSHES_BUILD_ID": build_id}
    worker = await commands.begin(["worker", "--label", f"version-{build_id}"], environment)
    ending = asyncio.create_task(worker.ended())
    try:
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        await ending


async def test_videos_on_their_way_finish_on_their_version_and_new_ones_take_the_new(
    ground: Ground, clips: Clips
) -> None:
    async with version(ground, "1"), version(ground, "2"):
        code, told = await ground.deploy("current", build_id="1")
        assert (code, told.splitlines()[-1]) == (0, "New videos go to version 1 of rushes.")
        first = await ground.start(clips.path(Clip.FORTY_SECONDS))
        await eventually(lambda: ground.encodes(first), bool)
        code, told = await ground.deploy("current", build_id="2")
        assert code == 0, told
        assert "Version 1 still has 1 on their way." in told
        drained = asyncio.create_task(ground.deploy("drained", "1", build_id="2"))
        second = await ground.start(clips.path(Clip.SHORT_WITH_SOUND))
        await asyncio.gather(first.result(), second.result())
        code, told = await drained
        assert (code, told.startswith("1 on their way with version 1")) == (0, True), told
        assert (await ground.deploy("drained", "2", build_id="2"))[0] == 1, "new videos go there"
    assert await ground.versions(first) == {("workflow", "1"), ("activity", "version-1")}
    assert await ground.versions(second) == {("workflow", "2"), ("activity", "version-2")}


async def test_what_may_wait_for_days_keeps_no_old_version_and_goes_on_with_the_new(ground: Ground) -> None:
    async with receiving(500) as receiver, version(ground, "2"):
        async with version(ground, "1"):
            assert (await ground.deploy("current", build_id="1"))[0] == 0
            delivery = await ground.deliver_to(receiver)
            await eventually(lambda: answered(receiver), bool)
            cohorts = TemporalCohortRuns(ground.client)
            failed = FailedVideos("storage_failed", "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")
            await cohorts.start("paused", CohortInput(failed, total=1, a_minute=60, is_paused=True))
            assert (await cohorts.progress("paused", None)).is_paused
            assert (await ground.deploy("current", build_id="2"))[0] == 0
            async with asyncio.timeout(60):
                code, told = await ground.deploy("drained", "1", build_id="2")
            assert (code, told.splitlines()[-1]) == (0, "Version 1 of rushes has no open run.")
        await cohorts.resume("paused", None)
        cohort = ground.client.get_workflow_handle(cohort_workflow_id("paused"))
        await cohort.result(rpc_timeout=timedelta(seconds=60))
        assert ("workflow", "2") in await ground.versions(cohort)
        await delivery.terminate()


async def test_the_commands_of_temporal_that_the_page_shows_do_the_same(ground: Ground) -> None:
    shown = re.findall(r"# or: temporal (worker deployment .+)$", PAGE.read_text(), re.MULTILINE)
    make_current, look_at_the_older = map(shlex.split, shown)
    older, newer = look_at_the_older[-1], make_current[make_current.index("--build-id") + 1]
    async with version(ground, older), version(ground, newer):
        assert (await ground.deploy("current", build_id=older))[0] == 0

        async def made_current() -> tuple[int | None, str]:
            return await ground.temporal(*make_current)  # refused until workers of all queues are there

        await eventually(made_current, lambda ended: ended[0] == 0)
        code, told = await ground.deploy("drained", newer, build_id=newer)
        assert (code, "is current: new videos go to it" in told) == (1, True), told

        code, told = await ground.temporal(*look_at_the_older)
        assert (code, bool(re.search(r"DrainageStatus +drain(ing|ed)", told))) == (0, True), told


async def test_the_command_of_the_page_for_runs_whose_workers_are_gone_has_them_go_on_with_the_new(
    ground: Ground,
) -> None:
    (shown,) = re.findall(r"^temporal (workflow update-options .+?[^\\])$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    command = shlex.split(shown.replace("\\\n", " "))
    (older,) = re.findall(rf"'{DEPLOYMENT}:([\d.]+)'", shown)
    cohorts = TemporalCohortRuns(ground.client)
    async with version(ground, older):
        assert (await ground.deploy("current", build_id=older))[0] == 0
        failed = FailedVideos("storage_failed", "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")
        await cohorts.start("left", CohortInput(failed, total=1, a_minute=60, is_paused=True))
        assert (await cohorts.progress("left", None)).is_paused
    async with version(ground, "2"):
        assert (await ground.deploy("current", build_id="2"))[0] == 0
        code, told = await ground.temporal(*command)
        assert code == 0, told
        await cohorts.resume("left", None)
        cohort = ground.client.get_workflow_handle(cohort_workflow_id("left"))
        await cohort.result(rpc_timeout=timedelta(seconds=60))
        assert ("workflow", "2") in await ground.versions(cohort)


async def answered(receiver: Receiver) -> bool:
    """Whether something came."""
    return bool(receiver.received)


async def test_a_version_whose_workers_are_not_there_does_not_become_current(ground: Ground) -> None:
    code, told = await ground.deploy("current", "--within", "0.1", build_id="1")
    assert code == 1
    assert "No worker of version 1 of rushes asks for tasks of video-control" in told
