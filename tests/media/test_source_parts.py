"""A step that has only the bytes it reads makes the very same of an upload as one that has all of it."""

import asyncio
import hashlib
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from activities.from_parts import from_parts
from contracts.errors import InvalidMedia, TranscodeFailed
from contracts.partial_file import PartialFile
from media.encode import encode_chunk, encode_sound
from media.ffmpeg import Ffmpeg
from media.plan import StreamAction, TranscodePlan
from media.planning import plan
from media.profile import load_profiles
from media.sandbox import Access
from media.source_parts import (
    joined,
    need_for_chunk,
    need_for_frames,
    need_for_stream,
    need_for_validation,
    need_index,
)
from media.thumbnail import create_thumbnail
from media.validate import validate
from storage.local_copies import LocalCopies
from tests.media.making import LIMITS

SECONDS = 30
NOISE = f"testsrc2=size=480x270:rate=25:duration={SECONDS},noise=alls=30:allf=t"
MPEG4 = ("-c:v", "mpeg4", "-q:v", "3", "-g", "50", "-bf", "2")


@dataclass
class Elsewhere:
    """A file that is fetched from somewhere else.

    Attributes:
        file: What is there.
        fetched: How many bytes came of each opening.
    """

    file: Path
    fetched: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def opened(self, scratch: Path) -> AsyncIterator[PartialFile]:
        """As by a worker that has nothing of it yet."""
        self.fetched.append(0)
        copies = LocalCopies(scratch, 1024 * 1024 * 1024)
        try:
            async with copies.lend("film", self.size_bytes, self._read) as source:
                yield source
        finally:
            await copies.close()

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return self.file.stat().st_size

    async def _read(self, begin: int, end: int) -> bytes:
        self.fetched[-1] += end - begin
        return await asyncio.to_thread(self._bytes, begin, end)

    def _bytes(self, begin: int, end: int) -> bytes:
        with self.file.open("rb") as file:
            file.seek(begin)
            return file.read(end - begin)


def drawn(ffmpeg: Ffmpeg, target: Path, *options: str) -> Elsewhere:
    """Half a minute of noise, large for its length, that has to be encoded; and a tone."""
    sound = f"sine=frequency=440:duration={SECONDS}"
    inputs = ["-f", "lavfi", "-i", NOISE, "-f", "lavfi", "-i", sound]
    subprocess.run(
        [str(ffmpeg.ffmpeg_path), "-v", "error", "-nostdin", "-y", *inputs, *MPEG4, *options, str(target)],
        check=True,
        timeout=60,
    )
    return Elsewhere(target)


