"""(j) How much of a film workers that share only a bucket read from it."""

from pathlib import Path
from typing import Final

from bench.aims import READ_FROM_BUCKET, RECORDING_FROM_BUCKET, RUSHES
from bench.cases.model import TINY, Case, Gathered
from bench.client import Client
from bench.ground import Ground
from bench.scale import PIECE_SECONDS
from bench.systems.on_bucket import Counted, workers_on_bucket

_WORKERS: Final = 4
_POLL_SECONDS: Final = 0.5


async def _run(ground: Ground, gathered: Gathered) -> None:
    minutes, pieces = ground.scale.film_minutes, ground.scale.recorded_pieces
    film, recording = await ground.clips.film(minutes), await ground.clips.recording(pieces)
    gathered.conditions += [
        f"The film: {minutes} min, 320x180, {_megabytes(film)}, HEVC and AAC in an MP4, a second of pictures and of "
        "sound in turn, as cameras write them; it has to be encoded, which takes minutes, as its pictures are small. "
        "At 4 Mbit/s it is much larger than what is made of it.",
        f"The recording: {pieces * PIECE_SECONDS} s, 1920x1080, {_megabytes(recording)}, H.264 High 10 of 8 Mbit/s and "
        "AAC in an MP4, in turn as well: as large as such are, and of the codec that is looked through as a whole.",
        f"{_WORKERS} media workers of one slot each, that share the bucket (SeaweedFS) and nothing else. What they "
        "read goes through a proxy that counts every byte of the answers, heads included.",
    ]
    tiny = await ground.clips.drawn(TINY)
    async with workers_on_bucket(ground, _WORKERS) as (api, counted), Client(api) as client:
        await client.pass_through(tiny, _POLL_SECONDS)
        for name, file in ((READ_FROM_BUCKET, film), (RECORDING_FROM_BUCKET, recording)):
            await _measure(name, file, client, counted, gathered)


async def _measure(name: str, file: Path, client: Client, counted: Counted, gathered: Gathered) -> None:
    size, of_which = _size_of(file), name.partition(", ")[2].removesuffix("'s size")
    video_id, _ = await client.upload(file)
    counted.by_folder.clear()
    await client.until_ready(video_id, _POLL_SECONDS)
    read = counted.by_folder.copy()
    published = await client.published_bytes(video_id)
    gathered.add(RUSHES, name, "x", [read.total() / size])
    gathered.add(RUSHES, f"{of_which}: the original", "x", [read["originals"] / size])
    gathered.add(RUSHES, f"{of_which}: work files", "x", [read["work"] / size])
    gathered.add(RUSHES, f"{of_which}: size of the published video", "x", [published / size])


def _megabytes(file: Path) -> str:
    return f"{_size_of(file) / 1e6:.0f} MB"


def _size_of(file: Path) -> int:
    return file.stat().st_size


FETCHED: Final = (Case("j", "A film and a recording on four workers and a bucket: what they read from it", _run),)
