"""Step 3: one file of its streams, none of them encoded again."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from temporalio import activity

from activities.encode_chunk import EncodeChunkResult
from activities.heartbeat import heartbeats
from activities.work_names import named_by_what_makes_it
from contracts.errors import OutputMismatch
from contracts.partial_file import PartialFile
from contracts.storage_keys import WorkFile
from contracts.warnings import VideoWarning
from media.damage import judge_damage
from media.encode import count_lost_frames
from media.ffmpeg import Ffmpeg
from media.join import StreamHash, join_streams
from media.plan import SoundPlan, StreamAction, TranscodePlan
from media.source_parts import need_for_stream
from storage.protocol import Storage


@dataclass(frozen=True)
class JoinStreamsInput:
    """Of what.

    Attributes:
        video_id: Whose work files get the video.
        original_key: Storage key of the uploaded file, from which comes what is copied.
        plan: What the video is made of.
        chunks: The encoded picture in order of time; empty where it is copied.
        sound: The encoded sound; None where it is copied, or there is none.
        making: Which making of the output this is, from 1.
    """

    video_id: str
    original_key: str
    plan: TranscodePlan
    chunks: tuple[EncodeChunkResult, ...]
    sound: WorkFile | None
    making: int


@dataclass(frozen=True)
class JoinStreamsResult:
    """What was written.

    Attributes:
        file: The video.
        went_in: Hashes of the packets that were put into it.
        frames: How many pictures were.
        warnings: What its owner should know.
        at_hand: Queue of the worker that has it here now; None where no worker is nearer than another.
    """

    file: WorkFile
    went_in: StreamHash
    frames: int
    warnings: tuple[VideoWarning, ...]
    at_hand: str | None = None


class JoinStreamsActivities:
    """``join_streams`` with its dependencies.

    Args:
        ffmpeg: The programs.
        storage: Where the files are.
        own_queue: Of this worker alone, where it keeps copies of what it makes.
    """

    def __init__(self, ffmpeg: Ffmpeg, storage: Storage, own_queue: str | None = None) -> None:
        self._own_queue = own_queue
        self._ffmpeg = ffmpeg
        self._storage = storage

    @activity.defn
    async def join_streams(self, request: JoinStreamsInput) -> JoinStreamsResult:
        """Put picture and sound into one MP4 that plays while it loads. A second run makes the same.

        Raises:
            InvalidMedia: More than one in a hundred of the source's pictures could not be decoded.
            OutputMismatch: The chunks do not fit together.
            TranscodeFailed: Ffmpeg ended with an error, was killed, or hung.
            OriginalMissing: The original is not in storage.
            WorkMissing: A chunk or the sound is not.
            StorageFailed: It can't be written.
        """
        plan, chunks = request.plan, request.chunks
        frames = sum(chunk.frames for chunk in chunks) if chunks else plan.picture.packets
        if len({chunk.parameters for chunk in chunks}) > 1:
            raise OutputMismatch("The chunks were encoded by different encoders, so they can't be joined.")
        made_of = (plan, [chunk.file.key for chunk in chunks], request.sound, request.making, self._ffmpeg.version)
        key = named_by_what_makes_it(request.video_id, "video", ".mp4", request.original_key, *made_of)
        async with AsyncExitStack() as files:
            heartbeat = await files.enter_async_context(heartbeats())
            source = await files.enter_async_context(self._storage.fetch_partly(request.original_key))
            if plan.picture.action is StreamAction.COPY:
                await source.need_all()
            elif plan.sound is not None and plan.sound.action is StreamAction.COPY:
                await need_for_stream(self._ffmpeg, source, plan.sound.index)
            warning = judge_damage(await self._lost_frames(request, source), frames)
            paths = [await files.enter_async_context(self._storage.fetch(chunk.file.key)) for chunk in chunks]
            sound = request.sound
            sound_path = await files.enter_async_context(self._storage.fetch(sound.key)) if sound is not None else None
            target = await files.enter_async_context(self._storage.create(key))
            went_in = await join_streams(
                self._ffmpeg,
                plan,
                target,
                source=source.path,
                chunks=paths,
                sound=sound_path,
                size_bytes=sum(chunk.file.size_bytes for chunk in chunks) if chunks else source.size_bytes,
                packets=(frames, _sound_packets(plan.sound)),
                on_progress=lambda advance: heartbeat.advance(advance.out_time_seconds, plan.duration_seconds),
            )
        size_bytes = await self._storage.size(key)
        return JoinStreamsResult(
            file=WorkFile(key, size_bytes or 0),
            went_in=went_in,
            frames=frames,
            warnings=(warning,) if warning is not None else (),
            at_hand=self._own_queue,
        )

    async def _lost_frames(self, request: JoinStreamsInput, source: PartialFile) -> int:
        plan = request.plan
        lost = [(chunk, made.lost_frames) for chunk, made in zip(plan.chunks, request.chunks, strict=True)]
        if any(frames for _, frames in lost):
            await source.need_all()
        return await count_lost_frames(
            self._ffmpeg, plan.picture, lost, source.path, origin_seconds=plan.origin_seconds
        )


def _sound_packets(sound: SoundPlan | None) -> int:
    """How many there are, or more: a packet of AAC holds 1024 samples, or 960, of a channel."""
    if sound is None:
        return 0
    return sound.packets or int(sound.seconds * sound.sample_rate_hertz / 960) + 16
