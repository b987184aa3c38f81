"""Files of a few KB with a moment of picture, and sound that has one packet hours or years away."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.errors import LimitExceeded
from media.ffmpeg import Ffmpeg
from media.limits import MediaLimits
from media.validate import validate
from tests.fixtures.clips import Clips
from tests.fixtures.recipes.drawing import H264

DRAWN = (
    *["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=1", "-f", "lavfi", "-i", "sine=duration=1"],
    *[*H264, "-c:a", "aac"],
)


def in_matroska(clips: Clips, folder: Path) -> Path:
    """One more piece of sound, 277 hours after the others; the header does not say how long it is."""
    path = folder / "far.mkv"
    clips.draw(path, *DRAWN, "-live", "1")
    block = b"\xa3\x85\x82\x00\x00\x80\x21"
    cluster = b"\xe7\x88" + struct.pack(">Q", 10**9) + block
    path.write_bytes(path.read_bytes() + b"\x1f\x43\xb6\x75" + (len(cluster) | 1 << 56).to_bytes(8) + cluster)
    return path


def in_mp4(clips: Clips, folder: Path) -> Path:
    """Each piece of sound 13 hours after the one before, by a table that no header knows of."""
    path = folder / "far.mp4"
    clips.draw(path, *DRAWN)
    content = bytearray(path.read_bytes().replace(b"edts", b"free"))
    struct.pack_into(">I", content, content.index(b"stts", content.index(b"soun")) + 16, 2**31 - 1)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("made", [in_matroska, in_mp4])
async def test_sound_that_goes_on_for_days_by_one_packet_is_too_long_however_short_the_header_says_that_it_is(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path, made: Callable[[Clips, Path], Path]
) -> None:
    source = made(clips, tmp_path)
    assert source.stat().st_size < 40_000
    with pytest.raises(LimitExceeded, match="long; at most 6:00:00"):
        await validate(ffmpeg, source, media_limits)
