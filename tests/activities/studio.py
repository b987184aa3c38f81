"""One upload and the steps that are taken with it, on real ffmpeg and real storage."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.create_thumbnail import CreateThumbnailActivities, CreateThumbnailInput, CreateThumbnailResult
from activities.encode_chunk import EncodeChunkActivities, EncodeChunkInput, EncodeChunkResult
from activities.encode_sound import EncodeSoundActivities, EncodeSoundInput, EncodeSoundResult
from activities.join_streams import JoinStreamsActivities, JoinStreamsInput, JoinStreamsResult
from activities.validate_video import ValidateVideoActivities, ValidateVideoInput
from activities.verify_output import VerifyOutputActivities, VerifyOutputInput, VerifyOutputResult
from contracts.processing import StepProgress
from contracts.storage_keys import WorkFile
from media.ffmpeg import Ffmpeg
from media.limits import MediaLimits
from media.plan import Chunk, StreamAction, TranscodePlan
from media.profile import Profile
from tests.activities.conftest import Folders

LIMITS = MediaLimits(
    max_duration_seconds=6 * 3600, max_pixels=8192 * 4320, max_encoded_pixels=4_000_000_000_000, max_frame_rate=1000
)
PROFILE = Profile(
    name="web",
    max_short_side=2160,
    max_copy_bit_rate=40_000_000,
    preset="ultrafast",
    crf=30,
    max_bit_rate=20_000_000,
    gop_seconds=0.5,
    chunk_seconds=2,
    chunk_threshold_seconds=2.5,
)
"""Two seconds a chunk, and quickly made."""


@dataclass
class Studio:
    """Takes steps with one upload.

    Attributes:
        ffmpeg: The programs.
        folders: Where everything is.
        video_id: Of the upload.
        key: Of the upload.
        profile: What is wanted.
        beats: What each heartbeat told, over all steps.
    """

    ffmpeg: Ffmpeg
    folders: Folders
    video_id: str
    key: str
    profile: Profile = PROFILE
    beats: list[StepProgress] = field(default_factory=list)

    def environment(self) -> ActivityEnvironment:
        """Where an activity runs; its heartbeats are kept."""
        environment = ActivityEnvironment()
        environment.on_heartbeat = self._keep
        return environment

    def _keep(self, *details: Any) -> None:
        self.beats.extend(details)

    async def plan(self) -> TranscodePlan:
        """What ``validate_video`` says is to be made."""
        profiles = {self.profile.name: self.profile}
        validate = ValidateVideoActivities(self.ffmpeg, self.folders.storage, LIMITS, profiles).validate_video
        return (await self.environment().run(validate, ValidateVideoInput(self.key, self.profile.name))).plan

    def chunk_request(self, plan: TranscodePlan, chunk: Chunk) -> EncodeChunkInput:
        """The input of ``encode_chunk``, as the workflow makes it."""
        return EncodeChunkInput(
            self.video_id, self.key, plan.picture, plan.origin_seconds, chunk, making=1, memory_bytes=plan.memory_bytes
        )

    async def encode_chunk(
        self, plan: TranscodePlan, chunk: Chunk, environment: ActivityEnvironment | None = None
    ) -> EncodeChunkResult:
        """Take the step."""
        step = EncodeChunkActivities(self.ffmpeg, self.folders.storage).encode_chunk
        return await (environment or self.environment()).run(step, self.chunk_request(plan, chunk))

    async def encode_sound(self, plan: TranscodePlan) -> EncodeSoundResult:
        """Take the step."""
        assert plan.sound is not None
        step = EncodeSoundActivities(self.ffmpeg, self.folders.storage).encode_sound
        request = EncodeSoundInput(self.video_id, self.key, plan.sound, plan.origin_seconds, making=1)
        return await self.environment().run(step, request)

    async def thumbnail(self, plan: TranscodePlan) -> CreateThumbnailResult:
        """Take the step."""
        step = CreateThumbnailActivities(self.ffmpeg, self.folders.storage).create_thumbnail
        request = CreateThumbnailInput(self.video_id, self.key, plan.thumbnail, making=1)
        return await self.environment().run(step, request)

    async def join(
        self, plan: TranscodePlan, chunks: tuple[EncodeChunkResult, ...] = (), sound: WorkFile | None = None
    ) -> JoinStreamsResult:
        """Take the step."""
        step = JoinStreamsActivities(self.ffmpeg, self.folders.storage).join_streams
        request = JoinStreamsInput(self.video_id, self.key, plan, chunks, sound, making=1)
        return await self.environment().run(step, request)

    async def verify(self, plan: TranscodePlan, joined: JoinStreamsResult) -> VerifyOutputResult:
        """Take the step."""
        step = VerifyOutputActivities(self.ffmpeg, self.folders.storage).verify_output
        request = VerifyOutputInput(plan, joined.file, joined.went_in, joined.frames)
        return await self.environment().run(step, request)

    async def make(self, plan: TranscodePlan) -> JoinStreamsResult:
        """Take all steps from the plan to the joined video."""
        chunks = [await self.encode_chunk(plan, chunk) for chunk in plan.chunks]
        sound = plan.sound
        encoded = (
            (await self.encode_sound(plan)).file if sound is not None and sound.action is StreamAction.ENCODE else None
        )
        return await self.join(plan, tuple(chunks), encoded)

    def work_files(self) -> dict[str, bytes]:
        """Content of the finished work files by name, records and hidden files left out."""
        folder = self.folders.scratch / self.video_id
        found = folder.iterdir() if folder.exists() else ()
        return {path.name: path.read_bytes() for path in found if not path.name.endswith((".json", ".part"))}

    def parts(self) -> list[str]:
        """Names of what is not finished."""
        folder = self.folders.scratch / self.video_id
        return sorted(path.name for path in folder.glob(".*")) if folder.exists() else []

    def work_path(self, file: WorkFile) -> Path:
        """Where a work file is."""
        return self.folders.scratch / file.key.removeprefix("work/")
