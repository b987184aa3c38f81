"""One making of a video's output: its parts side by side, the join, the verification."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.encode_chunk import EncodeChunkActivities, EncodeChunkInput, EncodeChunkResult
    from activities.encode_sound import EncodeSoundActivities, EncodeSoundInput, EncodeSoundResult
    from activities.join_streams import JoinStreamsActivities, JoinStreamsInput, JoinStreamsResult
    from activities.verify_output import VerifyOutputActivities, VerifyOutputInput, VerifyOutputResult
    from contracts.durations import duration_text
    from contracts.processing import Step, VideoProcessingInput
    from contracts.storage_keys import WorkFile
    from contracts.temporal_names import ActivityId, chunk_activity_id
    from contracts.warnings import VideoWarning
    from media.plan import Chunk, SoundPlan, StreamAction, TranscodePlan
    from workflows.activity_options import CHUNKS_AT_ONCE, encode_options, finish_options

from workflows.steps import Steps, side_by_side

_JOIN_FAILURES = 2
"""A join that fails twice is left to the next making: it may be what it copies."""


@dataclass(frozen=True)
class MadeVideo:
    """A video that was verified.

    Attributes:
        file: Where it is.
        verified: What it is.
        warnings: What its owner should know.
    """

    file: WorkFile
    verified: VerifyOutputResult
    warnings: tuple[VideoWarning, ...]


class Making:
    """Makes the output as a plan says.

    Args:
        steps: Takes the steps of this run.
        request: What the run is about.
        plan: What is to be made.
        number: Which making this is, from 1.
        enter: Told where the run is, for people.
        at_hand: Queue of the worker that has all of the original here already, or None.
    """

    def __init__(
        self,
        steps: Steps,
        request: VideoProcessingInput,
        plan: TranscodePlan,
        number: int,
        enter: Callable[[Step, str], None],
        *,
        at_hand: str | None,
    ) -> None:
        self._steps = steps
        self._request = request
        self._plan = plan
        self._number = number
        self._enter = enter
        self._at_hand = at_hand
        self._copied = plan.picture.action is StreamAction.COPY
        self._at_once = asyncio.Semaphore(CHUNKS_AT_ONCE)

    async def make(self) -> MadeVideo:
        """Make the parts, join them, verify the whole."""
        self._enter(Step.TRANSCODE, f"{duration_text(self._plan.duration_seconds)}: {self._plan.in_words}")
        encoding = (self._encode_chunk(chunk) for chunk in self._plan.chunks)
        sound, *encoded = await side_by_side(self._encode_sound(), *encoding)
        joined = await self._join(tuple(encoded), sound.file if sound is not None else None)
        verified = await self._verify(joined)
        return MadeVideo(joined.file, verified, (*joined.warnings, *(sound.warnings if sound is not None else ())))

    async def _encode_chunk(self, chunk: Chunk) -> EncodeChunkResult:
        plan, picture = self._plan, self._plan.picture
        seconds = chunk.frames / picture.encoding.frame_rate
        begin = chunk.first_frame / picture.encoding.frame_rate
        async with self._at_once:
            return await self._steps.take(
                EncodeChunkActivities.encode_chunk,
                EncodeChunkInput(
                    video_id=self._request.video_id,
                    original_key=self._request.original_key,
                    picture=picture,
                    origin_seconds=plan.origin_seconds,
                    chunk=chunk,
                    making=self._number,
                    memory_bytes=plan.memory_bytes,
                ),
                encode_options(self._request.user_id, seconds, picture.width * picture.height, plan.duration_seconds),
                activity_id=chunk_activity_id(chunk.number, chunk.of),
                summary=(
                    f"Picture from {duration_text(begin)}, {duration_text(seconds)} of {picture.width}x{picture.height}"
                ),
            )

    async def _encode_sound(self) -> EncodeSoundResult | None:
        sound, plan = self._plan.sound, self._plan
        if sound is None or sound.action is StreamAction.COPY:
            return None
        return await self._steps.take(
            EncodeSoundActivities.encode_sound,
            EncodeSoundInput(
                video_id=self._request.video_id,
                original_key=self._request.original_key,
                sound=sound,
                origin_seconds=plan.origin_seconds,
                making=self._number,
            ),
            encode_options(self._request.user_id, sound.seconds, 0, plan.duration_seconds),
            activity_id=ActivityId.SOUND_OF_COPY if self._copied else ActivityId.SOUND,
            summary=_sound_in_words(sound),
        )

    async def _join(self, chunks: tuple[EncodeChunkResult, ...], sound: WorkFile | None) -> JoinStreamsResult:
        self._enter(Step.JOIN, self._plan.in_words)
        return await self._steps.take(
            JoinStreamsActivities.join_streams,
            JoinStreamsInput(
                video_id=self._request.video_id,
                original_key=self._request.original_key,
                plan=self._plan,
                chunks=chunks,
                sound=sound,
                making=self._number,
            ),
            finish_options(self._request.user_id, self._plan.duration_seconds),
            activity_id=ActivityId.COPY if self._copied else ActivityId.JOIN,
            summary=f"One MP4: {self._plan.in_words}",
            most_failures=_JOIN_FAILURES,
            at_hand=_nearest(chunks) if chunks else self._at_hand,
        )

    async def _verify(self, joined: JoinStreamsResult) -> VerifyOutputResult:
        self._enter(Step.VERIFY, "comparing the output with the plan, packet by packet")
        return await self._steps.take(
            VerifyOutputActivities.verify_output,
            VerifyOutputInput(self._plan, joined.file, joined.went_in, joined.frames),
            finish_options(self._request.user_id, self._plan.duration_seconds),
            activity_id=ActivityId.VERIFY_OF_COPY if self._copied else ActivityId.VERIFY,
            summary="Is the output what was asked for?",
            most_failures=1,
            at_hand=joined.at_hand,
        )


def _nearest(chunks: tuple[EncodeChunkResult, ...]) -> str | None:
    """Queue of the worker that has most of them here."""
    held: Counter[str] = Counter()
    for chunk in chunks:
        if chunk.at_hand is not None:
            held[chunk.at_hand] += chunk.file.size_bytes
    return max(held, key=held.__getitem__) if held else None


def _sound_in_words(sound: SoundPlan) -> str:
    channels = "mono" if sound.channels == 1 else "stereo"
    return f"Sound, {duration_text(sound.seconds)} of {channels} at {sound.sample_rate_hertz} Hz"
