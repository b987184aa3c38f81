"""Step 3: the output is what was asked for, before anybody sees it."""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import heartbeats
from contracts.storage_keys import WorkFile
from media.facts import FileFacts, facts_of
from media.ffmpeg import Ffmpeg
from media.join import StreamHash
from media.plan import TranscodePlan
from media.verify import verify_output
from storage.hashing import sha256_of_file
from storage.protocol import Storage


@dataclass(frozen=True)
class VerifyOutputInput:
    """What was asked for.

    Attributes:
        plan: What the video is made of.
        file: The video.
        went_in: Hashes of the packets that were put into it.
        frames: How many pictures were.
    """

    plan: TranscodePlan
    file: WorkFile
    went_in: StreamHash
    frames: int


@dataclass(frozen=True)
class VerifyOutputResult:
    """What the output is.

    Attributes:
        duration_seconds: Its length.
        width: Pixels, as displayed.
        height: Pixels, as displayed.
        output: What the file is, for people.
        sha256: Of the file; None from a worker of an older version.
    """

    duration_seconds: float
    width: int
    height: int
    output: FileFacts | None = None
    sha256: str | None = None


class VerifyOutputActivities:
    """``verify_output`` with its dependencies."""

    def __init__(self, ffmpeg: Ffmpeg, storage: Storage) -> None:
        self._ffmpeg = ffmpeg
        self._storage = storage

    @activity.defn
    async def verify_output(self, request: VerifyOutputInput) -> VerifyOutputResult:
        """Compare the video with the plan and with what was put into it; decode places of what was copied. Reads only.

        Raises:
            OutputMismatch: Streams, packets, lengths or layout are not what the plan asked for.
            TranscodeFailed: A program was killed.
            WorkMissing: The video is not among the work files.
        """
        plan = request.plan
        packets = (request.frames, (plan.sound.packets or None) if plan.sound is not None else None)
        async with heartbeats() as heartbeat, self._storage.fetch(request.file.key) as target:
            output = await verify_output(
                self._ffmpeg, plan, request.went_in, packets, target, on_read=heartbeat.advance
            )
            sha256 = await sha256_of_file(target)
        width, height = output.video.display_size
        return VerifyOutputResult(
            duration_seconds=output.duration_seconds,
            width=width,
            height=height,
            output=facts_of(output),
            sha256=sha256,
        )
