"""A file that needs a key says so, and is not called damaged."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from contracts.errors import Encrypted, InvalidMedia, VideoError
from media.encryption import says_that_it_is_encrypted
from media.ffmpeg import Ffmpeg
from media.limits import MediaLimits
from media.validate import validate
from tests.fixtures.clips import Clip, Clips

_NOISE = hashlib.shake_128().digest(188)
_DATA_OBJECT = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_ENCRYPTION_OBJECT = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")


def scrambled(stream: bytes, share: float = 1.0, *, begin: int = 0) -> bytes:
    """A transport stream, so much of whose picture and sound is noise and marked as scrambled."""
    packets, length = bytearray(stream), 188 + begin
    for number, at in enumerate(range(begin, len(stream), length)):
        is_ours = (packets[at + 1] & 0x1F, packets[at + 2]) in {(1, 0), (1, 1)}
        if is_ours and number % 100 < share * 100:
            payload = at + 4 + (1 + packets[at + 4] if packets[at + 3] & 0x20 else 0)
            packets[at + 3] |= 0x80
            packets[payload : at + 188] = _NOISE[: at + 188 - payload]
    return bytes(packets)


def protected(film: bytes) -> bytes:
    """An ASF file whose header names a protection, and whose packets are noise."""
    added = _ENCRYPTION_OBJECT + (24 + 16).to_bytes(8, "little") + bytes(16)
    packets = film.index(_DATA_OBJECT)
    header = film[:16] + (packets + len(added)).to_bytes(8, "little")
    objects = int.from_bytes(film[24:28], "little") + 1
    begun = packets + 50
    noise = hashlib.shake_128().digest(len(film) - begun)
    return header + objects.to_bytes(4, "little") + film[28:30] + added + film[30:begun] + noise


@pytest.fixture
def stream(clips: Clips, tmp_path: Path) -> bytes:
    clips.draw(tmp_path / "whole.ts", "-i", str(clips.path(Clip.CARD)), "-c", "copy")
    return (tmp_path / "whole.ts").read_bytes()


@pytest.fixture
def film(clips: Clips, tmp_path: Path) -> bytes:
    clips.draw(tmp_path / "whole.wmv", "-i", str(clips.path(Clip.CARD)), "-c:v", "wmv2", "-c:a", "wmav2")
    return (tmp_path / "whole.wmv").read_bytes()


async def refusal(ffmpeg: Ffmpeg, path: Path, content: bytes, limits: MediaLimits) -> type[VideoError] | None:
    await asyncio.to_thread(path.write_bytes, content)
    try:
        await validate(ffmpeg, path, limits)
    except VideoError as error:
        return type(error)
    return None


async def test_a_scrambled_recording_is_encrypted_and_one_that_is_only_marked_so_is_watched(
    ffmpeg: Ffmpeg, stream: bytes, media_limits: MediaLimits, tmp_path: Path
) -> None:
    noise = bytearray(scrambled(stream))
    for at in range(0, len(noise), 188):
        noise[at + 3] &= 0x3F
    marked = bytearray(stream)
    for at in range(0, len(marked), 188):
        marked[at + 3] |= 0x80 if marked[at + 1] & 0x1F == 1 else 0
    path = tmp_path / "recording.ts"
    assert await refusal(ffmpeg, path, scrambled(stream), media_limits) is Encrypted
    assert await refusal(ffmpeg, path, bytes(noise), media_limits) is InvalidMedia
    assert await refusal(ffmpeg, path, bytes(marked), media_limits) is None


async def test_a_film_under_windows_media_drm_is_encrypted(
    ffmpeg: Ffmpeg, film: bytes, media_limits: MediaLimits, tmp_path: Path
) -> None:
    path = tmp_path / "film.wmv"
    assert await refusal(ffmpeg, path, film, media_limits) is None
    assert await refusal(ffmpeg, path, protected(film), media_limits) is Encrypted


def test_each_kind_of_transport_stream_is_known_and_nothing_else(stream: bytes, film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a file"
    timed = b"".join(b"\0\0\0\0" + stream[at : at + 188] for at in range(0, len(stream), 188))
    guarded = b"".join(scrambled(stream)[at : at + 188] + bytes(16) for at in range(0, len(stream), 188))
    for content, says in (
        (stream, False),
        (scrambled(stream, 0.3), False),
        (scrambled(stream, 0.8), True),
        (scrambled(timed, begin=4), True),
        (timed, False),
        (guarded, True),
        (film, False),
        (film[:40], False),
        (protected(film), True),
        (b"", False),
        (b"G" * 3, False),
        (b"a text", False),
    ):
        path.write_bytes(content)
        assert says_that_it_is_encrypted(path) is says
