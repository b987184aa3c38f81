"""From any clip to what is published of it, in one call and one process: the steps that the activities take."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from contracts.errors import OutputMismatch
from contracts.warnings import VideoWarning
from media.damage import judge_damage, judge_sound_damage
from media.encode import EncodedChunk, count_lost_frames, encode_chunk, encode_sound
from media.ffmpeg import Ffmpeg
from media.join import join_streams
from media.limits import MediaLimits, bounded, check_price
from media.model import MediaProbe
from media.plan import Chunk, StreamAction, TranscodePlan
from media.planning import plan
from media.profile import Profile
from media.progress import Advance
from media.thumbnail import create_thumbnail
from media.validate import validate
from media.verify import verify_output

LIMITS: Final = MediaLimits(
    max_duration_seconds=6 * 3600, max_pixels=8192 * 4320, max_encoded_pixels=4_000_000_000_000, max_frame_rate=1000
)


@dataclass(frozen=True)
class Made:
    """What was published of a clip.

    Attributes:
        plan: What was decided.
        video: The MP4.
        thumbnail: The JPEG.
        probe: Of ``video``, its packets surveyed.
        warnings: What the uploader is told.
    """

    plan: TranscodePlan
    video: Path
    thumbnail: Path
    probe: MediaProbe
    warnings: tuple[VideoWarning, ...]


async def planned(ffmpeg: Ffmpeg, source: Path, profile: Profile, limits: MediaLimits = LIMITS) -> TranscodePlan:
    """Look at a clip, and say what is to be made of it."""
    probe = await validate(ffmpeg, source, limits)
    made = bounded(plan(probe, profile), probe, limits)
    check_price(made, limits)
    return made


async def make(ffmpeg: Ffmpeg, source: Path, folder: Path, profile: Profile) -> Made:
    """Make everything that is published of ``source``, at the first try.

    Raises:
        VideoError: The clip can't be made into a video, or what was copied does not play.
    """
    decided = await planned(ffmpeg, source, profile)
    return await make_as_planned(ffmpeg, decided, source, folder)


async def make_again(ffmpeg: Ffmpeg, source: Path, folder: Path, profile: Profile) -> Made:
    """Copy a clip, find that it does not play everywhere, and encode it instead, as the workflow does.

    Raises:
        VideoError: The clip can't be made into a video.
    """
    decided = await planned(ffmpeg, source, profile)
    assert decided.in_words == "picture copied, sound copied"
    with pytest.raises(OutputMismatch, match="can't be decoded everywhere"):
        await make_as_planned(ffmpeg, decided, source, folder)
    return await make_as_planned(ffmpeg, decided.encoding_what_was_copied(), source, folder)


async def make_as_planned(ffmpeg: Ffmpeg, decided: TranscodePlan, source: Path, folder: Path) -> Made:
    """Make everything as the plan says, and verify it."""
    video, thumbnail = folder / "video.mp4", folder / "thumbnail.jpg"
    await create_thumbnail(ffmpeg, decided.thumbnail, source, thumbnail)
    encoded = [await encode(ffmpeg, decided, chunk, source, folder) for chunk in decided.chunks]
    frames = sum(chunk.frames for chunk in encoded) if encoded else decided.picture.packets
    sound, lost_packets = await _sound(ffmpeg, decided, source, folder)
    lost = [(chunk, made.lost_frames) for chunk, made in zip(decided.chunks, encoded, strict=True)]
    origin = decided.origin_seconds
    warnings = (
        judge_damage(await count_lost_frames(ffmpeg, decided.picture, lost, source, origin_seconds=origin), frames),
        judge_sound_damage(lost_packets),
    )
    went_in = await join_streams(
        ffmpeg,
        decided,
        video,
        source=source,
        chunks=[chunk_path(folder, chunk) for chunk in decided.chunks],
        sound=sound,
        size_bytes=(await asyncio.to_thread(source.stat)).st_size,
        packets=(frames, 100_000),
    )
    sound_packets = (decided.sound.packets or None) if decided.sound is not None else None
    probe = await verify_output(ffmpeg, decided, went_in, (frames, sound_packets), video)
    return Made(decided, video, thumbnail, probe, tuple(warning for warning in warnings if warning is not None))


async def encode(ffmpeg: Ffmpeg, decided: TranscodePlan, chunk: Chunk, source: Path, folder: Path) -> EncodedChunk:
    """Encode one chunk into the folder."""
    return await encode_chunk(
        ffmpeg,
        decided.picture,
        chunk,
        source,
        chunk_path(folder, chunk),
        origin_seconds=decided.origin_seconds,
        on_progress=unheard,
    )


def chunk_path(folder: Path, chunk: Chunk) -> Path:
    """Where ``encode`` puts it."""
    return folder / f"chunk-{chunk.number}.mp4"


def unheard(_advance: Advance) -> None:
    """Nobody asks how far it is."""


def warned_of(warnings: Sequence[VideoWarning]) -> list[str]:
    """The codes."""
    return [warning.code for warning in warnings]


async def _sound(ffmpeg: Ffmpeg, decided: TranscodePlan, source: Path, folder: Path) -> tuple[Path | None, int]:
    if decided.sound is None or decided.sound.action is StreamAction.COPY:
        return None, 0
    target, origin = folder / "sound.mp4", decided.origin_seconds
    lost = await encode_sound(ffmpeg, decided.sound, source, target, origin_seconds=origin, on_progress=unheard)
    return target, lost
