"""Encode what has to be encoded: chunks of the picture, and the sound. Each output is read back before it counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil
from pathlib import Path

from contracts.errors import InvalidMedia, OutputMismatch
from media.commands import chunk_entries_command, decode_command
from media.damage import DamageCounter, judge_damage, most_lost
from media.encode_commands import decode_chunk_command, encode_chunk_command, encode_sound_command
from media.ffmpeg import Ffmpeg, nothing_left_without_success, raise_if_failed, raise_if_killed
from media.output_check import LEAST_TOLERANCE_SECONDS
from media.plan import Chunk, PicturePlan, SoundPlan
from media.process import ProcessFailed
from media.progress import Advance, OnProgress
from media.sandbox import READING_SECONDS, Access, encoding_seconds

LAST_CHUNK_TOLERANCE_FRAMES = 2
"""How long the source's last frame stands decides whether the output has a frame more or less."""

_SPARE_BYTES = 256 * 1024 * 1024
_NO_SOUND = "No sound of the file can be decoded: it is damaged. Export it again and upload it."


@dataclass(frozen=True)
class EncodedChunk:
    """What came of a chunk.

    Attributes:
        frames: How many it has.
        lost_frames: Frames of the source that could not be decoded; some of the chunks beside it may be among them.
        parameters: A hash of its parameter sets; only chunks with the same can be joined.
    """

    frames: int
    lost_frames: int
    parameters: str


async def encode_chunk(
    ffmpeg: Ffmpeg,
    plan: PicturePlan,
    chunk: Chunk,
    source: Path,
    target: Path,
    *,
    origin_seconds: float,
    on_progress: OnProgress,
) -> EncodedChunk:
    """Encode one chunk to ``target`` and read it back. Without success nothing is left there.

    Raises:
        InvalidMedia: More than one in a hundred of the picture's frames can't be decoded in this chunk alone.
        OutputMismatch: It has not the frames that were planned, or can't be read back.
        TranscodeFailed: ffmpeg ended with an error, was killed, or hung.
        StorageFailed: There is no room for the output.
    """
    frames_in_all, seconds = plan.encoding.frames, chunk.frames / plan.encoding.frame_rate

    async def write(standing_since: int | None = None) -> tuple[int, int]:
        damage = DamageCounter()
        command = encode_chunk_command(
            ffmpeg.ffmpeg_path,
            plan,
            chunk,
            source,
            target,
            origin_seconds=origin_seconds,
            threads=ffmpeg.encoder_threads,
            standing_since=standing_since,
        )
        access = _access(source, target, seconds, plan.encoding.max_bit_rate, plan.width * plan.height)
        access = replace(access, pixels=plan.most_pixels)
        result, advance = await ffmpeg.run(command, access, on_progress=on_progress, on_complaint=damage.read_line)
        judge_damage(damage.frames, frames_in_all)
        raise_if_failed(result)
        return advance.frames, damage.frames

    tolerance = LAST_CHUNK_TOLERANCE_FRAMES if chunk.is_last else 0
    async with nothing_left_without_success(target):
        frames, lost = await write()
        if lost and frames < chunk.frames - tolerance:
            # Frames that can't be decoded are made up for by those around them; here none comes after.
            frames, _ = await write(max(0, chunk.first_frame - most_lost(frames_in_all)))
        if abs(chunk.frames - frames) > tolerance:
            raise OutputMismatch(
                f"Chunk {chunk.number} of {chunk.of} has {frames} frames instead of {chunk.frames}: the source could "
                "not be read to where it ended before."
            )
        parameters = await _read_back(ffmpeg, target, frames, plan.encoding.gop_frames)
    return EncodedChunk(frames=frames, lost_frames=lost, parameters=parameters)


