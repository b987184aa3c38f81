"""(j) How much of a long film workers that share only a bucket read from it."""

from typing import Final

from bench.aims import READ_FROM_BUCKET, RUSHES
from bench.cases.model import TINY, Case, Gathered
from bench.client import Client
from bench.ground import Ground
from bench.systems.on_bucket import workers_on_bucket

_WORKERS: Final = 4
_POLL_SECONDS: Final = 0.5


async def _run(ground: Ground, gathered: Gathered) -> None:
    minutes = ground.scale.film_minutes
    film = await ground.clips.film(minutes)
    size = film.stat().st_size
    gathered.conditions += [
        f"{minutes} min, 320x180, {size / 1e6:.0f} MB, HEVC and AAC in an MP4, a second of pictures and of sound in "
        "turn, as cameras write them; it has to be encoded.",
        f"{_WORKERS} media workers of one slot each, that share the bucket (SeaweedFS) and nothing else. What they "
        "read goes through a proxy that counts every byte of the answers, heads included.",
    ]
    tiny = await ground.clips.drawn(TINY)
    async with workers_on_bucket(ground, _WORKERS) as (api, counted), Client(api) as client:
        await client.pass_through(tiny, _POLL_SECONDS)
        video_id, _ = await client.upload(film)
        counted.by_folder.clear()
        await client.until_ready(video_id, _POLL_SECONDS)
        read = counted.by_folder.copy()
        published = await client.published_bytes(video_id)
    gathered.add(RUSHES, READ_FROM_BUCKET, "x", [read.total() / size])
    gathered.add(RUSHES, "of it the original", "x", [read["originals"] / size])
    gathered.add(RUSHES, "of it work files", "x", [read["work"] / size])
    gathered.add(RUSHES, "size of the published video", "x", [published / size])


FETCHED: Final = (Case("j", "A long film on four workers and a bucket: what they read from it", _run),)
