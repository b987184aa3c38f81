"""Is an output what was asked for? Asked before anybody sees it, and without decoding an hour for it.

What was encoded has been read back chunk by chunk; here it is enough that the very same packets are in the output. What
was copied has the very packets of the source; of those, a few places are decoded.
"""

from pathlib import Path
from typing import Final

from contracts.errors import InvalidMedia, OutputMismatch, TranscodeFailed, VideoError
from media.commands import verify_command
from media.container import check_complete, has_index_in_front
from media.ffmpeg import Ffmpeg
from media.join import StreamHash, read_hashes
from media.model import MediaProbe
from media.output_check import check_streams, check_times
from media.plan import StreamAction, TranscodePlan
from media.process import ProcessFailed
from media.progress import OnRead
from media.sandbox import Access
from media.together import together
from media.validate import probe, survey
from threads.files import off_loop

_PLACE_SECONDS: Final = 20.0
_FEWEST_PLACES: Final = 3
_MOST_PLACES: Final = 10
"""A copied video is decoded at a place for each so many seconds, from its beginning nearly to its end."""
_PLACE_FRAMES: Final = 3
_PLACE_SOUND_PACKETS: Final = 100
_ALL_UP_TO_PIXELS: Final = 30_000_000
"""A picture of so few pixels, counted over all its frames, is decoded as a whole; that takes an eighth of a second."""
_ALL_UP_TO_SOUND_PACKETS: Final = 1_000
"""So much sound, 20 s of it, is decoded as a whole."""


async def verify_output(
    ffmpeg: Ffmpeg,
    plan: TranscodePlan,
    went_in: StreamHash,
    packets: tuple[int, int | None],
    target: Path,
    *,
    on_read: OnRead | None = None,
) -> MediaProbe:
    """Check that ``target`` is what the plan asked for, and has the packets that went into it.

    Args:
        ffmpeg: The programs.
        plan: What was asked for.
        went_in: From ``media.join.join_streams``.
        packets: How many of picture and sound it has to have; None where that is not known.
        target: The output.
        on_read: Called now and then.

    Returns:
        What the output holds, its packets surveyed.

    Raises:
        OutputMismatch: It is not there, not whole, not as planned, or does not play where it was tried.
        TranscodeFailed: A program was killed; the output may be good.
    """
    await off_loop(_check_container, target)
    try:
        async with together() as group:
            probing = group.create_task(_probe(ffmpeg, plan, target, on_read))
            reading = group.create_task(_read(ffmpeg, plan, target))
    except (TranscodeFailed, OutputMismatch):
        raise
    except VideoError as error:  # what is wrong with a file that we wrote is not the uploader's fault
        raise OutputMismatch("The output can't be read back.") from error
    output = probing.result()
    check_times(plan, output, packets)
    if reading.result() != went_in:
        raise OutputMismatch("The output has not the packets that were put into it.")
    return output


async def _probe(ffmpeg: Ffmpeg, plan: TranscodePlan, target: Path, on_read: OnRead | None) -> MediaProbe:
    output = await probe(ffmpeg, target)
    check_streams(plan, output)
    return await survey(ffmpeg, target, output, on_read)


def _check_container(target: Path) -> None:
    try:
        check_complete(target)
        plays_while_it_loads = has_index_in_front(target)
    except (InvalidMedia, FileNotFoundError) as error:
        raise OutputMismatch("The output is not there, or not whole.") from error
    if not plays_while_it_loads:
        raise OutputMismatch("The output can't be played while it loads: its index is not in front.")


async def _read(ffmpeg: Ffmpeg, plan: TranscodePlan, target: Path) -> StreamHash:
    """The packets that came out; decode places, where something was copied."""
    starts, frames, sound_packets = _places(plan)
    command = verify_command(
        ffmpeg.ffmpeg_path,
        target,
        indices=[0] if plan.sound is None else [0, 1],
        starts=starts,
        frames=frames,
        sound_packets=sound_packets,
    )
    lines: list[str] = []
    result, advance = await ffmpeg.run(command, Access(reads=(target,)), on_line=lines.append)
    if result.return_code != 0 or advance.frames == 0:
        raise OutputMismatch("The video can't be decoded everywhere.") from ProcessFailed("ffmpeg", result)
    return read_hashes(lines, plan)


def _places(plan: TranscodePlan) -> tuple[list[float], int, int]:
    """Where to decode, and how many frames and packets of sound there: never all of what is long."""
    picture, sound = plan.picture, plan.sound
    if not plan.copies:
        return [], 0, 0
    copied_frames = picture.packets if picture.action is StreamAction.COPY else 0
    copied_sound = sound.packets if sound is not None and sound.action is StreamAction.COPY else 0
    frames, packets = _PLACE_FRAMES, min(copied_sound, _PLACE_SOUND_PACKETS)
    all_frames = copied_frames * picture.width * picture.height <= _ALL_UP_TO_PIXELS
    if copied_frames and all_frames:
        frames = copied_frames + 1
    if all_frames and copied_sound <= _ALL_UP_TO_SOUND_PACKETS:
        return [0.0], frames, copied_sound + 1 if copied_sound else 0
    seconds = plan.duration_seconds
    places = min(_MOST_PLACES, max(_FEWEST_PLACES, round(seconds / _PLACE_SECONDS)))
    return [round(seconds * place / places, 3) for place in range(places)], frames, packets
