"""Activities that do as a test says, so that every path of the workflow can be walked without media or a database.

Only the activities are stand-ins; the workflow, its options and the server are the real ones.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

from activities.claim_video import ClaimVideoInput
from activities.clean_scratch import CleanScratchInput
from activities.count_minutes import CountMinutesInput
from activities.create_thumbnail import CreateThumbnailInput, CreateThumbnailResult
from activities.encode_chunk import EncodeChunkInput, EncodeChunkResult
from activities.encode_sound import EncodeSoundInput, EncodeSoundResult
from activities.error_types import ErrorTypeInterceptor
from activities.fetch_original import FetchOriginalInput
from activities.hash_original import HashOriginalInput, HashOriginalResult
from activities.join_streams import JoinStreamsInput, JoinStreamsResult
from activities.mark_error import MarkErrorInput, MarkErrorResult
from activities.mark_ready import MarkReadyInput
from activities.publish_files import PublishFilesInput, WithdrawFilesInput
from activities.remove_video import RemoveFilesInput, RemoveRowInput
from activities.reprocess_video import FailReprocessingResult, PublishEditionInput
from activities.stop_run import StopRunInput, StopRunResult
from activities.validate_video import ValidateVideoInput, ValidateVideoResult
from activities.verify_output import VerifyOutputInput, VerifyOutputResult
from contracts.processing import StepProgress
from contracts.status import VideoStatus
from contracts.storage_keys import WorkFile, work_key
from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE
from media.join import StreamHash
from media.plan import TranscodePlan
from tests.workflows.plans import encoded_plan
from workflows.video_deletion import VideoDeletionWorkflow
from workflows.video_processing import VideoProcessingWorkflow

_THROTTLE = timedelta(milliseconds=50)

Behaviour = Callable[[int], Awaitable[None]]
"""What an activity does before it returns, given the number of its call (1, 2, …)."""


async def hang_with_heartbeats(_call: int) -> None:
    """Run until cancelled, as a long encode does."""
    fraction = 0.0
    while True:
        activity.heartbeat(StepProgress(fraction=fraction, speed=1.0))
        await asyncio.sleep(0.05)
        fraction = min(0.99, fraction + 0.01)


async def hang_silently(_call: int) -> None:
    """Say nothing, as a worker that is gone: until the server gives the attempt up, or the test ends."""
    await asyncio.Event().wait()


def always(error: Exception) -> Behaviour:
    """Fail each time."""

    async def fail(_call: int) -> None:
        raise error

    return fail


def first(times: int, error: Exception) -> Behaviour:
    """Fail so many times, then succeed."""

    async def fail_then_pass(call: int) -> None:
        if call <= times:
            raise error

    return fail_then_pass


class ScriptedActivities:
    """All activities, doing as they are told.

    Attributes:
        plan: What ``validate_video`` answers.
        why_not_encoded: The same.
        at_hand: By the name that ``calls`` has, the queue of a worker that is said to have the files now.
        places: Where each activity ran, by the same name: queues in order.
        behaviours: What an activity does; by its name, or by its id for one of several, such as ``chunk-2-of-3``.
        calls: Names of what was called, in order; of ``encode_chunk`` the id.
        ended: The same of what has ended, however it did.
        requests: Inputs of each activity, by the name that ``calls`` has.
        row_status: What ``mark_error`` finds in the row afterwards.
        is_served: What ``fail_reprocessing`` finds there.
        was_terminated: What ``stop_run`` says of the run.
    """

    def __init__(self, plan: TranscodePlan | None = None) -> None:
        self.plan = plan if plan is not None else encoded_plan()
        self.why_not_encoded = ""
        self.at_hand: dict[str, str] = {}
        self.places: dict[str, list[str]] = defaultdict(list)
        self.behaviours: dict[str, Behaviour] = {}
        self.calls: list[str] = []
        self.ended: list[str] = []
        self.requests: dict[str, list[object]] = defaultdict(list)
        self.row_status: VideoStatus | None = VideoStatus.ERROR
        self.is_served = False
        self.was_terminated = False
        self._begun: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._count: Counter[str] = Counter()

    async def begun(self, name: str) -> None:
        """Wait until the activity has been called."""
        async with asyncio.timeout(20):
            await self._begun[name].wait()

    def again(self, name: str) -> None:
        """Let ``begun`` wait for the next call."""
        self._begun[name].clear()

    def release(self, name: str) -> None:
        """Let those go on that wait for ``begun`` of a name that no activity has."""
        self._begun[name].set()

    def last(self, name: str) -> object:
        """The newest input of an activity."""
        return self.requests[name][-1]

    async def _act(self, request: object) -> None:
        info = activity.info()
        base = info.activity_id.partition(".")[0]
        name = base if info.activity_type == "encode_chunk" else info.activity_type
        self.calls.append(name)
        self.requests[name].append(request)
        self.places[name].append(info.task_queue)
        for known in {name, info.activity_type}:
            self._count[known] += 1
            self._begun[known].set()
        key = name if name in self.behaviours else info.activity_type
        try:
            if key in self.behaviours:
                await self.behaviours[key](self._count[key])
        finally:
            self.ended.append(name)

    @activity.defn
    async def claim_video(self, request: ClaimVideoInput) -> None:
        await self._act(request)

    @activity.defn
    async def fetch_original(self, request: FetchOriginalInput) -> None:
        await self._act(request)

    @activity.defn
    async def validate_video(self, request: ValidateVideoInput) -> ValidateVideoResult:
        await self._act(request)
        return ValidateVideoResult(self.plan, self.why_not_encoded, self.at_hand.get("validate_video"))

    @activity.defn
    async def encode_chunk(self, request: EncodeChunkInput) -> EncodeChunkResult:
        await self._act(request)
        key = work_key(request.video_id, f"chunk-{request.chunk.number:03d}-0123456789abcdef.mp4")
        at_hand = self.at_hand.get(activity.info().activity_id)
        return EncodeChunkResult(
            WorkFile(key, 1_000_000), request.chunk.frames, lost_frames=0, parameters="a" * 40, at_hand=at_hand
        )

    @activity.defn
    async def encode_sound(self, request: EncodeSoundInput) -> EncodeSoundResult:
        await self._act(request)
        return EncodeSoundResult(WorkFile(work_key(request.video_id, "sound-0123456789abcdef.mp4"), 100_000))

    @activity.defn
    async def create_thumbnail(self, request: CreateThumbnailInput) -> CreateThumbnailResult:
        await self._act(request)
        file = WorkFile(work_key(request.video_id, "thumbnail-0123456789abcdef.jpg"), 20_000)
        return CreateThumbnailResult(file, "2" * 64)

    @activity.defn
    async def count_minutes(self, request: CountMinutesInput) -> None:
        await self._act(request)

    @activity.defn
    async def hash_original(self, request: HashOriginalInput) -> HashOriginalResult:
        await self._act(request)
        return HashOriginalResult("0" * 64)

    @activity.defn
    async def join_streams(self, request: JoinStreamsInput) -> JoinStreamsResult:
        await self._act(request)
        frames = sum(chunk.frames for chunk in request.chunks) or request.plan.picture.packets
        file = WorkFile(work_key(request.video_id, f"video-{request.making}.mp4"), 900_000)
        hashes = StreamHash("MURMUR3=1", "MURMUR3=2")
        return JoinStreamsResult(file, hashes, frames, warnings=(), at_hand=self.at_hand.get("join_streams"))

    @activity.defn
    async def verify_output(self, request: VerifyOutputInput) -> VerifyOutputResult:
        await self._act(request)
        return VerifyOutputResult(duration_seconds=request.plan.duration_seconds, width=1280, height=720)

    @activity.defn
    async def publish_files(self, request: PublishFilesInput) -> None:
        await self._act(request)

    @activity.defn
    async def withdraw_files(self, request: WithdrawFilesInput) -> None:
        await self._act(request)

    @activity.defn
    async def mark_ready(self, request: MarkReadyInput) -> None:
        await self._act(request)

    @activity.defn
    async def mark_error(self, request: MarkErrorInput) -> MarkErrorResult:
        await self._act(request)
        return MarkErrorResult(status=self.row_status)

    @activity.defn
    async def claim_reprocessing(self, request: ClaimVideoInput) -> None:
        await self._act(request)

    @activity.defn
    async def publish_edition(self, request: PublishEditionInput) -> None:
        await self._act(request)

    @activity.defn
    async def mark_reprocessed(self, request: MarkReadyInput) -> None:
        await self._act(request)

    @activity.defn
    async def fail_reprocessing(self, request: MarkErrorInput) -> FailReprocessingResult:
        await self._act(request)
        return FailReprocessingResult(self.is_served, request.error_code.value)

    @activity.defn
    async def withdraw_edition(self, request: WithdrawFilesInput) -> None:
        await self._act(request)

    @activity.defn
    async def clean_scratch(self, request: CleanScratchInput) -> None:
        await self._act(request)

    @activity.defn
    async def stop_run(self, request: StopRunInput) -> StopRunResult:
        await self._act(request)
        return StopRunResult(self.was_terminated)

    @activity.defn
    async def remove_files(self, request: RemoveFilesInput) -> None:
        await self._act(request)

    @activity.defn
    async def remove_row(self, request: RemoveRowInput) -> None:
        await self._act(request)


def control_worker(client: Client, script: ScriptedActivities, interceptors: Sequence[Interceptor] = ()) -> Worker:
    """The worker of workflows and light activities, with the interceptor of the real one."""
    return Worker(
        client,
        task_queue=CONTROL_QUEUE,
        identity=CONTROL_QUEUE,
        workflows=[VideoProcessingWorkflow, VideoDeletionWorkflow],
        activities=[
            script.claim_video,
            script.count_minutes,
            script.fetch_original,
            script.publish_files,
            script.withdraw_files,
            script.mark_ready,
            script.mark_error,
            script.claim_reprocessing,
            script.publish_edition,
            script.mark_reprocessed,
            script.fail_reprocessing,
            script.withdraw_edition,
            script.clean_scratch,
            script.stop_run,
            script.remove_files,
            script.remove_row,
        ],
        interceptors=[ErrorTypeInterceptor(count_unforeseen=False), *interceptors],
        max_heartbeat_throttle_interval=_THROTTLE,
        default_heartbeat_throttle_interval=_THROTTLE,
    )


def media_worker(client: Client, script: ScriptedActivities, *, slots: int = 100) -> Worker:
    """The worker of what runs ffmpeg, with the interceptor of the real one."""
    return Worker(
        client,
        task_queue=MEDIA_QUEUE,
        identity=MEDIA_QUEUE,
        activities=[
            script.validate_video,
            script.encode_chunk,
            script.encode_sound,
            script.create_thumbnail,
            script.hash_original,
            script.join_streams,
            script.verify_output,
        ],
        interceptors=[ErrorTypeInterceptor(count_unforeseen=True)],
        max_concurrent_activities=slots,
        max_heartbeat_throttle_interval=_THROTTLE,
        default_heartbeat_throttle_interval=_THROTTLE,
    )


def own_worker(client: Client, script: ScriptedActivities, queue: str) -> Worker:
    """The worker of one process alone, for what it has at hand."""
    return Worker(
        client,
        task_queue=queue,
        identity=queue,
        activities=[script.join_streams, script.verify_output],
        interceptors=[ErrorTypeInterceptor(count_unforeseen=True)],
        max_heartbeat_throttle_interval=_THROTTLE,
        default_heartbeat_throttle_interval=_THROTTLE,
    )


@asynccontextmanager
async def scripted_workers(
    client: Client, script: ScriptedActivities, interceptors: Sequence[Interceptor] = ()
) -> AsyncIterator[None]:
    """Both queues served by scripted activities."""
    async with control_worker(client, script, interceptors), media_worker(client, script):
        yield
