"""A file that was made to do harm ends ready or with a code, in bounded time and memory, and reaches nothing."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import InvalidMedia
from media.commands import quiet_with_progress, source_input
from media.encode import encode_chunk
from media.ffmpeg import Bounds, Ffmpeg
from media.limits import MediaLimits, bounded
from media.planning import plan
from media.programs import find_programs
from media.sandbox import Access
from media.validate import validate
from tests.fixtures.clips import Clips
from tests.fixtures.recipes.drawing import H264
from tests.hostile.crafted import CONTAINERS, CRAFTED, REFERRING, Craft, Lure, good_file
from tests.hostile.ending import BOUNDS, READY, ending_of
from tests.hostile.mutants import endings
from tests.media.making import unheard
from tests.media.probing import WEB

EXTENSIONS = (".mp4", ".mov", ".avi")


@pytest.fixture(scope="module")
async def unconfined() -> Ffmpeg:
    """Ffmpeg with limits and nothing around it: the commands alone have to keep it from what the file names."""
    return Ffmpeg(await find_programs(None, None), bounds=BOUNDS)


@pytest.fixture(scope="module")
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module")
def lure(clips: Clips, listening: socket.socket, tmp_path_factory: pytest.TempPathFactory) -> Lure:
    folder = tmp_path_factory.mktemp("lure")
    return Lure(good_file(clips, folder, ".mp4"), listening.getsockname()[1])


@pytest.fixture(autouse=True)
def nobody_called(listening: socket.socket) -> Iterator[None]:
    yield
    with pytest.raises(BlockingIOError):
        listening.accept()


async def test_what_the_files_refer_to_would_become_ready(unconfined: Ffmpeg, lure: Lure, tmp_path: Path) -> None:
    assert await ending_of(unconfined, lure.canary, tmp_path) == READY


@pytest.mark.parametrize("kind", REFERRING)
async def test_a_file_that_refers_to_others_is_no_video_whatever_its_name(
    unconfined: Ffmpeg, lure: Lure, tmp_path: Path, kind: str
) -> None:
    source = (tmp_path / "upload").with_suffix(EXTENSIONS[list(REFERRING).index(kind) % len(EXTENSIONS)])
    source.write_text(REFERRING[kind](lure))
    assert await ending_of(unconfined, source, tmp_path) == "invalid_media"


@pytest.mark.parametrize("craft", CRAFTED, ids=lambda craft: craft.__name__)
async def test_a_crafted_file_ends_as_it_should(
    unconfined: Ffmpeg, clips: Clips, lure: Lure, tmp_path: Path, craft: Craft
) -> None:
    before = lure.canary.read_bytes()
    assert await ending_of(unconfined, craft(clips, tmp_path, lure), tmp_path) in CRAFTED[craft]
    assert lure.canary.read_bytes() == before


@pytest.fixture
def grows(clips: Clips, tmp_path: Path) -> Path:
    """A film of 15 frames, the last five of which are four times as large."""
    parts = [tmp_path / "small.h264", tmp_path / "large.h264"]
    for part, size, frames in zip(parts, ("320x240", "640x480"), (10, 5), strict=True):
        clips.draw(part, "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=10", "-frames:v", str(frames), *H264)
    both, grows = tmp_path / "both.h264", tmp_path / "grows.mkv"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    clips.draw(grows, "-r", "10", "-i", str(both), "-c", "copy")
    return grows


@pytest.mark.parametrize(("pixels", "decoded"), [(None, 15), (320 * 240, 10)])
async def test_a_picture_that_grows_beyond_what_is_accepted_is_not_decoded(
    grows: Path, pixels: int | None, decoded: int
) -> None:
    careful = Ffmpeg(await find_programs(None, None), bounds=Bounds(pixels=pixels))
    command = [*quiet_with_progress(careful.ffmpeg_path), *source_input(grows), "-fps_mode", "passthrough"]
    _, advance = await careful.run([*command, "-f", "null", "-"], Access(reads=(grows,)))
    assert advance.frames == decoded


@pytest.mark.parametrize(("times", "is_afforded"), [(4, True), (3, False)])
async def test_a_film_that_grows_beyond_what_all_its_frames_could_be_is_not_encoded(
    unconfined: Ffmpeg, grows: Path, media_limits: MediaLimits, *, times: int, is_afforded: bool
) -> None:
    limits = replace(media_limits, max_encoded_pixels=15 * times * 320 * 240 // 10)
    probe = await validate(unconfined, grows, limits)
    made = bounded(plan(probe, WEB), probe, limits)
    [chunk] = made.chunks
    encoding = encode_chunk(
        unconfined, made.picture, chunk, grows, grows.with_name("chunk.mp4"), origin_seconds=0, on_progress=unheard
    )
    if is_afforded:
        assert (await encoding).lost_frames == 0
    else:
        with pytest.raises(InvalidMedia, match="can't be decoded"):
            await encoding


async def test_mutants_of_every_container_end_ready_or_with_a_code(tmp_path: Path) -> None:
    confined = await Ffmpeg.locate(sandbox="auto", bounds=BOUNDS)
    count = 2 * len(CONTAINERS)
    counted = await endings(confined, tmp_path, count)
    assert counted.total() == count
    assert counted["internal"] == 0
    assert counted[READY] > 0
