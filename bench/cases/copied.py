"""Videos that play everywhere as they are: (a) half a minute, (d) a second, (i) ten minutes."""

from pathlib import Path
from typing import Final

from bench.aims import ANSWER_TO_READY, FFMPEG, IDENTICAL, RUSHES, UPLOAD_TO_READY
from bench.cases.model import TINY, Case, Gathered, with_each
from bench.client import Client
from bench.clips import Clip, Kind
from bench.ground import Ground
from bench.quality import packets_hash, pictures_hash
from bench.scale import PIECE_SECONDS
from bench.systems.model import System
from bench.tools import run

_POLL_SECONDS: Final = 0.01
_CONDITION: Final = "The api is asked every 10 ms, so a time is up to that and a request too long."


async def _half_a_minute(ground: Ground, gathered: Gathered) -> None:
    scale = ground.scale
    clip = Clip("copied", Kind.PLAYABLE, scale.copy_seconds, 1920, 1080, 8)
    file = await ground.clips.drawn(clip)
    source = await pictures_hash(ground.ffmpeg.ffmpeg_path, file)
    gathered.conditions += [f"{scale.copy_seconds} s, 1920x1080, 8 Mbit/s, H.264 High and AAC.", _CONDITION]

    async def measure(system: System, client: Client) -> None:
        rounds = scale.copy_rounds if system.name == RUSHES else scale.baseline_rounds
        passed = [await client.pass_through(file, _POLL_SECONDS) for _ in range(rounds)]
        gathered.add(system.name, ANSWER_TO_READY, "s", [one.ready_seconds for one in passed])
        hashes = [await pictures_hash(ground.ffmpeg.ffmpeg_path, system.published(one.video_id)) for one in passed[-1:]]
        gathered.add(system.name, IDENTICAL, "share", [float(one == source) for one in hashes])

    await with_each(ground, gathered, measure)


async def _a_second(ground: Ground, gathered: Gathered) -> None:
    file = await ground.clips.drawn(TINY)
    gathered.conditions += ["1.2 s, 320x240, H.264 High and AAC; one after the other, nothing else runs.", _CONDITION]

    async def measure(system: System, client: Client) -> None:
        passed = [await client.pass_through(file, _POLL_SECONDS) for _ in range(ground.scale.tiny_rounds)]
        gathered.add(system.name, UPLOAD_TO_READY, "s", [one.upload_seconds + one.ready_seconds for one in passed])
        gathered.add(system.name, "upload", "s", [one.upload_seconds for one in passed])

    await with_each(ground, gathered, measure)


async def _ten_minutes(ground: Ground, gathered: Gathered) -> None:
    scale = ground.scale
    file = await ground.clips.repeated(scale.long_pieces)
    megabytes, minutes = file.stat().st_size / 1e6, scale.long_pieces * PIECE_SECONDS / 60
    gathered.conditions += [
        f"{minutes:g} min, 1920x1080, {megabytes:.0f} MB, H.264 High and AAC.",
        "Bare ffmpeg: `-c copy -movflags +faststart` of the same file to the same disk.",
        _CONDITION,
    ]

    async def measure(system: System, client: Client) -> None:
        for _ in range(scale.long_rounds):
            passed = await client.pass_through(file, _POLL_SECONDS)
            times.append(passed.ready_seconds)
            published = system.published(passed.video_id)
            same.append(float(await _same_packets(ground, file, published)))
            await client.delete(passed.video_id)

    times: list[float] = []
    same: list[float] = []
    await with_each(ground, gathered, measure, RUSHES)
    gathered.add(RUSHES, ANSWER_TO_READY, "s", times)
    gathered.add(RUSHES, "packets as uploaded", "share", same)
    bare = [await _bare_copy(ground, file) for _ in range(scale.long_rounds)]
    gathered.add(FFMPEG, ANSWER_TO_READY, "s", bare)


async def _same_packets(ground: Ground, source: Path, published: Path) -> bool:
    ffmpeg = ground.ffmpeg.ffmpeg_path
    return await packets_hash(ffmpeg, source) == await packets_hash(ffmpeg, published)


async def _bare_copy(ground: Ground, file: Path) -> float:
    target = ground.folder / "bare-copy.mp4"
    command = [str(ground.ffmpeg.ffmpeg_path), "-v", "error", "-nostdin", "-y", "-i", str(file), "-c", "copy"]
    seconds = (await run([*command, "-movflags", "+faststart", str(target)])).seconds
    target.unlink()
    return seconds


COPIED: Final = (
    Case("a", "1080p that needs no encoding", _half_a_minute),
    Case("d", "A clip of about a second, over and over", _a_second),
    Case("i", "A long video in 1080p that needs no encoding", _ten_minutes),
)
