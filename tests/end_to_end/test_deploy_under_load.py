"""A second version is deployed in mid-encode: what is on its way finishes on the first, what comes on the second."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle

from contracts.processing import VideoProcessingInput
from contracts.temporal_names import workflow_id
from contracts.worker_identity import WorkerIdentity
from database.engine import Database
from runs.client import TemporalRuns
from tests.database.samples import SHA256, new_video
from tests.fixtures.clips import Clip, Clips
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

DEPLOYMENT = "rushes"
TEMPORAL = Path(sys.executable).with_name("temporal")


@dataclass(frozen=True)
class Ground:
    """What two versions of the workers share."""

    client: Client
    database: Database
    folder: Path
    environment: dict[str, str]

    @property
    def where(self) -> tuple[str, ...]:
        """Options of the ``temporal`` command."""
        return ("--address", self.client.service_client.config.target_host, "--namespace", self.client.namespace)

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

    async def make_current(self, build_id: str) -> None:
        """As the page on deployment says."""
        deployment = ("worker", "deployment")

        async def is_known() -> bool:
            options = ("--deployment-name", DEPLOYMENT, "--build-id", build_id)
            return await self._temporal(*deployment, "set-current-version", *options, "--yes") == 0

        await eventually(is_known, bool)

    async def _temporal(self, *arguments: str) -> int:
        process = await asyncio.create_subprocess_exec(
            TEMPORAL,
            *arguments,
            *self.where,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await process.wait()

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
    }
    return Ground(own_namespace, database, tmp_path, inherited | settings)


@asynccontextmanager
async def version(ground: Ground, build_id: str) -> AsyncIterator[None]:
    """A worker of this version, labelled with it."""
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "worker.py", "--label", f"version-{build_id}"),
        env=ground.environment | {"RUSHES_BUILD_ID": build_id},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        worker.terminate()
        await worker.wait()


async def test_videos_on_their_way_finish_on_their_version_and_new_ones_take_the_new(
    ground: Ground, clips: Clips
) -> None:
    long, short = clips.path(Clip.LONG_720P), clips.path(Clip.SHORT_WITH_SOUND)
    async with version(ground, "1"), version(ground, "2"):
        await ground.make_current("1")
        first = await ground.start(long)
        await eventually(lambda: ground.encodes(first), bool)
        await ground.make_current("2")
        assert await ground.encodes(first), "the second version has to come in mid-encode"
        second = await ground.start(short)
        await asyncio.gather(first.result(), second.result())
    assert await ground.versions(first) == {("workflow", "1"), ("activity", "version-1")}
    assert await ground.versions(second) == {("workflow", "2"), ("activity", "version-2")}
