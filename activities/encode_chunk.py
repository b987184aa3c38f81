"""Step 2, for a picture that has to be encoded: one chunk of it."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from temporalio import activity

from activities.done_before import DoneBefore
from activities.from_parts import from_parts
from activities.heartbeat import Heartbeat, heartbeats
from activities.work_names import named_by_what_makes_it
from contracts.partial_file import PartialFile
from contracts.storage_keys import WorkFile
from media.encode import EncodedChunk, encode_chunk
from media.ffmpeg import Ffmpeg
from media.lookahead import frames_taken_in
from media.plan import Chunk, PicturePlan
from media.source_parts import need_for_chunk
from storage.protocol import Storage
from threads.files import off_loop


@dataclass(frozen=True)
class EncodeChunkInput:
    """Which frames, and how.

    Attributes:
        video_id: Whose work files get the chunk.
        original_key: Storage key of the uploaded file.
        picture: What becomes of the picture, from the plan.
        origin_seconds: The source's time at which the output begins, from the plan.
        chunk: Which part of the picture.
        making: Which making of the output this is, from 1; another one does not take files of the one before.
        memory_bytes: What the encode takes at most, from the plan.
    """

    video_id: str
    original_key: str
    picture: PicturePlan
    origin_seconds: float
    chunk: Chunk
    making: int
    memory_bytes: int


@dataclass(frozen=True)
class EncodeChunkResult:
    """What was written.

    Attributes:
        file: The chunk, an MP4.
        frames: How many it has.
        lost_frames: Frames of the source that could not be decoded.
        parameters: A hash of its parameter sets.
        at_hand: Queue of the worker that made it and has it here; None where no worker is nearer than another.
    """

    file: WorkFile
    frames: int
    lost_frames: int
    parameters: str
    at_hand: str | None = None


class EncodeChunkActivities:
    """``encode_chunk`` with its dependencies.

    Args:
        ffmpeg: The programs.
        storage: Where the files are.
        own_queue: Of this worker alone, where it keeps copies of what it makes.
    """

    def __init__(self, ffmpeg: Ffmpeg, storage: Storage, own_queue: str | None = None) -> None:
        self._own_queue = own_queue
        self._ffmpeg = ffmpeg
        self._storage = storage
        self._done = DoneBefore(storage, EncodeChunkResult)

    @activity.defn
    async def encode_chunk(self, request: EncodeChunkInput) -> EncodeChunkResult:
        """Encode some frames of the original and decode them again. Done already, by whichever attempt, is a success.

        Raises:
            InvalidMedia: Too many of the frames can't be decoded.
            OutputMismatch: The chunk has not the frames that were planned.
            TranscodeFailed: Ffmpeg ended with an error, was killed, or hung.
            OriginalMissing: The original is not in storage.
            StorageFailed: The chunk can't be written.
        """
        chunk = request.chunk
        made_of = (request.original_key, request.picture, request.origin_seconds, chunk, request.making)
        kind = f"chunk-{chunk.number:03d}"
        key = named_by_what_makes_it(request.video_id, kind, ".mp4", *made_of, self._ffmpeg.version)
        async with heartbeats() as heartbeat:
            if (done := await self._done.find(key)) is not None:
                return done
            async with (
                self._ffmpeg.room_for(request.memory_bytes),
                self._storage.fetch_partly(request.original_key) as source,
                self._storage.create(key) as target,
            ):
                encoded = await self._encode(request, source, target, heartbeat)
                size_bytes = (await off_loop(target.stat)).st_size
                result = EncodeChunkResult(
                    file=WorkFile(key, size_bytes),
                    frames=encoded.frames,
                    lost_frames=encoded.lost_frames,
                    parameters=encoded.parameters,
                )
                await self._done.remember(key, target, result)
            return replace(await self._done.standing(key), at_hand=self._own_queue)

    async def _encode(
        self, request: EncodeChunkInput, source: PartialFile, target: Path, heartbeat: Heartbeat
    ) -> EncodedChunk:
        chunk = request.chunk
        encode = partial(
            encode_chunk,
            self._ffmpeg,
            request.picture,
            chunk,
            source.path,
            target,
            origin_seconds=request.origin_seconds,
            on_progress=lambda advance: heartbeat.advance(
                frames_taken_in(request.picture.encoding.preset, advance.frames, chunk.frames),
                chunk.frames,
                advance.speed,
            ),
        )
        await need_for_chunk(self._ffmpeg, source, request.picture, chunk, request.origin_seconds)
        return await from_parts(source, encode, lambda encoded: encoded.lost_frames == 0)
