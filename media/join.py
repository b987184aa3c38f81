"""Put the streams of an output together, and remember what went in, so that it can be told from what came out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import OutputMismatch
from media.commands import chunk_list_text, chunks_input, source_input
from media.disk import refusals_told
from media.ffmpeg import Ffmpeg, nothing_left_without_success, raise_if_failed
from media.join_command import JoinInput, join_command
from media.plan import StreamAction, TranscodePlan
from media.progress import OnProgress
from media.sandbox import Access
from threads.files import off_loop, removed_afterwards

_SPARE_BYTES: Final = 1024 * 1024 * 1024
"""More than any index; the size of the output is an estimate."""
_HASH: Final = "murmur3="


@dataclass(frozen=True)
class StreamHash:
    """A stream's packets, told from others by a hash over all of them.

    Attributes:
        picture: Of the picture, as ffmpeg's streamhash muxer prints it.
        sound: Of the sound, or None for a silent film.
    """

    picture: str
    sound: str | None


async def join_streams(
    ffmpeg: Ffmpeg,
    plan: TranscodePlan,
    target: Path,
    *,
    source: Path,
    chunks: Sequence[Path],
    sound: Path | None,
    size_bytes: int,
    packets: tuple[int, int],
    on_progress: OnProgress | None = None,
) -> StreamHash:
    """Write the output to ``target``. Without success nothing is left there.

    Args:
        ffmpeg: The program.
        plan: Which streams come from the source as they are.
        target: The output.
        source: The upload.
        chunks: The encoded picture in order of time; empty where it is copied.
        sound: The encoded sound, or None where it is copied, or there is none.
        size_bytes: About how large it becomes.
        packets: How many of picture and sound go in, at most.
        on_progress: Called when the output has grown.

    Returns:
        What went in, as it was read: the output has to have the same. Whether all of the source was read is told by the
        number of packets, which was counted when it was read before.

    Raises:
        OutputMismatch: Not all streams could be read.
        TranscodeFailed: ffmpeg ended with an error, was killed, or hung.
        StorageFailed: There is no room for the output, or for the list of what goes in.
    """
    chunk_list, hashes = (target.with_name(f"{target.name}.{kind}") for kind in ("list", "hashes"))
    picture_input, sound_input = _inputs(plan, source, chunk_list, sound)
    command = join_command(
        ffmpeg.ffmpeg_path,
        plan,
        picture_input,
        sound_input,
        target,
        hashes=hashes,
        size_bytes=size_bytes,
        packets=packets,
    )
    async with removed_afterwards(chunk_list, hashes), nothing_left_without_success(target):
        await off_loop(_write_list, chunk_list, chunks)
        reads = (source, chunk_list, *chunks, *([sound] if sound is not None else []))
        access = Access(reads=reads, writes=(target, hashes), file_bytes=2 * size_bytes + _SPARE_BYTES)
        result, _ = await ffmpeg.run(command, access, on_progress=on_progress)
        raise_if_failed(result)
        return read_hashes((await off_loop(hashes.read_text)).splitlines(), plan)


def _write_list(path: Path, chunks: Sequence[Path]) -> None:
    with refusals_told(path.parent):
        path.write_text(chunk_list_text(chunks))


def read_hashes(lines: Iterable[str], plan: TranscodePlan) -> StreamHash:
    """From lines such as ``0,v,murmur3=cc2a…``, as the streamhash muxer prints them; others are passed over.

    Raises:
        OutputMismatch: There are not as many as the plan has streams.
    """
    hashes = [hashed for line in lines if (hashed := line.rpartition(",")[2]).startswith(_HASH)]
    if len(hashes) != (1 if plan.sound is None else 2):
        raise OutputMismatch("Not all streams of the video could be read.")
    return StreamHash(hashes[0], hashes[1] if plan.sound is not None else None)


def _inputs(
    plan: TranscodePlan, source: Path, chunk_list: Path, sound: Path | None
) -> tuple[JoinInput, JoinInput | None]:
    upload = tuple(source_input(source))
    if plan.picture.action is StreamAction.COPY:
        picture = JoinInput(upload, plan.picture.index, is_source=True)
    else:
        picture = JoinInput(tuple(chunks_input(chunk_list)), 0, is_source=False)
    if plan.sound is None:
        return picture, None
    if sound is None:
        return picture, JoinInput(upload, plan.sound.index, is_source=True)
    return picture, JoinInput(tuple(source_input(sound)), 0, is_source=False)
