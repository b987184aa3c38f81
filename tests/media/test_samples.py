"""A table of a few bytes that announces millions of samples is refused before a program lays them out."""

import struct
import time
from pathlib import Path

import pytest

from contracts.errors import LimitExceeded
from media.ffmpeg import Ffmpeg
from media.limits import MediaLimits
from media.samples import MOST_SAMPLES, check_samples
from media.validate import validate
from tests.fixtures.clips import Clip, Clips


def box(kind: bytes, *inside: bytes, large: bool = False) -> bytes:
    """A box of an MP4; a large one has its length in eight bytes."""
    content = b"".join(inside)
    if large:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def track(
    count: int,
    *,
    handler: bytes = b"vide",
    ticks: int = 512,
    sample_bytes: int = 1,
    large: bool = False,
    before: bytes = b"",
    around: bytes = b"minf",
) -> bytes:
    """A track of so many samples, of one size, each as long; something may stand before its tables, or around them."""
    table = box(
        b"stbl",
        box(b"stts", numbers(0, 1, count, ticks)),
        box(b"stsz", numbers(0, sample_bytes, count)),
        large=large,
    )
    handled = box(b"hdlr", numbers(0, 0), handler)
    return box(b"trak", box(b"mdia", handled, before, box(around, table, large=large), large=large), large=large)


def film(*tracks: bytes, fragments: bytes = b"") -> bytes:
    return box(b"ftyp", b"isom") + box(b"moov", *tracks) + fragments + box(b"mdat", b"x")


def of_size(path: Path, size_bytes: int, content: bytes) -> Path:
    """A file of so many bytes, most of which no disk has to keep."""
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate(max(size_bytes, len(content)))
    return path


def fragment(count: int) -> bytes:
    return box(b"moof", box(b"traf", box(b"trun", numbers(0, count))))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(film(track(MOST_SAMPLES + 1)), id="one size for all"),
        pytest.param(film(track(MOST_SAMPLES + 1, large=True)), id="in large boxes"),
        pytest.param(film(*[track(MOST_SAMPLES // 2 + 1)] * 2), id="two tracks"),
        pytest.param(film(track(MOST_SAMPLES + 1, handler=b"soun")), id="sound that is laid out by samples"),
        pytest.param(film(track(MOST_SAMPLES + 1, before=2000 * box(b"free"))), id="behind many boxes"),
        pytest.param(film(track(MOST_SAMPLES + 1, before=box(b"\xa9nam"))), id="behind a box with an odd name"),
        pytest.param(film(track(MOST_SAMPLES + 1, around=b"udta")), id="where no table belongs"),
        pytest.param(
            film(track(MOST_SAMPLES + 1, handler=b"soun", ticks=1, before=box(b"hdlr", numbers(0, 0), b"vide"))),
            id="a picture that says that it is sound as well",
        ),
        pytest.param(film(track(0), fragments=box(b"\xff\xfe\xfd\xfc") + fragment(2**31)), id="behind odd bytes"),
        pytest.param(film(track(0), fragments=fragment(2**32 - 1)), id="a fragment"),
        pytest.param(film(track(0), fragments=fragment(MOST_SAMPLES // 2) * 3), id="fragments"),
    ],
)
def test_more_samples_than_any_film_has_are_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded, match="announces more than 6000000 frames"):
        check_samples(of_size(tmp_path / "flood.mp4", 2**31, content))


def test_samples_that_are_smaller_than_any_frame_are_refused_when_there_are_many(tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded, match="announces more than 1250000 frames"):
        check_samples(of_size(tmp_path / "flood.mp4", 20_000_000, film(track(1_300_000))))
    check_samples(of_size(tmp_path / "small.mp4", 0, film(track(999_000))))


def test_a_long_film_and_hours_of_plain_sound_are_no_flood(tmp_path: Path) -> None:
    six_hours = 6 * 3600
    picture, sound = track(60 * six_hours), track(six_hours * 48_000 // 1024, handler=b"soun", ticks=1024)
    of_quicktime = box(b"hdlr", numbers(0, 0), b"alis")
    plain_sound = track(six_hours * 48_000, handler=b"soun", ticks=1, sample_bytes=4, before=of_quicktime)
    content = film(picture, *[sound] * 3, plain_sound, fragments=fragment(1_000_000))
    check_samples(of_size(tmp_path / "film.mov", 2**31, content))


@pytest.mark.parametrize("kind", [b"free", b"trak", b"moof"])
def test_a_file_of_empty_boxes_is_refused_within_a_second(kind: bytes, tmp_path: Path) -> None:
    content = film(*[box(kind)] * 2_900_000)
    began = time.process_time()
    with pytest.raises(LimitExceeded, match=r"more than 4833.. parts, which no film of its size does"):
        check_samples(of_size(tmp_path / "empty.mp4", 0, content))
    assert time.process_time() - began < 2, "it takes half a second at most"


def test_hours_in_fragments_of_a_tenth_of_a_second_are_no_flood(tmp_path: Path) -> None:
    track = box(b"traf", box(b"tfhd", bytes(16)), box(b"tfdt", bytes(12)), box(b"trun", numbers(0, 6)))
    one = box(b"moof", box(b"mfhd", bytes(8)), track, track) + box(b"mdat", bytes(1000))
    an_hour = film(fragments=one * 36_000)
    check_samples(of_size(tmp_path / "fragments.mp4", 0, an_hour))


async def test_a_clip_whose_table_was_forged_is_refused_before_it_is_read(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    content = bytearray(clips.path(Clip.SILENT).read_bytes())
    sizes_at = content.index(b"stsz") + 8
    content[sizes_at : sizes_at + 8] = numbers(1, 20_000_000)
    (tmp_path / "forged.mp4").write_bytes(content)
    with pytest.raises(LimitExceeded, match="frames and pieces of sound"):
        await validate(ffmpeg, tmp_path / "forged.mp4", media_limits)