async def count_lost_frames(
    ffmpeg: Ffmpeg, plan: PicturePlan, chunks: Sequence[tuple[Chunk, int]], source: Path, *, origin_seconds: float
) -> int:
    """How many frames of the source are lost in all.

    A chunk is decoded from the keyframe before it, and past its end where nothing can be decoded there, so neighbours
    tell of the same frames. Where they do, what they are made of is decoded once more, as one.

    Args:
        ffmpeg: The programs.
        plan: Of the picture.
        chunks: All of them in order, each with its ``EncodedChunk.lost_frames``.
        source: The upload.
        origin_seconds: The source's time at which the output begins.

    Raises:
        TranscodeFailed: ffmpeg ended with an error, was killed, or hung.
    """
    lost_in_all = 0
    for is_damaged, group in groupby(chunks, key=lambda entry: entry[1] > 0):
        damaged = list(group) if is_damaged else []
        most_of_one = max((lost for _, lost in damaged), default=0)
        if len(damaged) > 1:
            (first, _), (last, _) = damaged[0], damaged[-1]
            whole = replace(last, first_frame=first.first_frame, frames=sum(chunk.frames for chunk, _ in damaged))
            counter = DamageCounter()
            command = decode_chunk_command(ffmpeg.ffmpeg_path, plan, whole, source, origin_seconds=origin_seconds)
            seconds = READING_SECONDS + whole.frames / plan.encoding.frame_rate
            access = Access(reads=(source,), seconds=seconds, pixels=plan.most_pixels)
            result, _ = await ffmpeg.run(command, access, on_complaint=counter.read_line)
            raise_if_failed(result)
            most_of_one = max(most_of_one, counter.frames)
        lost_in_all += most_of_one
    return lost_in_all


async def encode_sound(
    ffmpeg: Ffmpeg, plan: SoundPlan, source: Path, target: Path, *, origin_seconds: float, on_progress: OnProgress
) -> int:
    """Encode the sound to ``target`` and decode it again. Without success nothing is left there.

    Returns:
        How many packets of the source could not be decoded; there is silence instead.

    Raises:
        InvalidMedia: None of it can be decoded.
        OutputMismatch: It is not as long as planned though nothing was damaged, or can't be decoded.
        TranscodeFailed: ffmpeg ended with an error, was killed, or hung.
        StorageFailed: There is no room for the output.
    """
    async with nothing_left_without_success(target):
        for until_the_end in (False, True):
            damage = DamageCounter()
            command = encode_sound_command(
                ffmpeg.ffmpeg_path, plan, source, target, origin_seconds=origin_seconds, until_the_end=until_the_end
            )
            access = _access(source, target, plan.seconds, plan.encoding.bit_rate)
            result, _ = await ffmpeg.run(command, access, on_progress=on_progress, on_complaint=damage.read_line)
            raise_if_failed(result)
            try:
                reached = (await _decode(ffmpeg, target)).out_time_seconds
            except OutputMismatch as nothing_in_it:
                if damage.frames:
                    raise InvalidMedia(_NO_SOUND) from nothing_in_it
                raise
            if reached == 0 and plan.seconds > LEAST_TOLERANCE_SECONDS:
                raise InvalidMedia(_NO_SOUND)
            if reached >= plan.seconds - LEAST_TOLERANCE_SECONDS:
                return damage.frames
            if until_the_end or damage.frames == 0:  # nothing was damaged: the file could not be read to its end
                raise OutputMismatch(f"The sound is {reached:.1f} s long instead of {plan.seconds:.1f} s.")
    raise AssertionError("the second time returns or raises")


def _access(source: Path, target: Path, seconds: float, bit_rate: int, pixels: int = 0) -> Access:
    """What it takes to encode so much: twice the size that its bit rate comes to, and room for what stands around."""
    file_bytes = _SPARE_BYTES + 2 * int(seconds * bit_rate / 8)
    return Access((source,), (target,), encoding_seconds(seconds, pixels), file_bytes)


async def _read_back(ffmpeg: Ffmpeg, target: Path, frames: int, gop_frames: int) -> str:
    """A hash of a chunk's parameter sets, if it has all its packets, and a keyframe that can be decoded in each GOP.

    Other chunks are encoded meanwhile. To decode every frame would take a tenth of the time that encoding took.
    """
    result = await ffmpeg.read(chunk_entries_command(ffmpeg.ffprobe_path, target), Access(reads=(target,)))
    raise_if_killed("ffprobe", result)
    packets, _, parameters = result.stdout.strip().partition(",")
    if result.return_code != 0 or not parameters or packets != str(frames):
        raise OutputMismatch("What was encoded can't be read back.") from ProcessFailed("ffprobe", result)
    decoded = await _decode(ffmpeg, target, only_keyframes=True)
    if decoded.frames != ceil(frames / gop_frames):
        raise OutputMismatch(f"What was encoded has {decoded.frames} keyframes, and not one every {gop_frames} frames.")
    return parameters


async def _decode(ffmpeg: Ffmpeg, target: Path, *, only_keyframes: bool = False) -> Advance:
    command = decode_command(ffmpeg.ffmpeg_path, target, only_keyframes=only_keyframes)
    result, decoded = await ffmpeg.run(command, Access(reads=(target,)))
    if result.return_code != 0:
        raise OutputMismatch("What was encoded can't be decoded.") from ProcessFailed("ffmpeg", result)
    return decoded