@pytest.fixture(scope="module")
def elsewhere(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    """An MP4 whose index is at its end."""
    return drawn(ffmpeg, tmp_path_factory.mktemp("elsewhere") / "film.mp4", "-c:a", "alac")


async def test_an_index_in_front_does_as_well(ffmpeg: Ffmpeg, elsewhere: Elsewhere, tmp_path: Path) -> None:
    front = tmp_path / "front.mp4"
    copied = ["-i", str(elsewhere.file), "-c", "copy", "-movflags", "+faststart", "-y", str(front)]
    access = Access(reads=(elsewhere.file,), writes=(front,), file_bytes=elsewhere.file.stat().st_size * 2)
    assert (await ffmpeg.run([str(ffmpeg.ffmpeg_path), "-v", "error", *copied], access))[0].return_code == 0
    whole = await validate(ffmpeg, front, LIMITS)
    async with Elsewhere(front).opened(tmp_path) as source:
        await need_for_validation(ffmpeg, source)
        assert not source.is_whole
        assert await validate(ffmpeg, source.path, LIMITS) == whole


async def planned(ffmpeg: Ffmpeg, file: Path) -> TranscodePlan:
    """What is made of it."""
    return plan(await validate(ffmpeg, file, LIMITS), load_profiles()["web"])


def sha256(path: Path) -> str:
    """Of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_what_has_to_be_encoded_is_validated_by_its_index(
    ffmpeg: Ffmpeg, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    whole = await validate(ffmpeg, elsewhere.file, LIMITS)
    async with elsewhere.opened(tmp_path) as source:
        await need_for_validation(ffmpeg, source)
        assert not source.is_whole
        assert await validate(ffmpeg, source.path, LIMITS) == whole
    assert elsewhere.fetched[-1] < elsewhere.size_bytes / 3


async def test_chunks_of_a_part_are_those_of_the_whole_and_little_more_is_fetched_than_they_are_made_of(
    ffmpeg: Ffmpeg, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    decided = await planned(ffmpeg, elsewhere.file)
    before, target = len(elsewhere.fetched), tmp_path / "chunk.mp4"
    assert len(decided.chunks) == 5
    for chunk in decided.chunks[1:2]:
        encode = partial(
            encode_chunk, ffmpeg, decided.picture, chunk, origin_seconds=decided.origin_seconds, on_progress=ignored
        )
        await encode(elsewhere.file, target)
        of_the_whole = sha256(target)
        async with elsewhere.opened(tmp_path) as source:
            await need_for_chunk(ffmpeg, source, decided.picture, chunk, decided.origin_seconds)
            encoded = await encode(source.path, target)
        assert (encoded.lost_frames, sha256(target)) == (0, of_the_whole)
    assert max(elsewhere.fetched[before:]) < 0.5 * elsewhere.size_bytes, "a fifth, what lies around it, the index"


async def test_sound_of_a_part_is_that_of_the_whole(ffmpeg: Ffmpeg, elsewhere: Elsewhere, tmp_path: Path) -> None:
    decided = await planned(ffmpeg, elsewhere.file)
    sound, target = decided.sound, tmp_path / "sound.mp4"
    assert sound is not None
    assert sound.action is StreamAction.ENCODE
    encode = partial(encode_sound, ffmpeg, sound, origin_seconds=decided.origin_seconds, on_progress=ignored)
    await encode(elsewhere.file, target)
    of_the_whole = sha256(target)
    async with elsewhere.opened(tmp_path) as source:
        await need_for_stream(ffmpeg, source, sound.index)
        assert await encode(source.path, target) == 0
    assert sha256(target) == of_the_whole
    assert elsewhere.fetched[-1] < elsewhere.size_bytes / 3


async def test_a_thumbnail_of_a_part_is_that_of_the_whole(ffmpeg: Ffmpeg, elsewhere: Elsewhere, tmp_path: Path) -> None:
    decided = (await planned(ffmpeg, elsewhere.file)).thumbnail
    target = tmp_path / "thumbnail.jpg"
    await create_thumbnail(ffmpeg, decided, elsewhere.file, target)
    of_the_whole = sha256(target)
    async with elsewhere.opened(tmp_path) as source:
        await need_for_frames(ffmpeg, source, decided.video_index, [decided.at_seconds])
        await create_thumbnail(ffmpeg, decided, source.path, target)
    assert sha256(target) == of_the_whole
    assert elsewhere.fetched[-1] < elsewhere.size_bytes / 3


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("film.mkv", ()),
        ("fragments.mp4", ("-movflags", "+frag_keyframe+empty_moov")),
        ("film.avi", ()),
        ("taken-apart.mp4", ("-c:a", "ac3")),
    ],
)
async def test_what_has_no_index_of_all_its_packets_is_fetched_whole(
    ffmpeg: Ffmpeg, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    elsewhere = drawn(ffmpeg, tmp_path / name, "-t", "4", *options)
    for need in (partial(need_for_stream, ffmpeg, stream=1), partial(need_for_validation, ffmpeg)):
        async with elsewhere.opened(tmp_path) as source:
            await need(source=source)
            assert source.is_whole


async def test_what_may_be_copied_is_fetched_whole_to_be_validated(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    elsewhere = drawn(ffmpeg, tmp_path / "film.mp4", "-t", "8", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "10")
    async with elsewhere.opened(tmp_path) as source:
        await need_for_validation(ffmpeg, source)
        assert source.is_whole


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\0\0\0\x08ftyp", b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * 100]
)
async def test_what_is_no_whole_film_has_no_index(tmp_path: Path, content: bytes) -> None:
    await asyncio.to_thread((tmp_path / "file.mp4").write_bytes, content)
    async with Elsewhere(tmp_path / "file.mp4").opened(tmp_path) as source:
        assert not await need_index(source)


async def test_damage_of_a_part_has_the_whole_fetched_before_anybody_is_blamed(tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "film").write_bytes, bytes(1_000_000))

    def failing_at_first(*outcomes: int | Exception) -> Callable[[], Awaitable[int]]:
        left = list(outcomes)

        async def make() -> int:
            outcome = left.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return make

    for outcomes in ((TranscodeFailed("no"), 0), (InvalidMedia("no"), 0), (7, 0)):
        async with Elsewhere(tmp_path / "film").opened(tmp_path) as source:
            assert await from_parts(source, failing_at_first(*outcomes), lambda lost: lost == 0) == 0
            assert source.is_whole
    async with Elsewhere(tmp_path / "film").opened(tmp_path) as source:
        with pytest.raises(InvalidMedia):
            await from_parts(source, failing_at_first(InvalidMedia("no"), InvalidMedia("no")))
    async with Elsewhere(tmp_path / "film").opened(tmp_path) as source:
        assert await from_parts(source, failing_at_first(0)) == 0
        assert not source.is_whole


def test_ranges_that_lie_close_together_are_made_one() -> None:
    far = 10_000_000
    assert joined([(far, far + 5), (0, 10), (10, 20), (1000, 2000)]) == [(0, 2000), (far, far + 5)]


def ignored(_: object) -> None:
    """Progress that nobody looks at."""
