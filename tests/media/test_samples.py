"""A table of a few bytes that announces millions of samples is refused before a program lays them out."""

import struct
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contracts.errors import InvalidMedia, LimitExceeded
from media.capacity import Capacity
from media.commands import probe_command
from media.ffmpeg import Bounds, Ffmpeg
from media.limits import MediaLimits
from media.looking import most_of_each
from media.programs import find_programs
from media.samples import MOST_SAMPLES, check_samples
from media.validate import probe, validate
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
    chunks: bytes = b"",
) -> bytes:
    """A track of so many samples, of one size, each as long; something may stand before its tables, or around them."""
    table = box(
        b"stbl",
        box(b"stts", numbers(0, 1, count, ticks)),
        box(b"stsz", numbers(0, sample_bytes, count)),
        chunks,
        large=large,
    )
    handled = box(b"hdlr", numbers(0, 0), handler)
    return box(b"trak", box(b"mdia", handled, before, box(around, table, large=large), large=large), large=large)


def film(*tracks: bytes, fragments: bytes = b"") -> bytes:
    return box(b"ftyp", b"isom") + box(b"moov", *tracks) + fragments + box(b"mdat", b"x")


def in_disguise(kind: bytes, *tracks: bytes) -> bytes:
    """An index that ffmpeg takes for one where there is no other."""
    return box(b"ftyp", b"isom") + box(kind, box(b"mvhd", bytes(100)), *tracks) + box(b"mdat", b"x")


def compressed(*tracks: bytes, index: bytes = b"") -> bytes:
    whole = index or box(b"moov", *tracks)
    return box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", numbers(len(whole)), zlib.compress(whole)))


def of_size(path: Path, size_bytes: int, content: bytes) -> Path:
    """A file of so many bytes, most of which no disk has to keep."""
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate(max(size_bytes, len(content)))
    return path


def fragment(count: int, sample_bytes: int = 0) -> bytes:
    """With one size for all, which stands beside two other defaults; 0 for that of the track."""
    defaults = numbers(0x18, 1, 512, sample_bytes) if sample_bytes else numbers(0, 1)
    return box(b"moof", box(b"traf", box(b"tfhd", defaults), box(b"trun", numbers(0, count))))


def fragment_of(*sizes: int) -> bytes:
    """With a size of each, beside how long it lasts."""
    each = numbers(*(number for size in sizes for number in (512, size)))
    return box(b"moof", box(b"traf", box(b"tfhd", numbers(0, 1)), box(b"trun", numbers(0x301, len(sizes), 0), each)))


def sizes_of(*sizes: int) -> bytes:
    """A track that tells the size of each."""
    table = box(b"stbl", box(b"stsz", numbers(0, 0, len(sizes), *sizes)))
    return box(b"trak", box(b"mdia", box(b"hdlr", numbers(0, 0), b"vide"), box(b"minf", table)))


def in_chunks(count: int, *runs: tuple[int, int]) -> bytes:
    """So many chunks, in runs from the first of each on of so many samples."""
    entries = [number for first, samples in runs for number in (first, samples, 1)]
    return box(b"stsc", numbers(0, len(runs), *entries)) + box(b"stco", numbers(0, count))


def in_meta(count: int, before: bytes) -> bytes:
    """A table within what a track tells of itself."""
    handler = box(b"hdlr", numbers(0, 0), b"mdta")
    return box(b"trak", box(b"meta", before, handler, box(b"stsz", numbers(0, 1, count))))


def described(entry: bytes, behind: bytes = b"") -> bytes:
    """A track whose samples are described by this entry."""
    return box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stsd", numbers(0, 1), entry), behind))))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(film(described(box(b"jpeg", bytes(78), box(b"stsz", numbers(0, 1, 1))))), id="a table"),
        pytest.param(film(described(box(b"jpeg", bytes(78), box(b"wave", box(b"trun", numbers(0)))))), id="deeper"),
        pytest.param(
            film(described(struct.pack(">I4s", 200, b"jpeg") + bytes(78), box(b"free", bytes(200)))), id="beyond"
        ),
        pytest.param(film(described(box(b"jpeg", bytes(20_000_000)))), id="of 20 MB"),
        pytest.param(film(described(box(b"jpeg", bytes(78), compressed(track(1))))), id="a compressed index"),
    ],
)
def test_a_table_within_the_description_of_samples_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded, match="where no program writes them"):
        check_samples(of_size(tmp_path / "hidden.mov", 0, content))


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
        pytest.param(film(track(MOST_SAMPLES + 1, around=b"sinf")), id="beside what says how it is encrypted"),
        pytest.param(film(in_meta(MOST_SAMPLES + 1, numbers(0))), id="in a meta of an MP4"),
        pytest.param(film(in_meta(MOST_SAMPLES + 1, b"")), id="in a meta of a MOV"),
        pytest.param(film(in_meta(MOST_SAMPLES + 1, bytes(4096))), id="in a meta, behind nothing"),
        pytest.param(film(track(MOST_SAMPLES + 1, around=b"schi")), id="within that box"),
        pytest.param(in_disguise(b"free", track(MOST_SAMPLES + 1)), id="in an index that was struck out"),
        pytest.param(in_disguise(b"hoov", track(MOST_SAMPLES + 1)), id="in an index that was struck out otherwise"),
        pytest.param(film(compressed(track(MOST_SAMPLES + 1))), id="in a compressed index"),
        pytest.param(
            box(b"free", compressed(track(0), track(MOST_SAMPLES + 1))), id="in a compressed one that was struck out"
        ),
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


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(film(track(1_000_001)), id="one byte"),
        pytest.param(film(track(1_300_000, sample_bytes=0)), id="a table that is not there"),
        pytest.param(film(sizes_of(*[0] * 1_000_001)), id="no byte, each told"),
        pytest.param(
            film(sizes_of(*[0] * 600_000), sizes_of(2**31, *[4] * 600_000)), id="two tracks, and one is large"
        ),
        pytest.param(
            film(box(b"mvex", box(b"trex", numbers(0, 1, 1, 512, 1))), fragments=fragment(2_000_000)), id="trex"
        ),
        pytest.param(film(track(0), fragments=fragment(2_000_000, 1)), id="a fragment"),
        pytest.param(film(track(0), fragments=fragment_of(*[1] * 300_000) * 4), id="fragments, each told"),
        pytest.param(
            film(track(1_000_001, handler=b"soun", ticks=1, chunks=in_chunks(1_000_001, (1, 1)))),
            id="plain sound in as many chunks",
        ),
        pytest.param(
            film(track(1_000_001, handler=b"soun", ticks=1, chunks=in_chunks(1_000_001, (9, 512)))),
            id="plain sound that does not say how it is laid out",
        ),
    ],
)
def test_samples_that_are_smaller_than_any_frame_are_refused_when_there_are_many(
    content: bytes, tmp_path: Path
) -> None:
    with pytest.raises(LimitExceeded, match="more than 1000000 frames and pieces of sound that are smaller"):
        check_samples(of_size(tmp_path / "flood.mp4", 2**31, content))


def test_it_is_known_how_many_samples_are_kept_while_a_program_finds_out_about_streams(tmp_path: Path) -> None:
    content = film(sizes_of(*[1] * 1000, *[10_000] * 4000), fragments=fragment_of(*[50] * 10, 70))
    found = check_samples(of_size(tmp_path / "film.mp4", 2**31, content))
    assert found.announced == 5011
    assert found.first_packets == 5011
    assert (
        check_samples(of_size(tmp_path / "sound.mp4", 0, film(track(2_000_000, sample_bytes=50)))).first_packets
        == 100_000
    )


def test_a_long_film_and_hours_of_plain_sound_are_no_flood(tmp_path: Path) -> None:
    six_hours = 6 * 3600
    picture = track(60 * six_hours, sample_bytes=1000)
    sound = track(six_hours * 48_000 // 1024, handler=b"soun", ticks=1024, sample_bytes=6)
    of_quicktime = box(b"hdlr", numbers(0, 0), b"alis")
    chunks = in_chunks(60 * six_hours, (1, 801), (2, 800), (60 * six_hours, 799))
    plain_sound = track(
        six_hours * 48_000, handler=b"soun", ticks=1, sample_bytes=2, before=of_quicktime, chunks=chunks
    )
    content = film(picture, *[sound] * 3, plain_sound, fragments=fragment(500_000, 100))
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


def a_true_film(path: Path, count: int) -> Path:
    """Of so many pictures of one byte each, none of which can be decoded, a moment after each other."""
    matrix = numbers(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    entry = struct.pack(">6xH16xHHIIIH32sHh", 1, 64, 64, 0x480000, 0x480000, 0, 1, bytes(32), 24, -1)

    def index(begin: int) -> bytes:
        tables = box(
            b"stbl",
            box(b"stsd", numbers(0, 1), box(b"jpeg", entry)),
            box(b"stts", numbers(0, 1, count, 1)),
            in_chunks(1, (1, count)),
            box(b"stsz", numbers(0, 1, count)),
        )
        tables = tables.replace(box(b"stco", numbers(0, 1)), box(b"stco", numbers(0, 1, begin)))
        data = box(b"dinf", box(b"dref", numbers(0, 1), box(b"url ", numbers(1))))
        media = box(
            b"mdia",
            box(b"mdhd", numbers(0, 0, 0, 2**31 - 1, count, 0)),
            box(b"hdlr", numbers(0), b"mhlrvide", bytes(13)),
            box(b"minf", box(b"vmhd", numbers(0, 0, 0)), data, tables),
        )
        head = box(b"tkhd", numbers(0, 0, 0, 1, 0, count, 0, 0, 0, 0), matrix, numbers(64 << 16, 64 << 16))
        movie = box(b"mvhd", numbers(0, 0, 0, 1000, 10, 0x10000, 0x1000000, 0, 0), matrix, bytes(24), numbers(2))
        return box(b"moov", movie, box(b"trak", head, media))

    kind = box(b"ftyp", b"qt  ", numbers(0), b"qt  ")
    path.write_bytes(kind + index(len(kind) + len(index(0)) + 8) + box(b"mdat", bytes(count)))
    return path


def peak_bytes(command: list[str]) -> int:
    """Of a program that is run to its end, by another: the kernel counts what stood there before a program began."""
    run = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
    tell = "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    told = subprocess.run([sys.executable, "-c", run + tell, *command], capture_output=True, check=True)
    return int(told.stdout) * 1024


def test_what_a_program_takes_for_tiny_samples_is_no_more_than_what_they_are_held_for(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    few, many = a_true_film(tmp_path / "few.mov", 1), a_true_film(tmp_path / "many.mov", 60_000)
    base, peak = (peak_bytes(probe_command(ffmpeg.ffprobe_path, path)) for path in (few, many))
    held = check_samples(many).memory_bytes
    assert held / 2 < peak - base < held, "less, and it were no such film"


async def test_a_true_film_of_too_many_tiny_samples_is_refused_at_once(
    ffmpeg: Ffmpeg, media_limits: MediaLimits, tmp_path: Path
) -> None:
    with pytest.raises(LimitExceeded, match="smaller than any"):
        await validate(ffmpeg, a_true_film(tmp_path / "tiny.mov", 1_100_000), media_limits)


async def test_a_film_that_takes_too_much_memory_to_be_looked_at_is_refused_for_good(
    ffmpeg: Ffmpeg, media_limits: MediaLimits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.watchdog.MEMORY_EVERY_SECONDS", 0.05)
    programs = await find_programs(ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path)
    bounded = Ffmpeg(programs, bounds=Bounds(reading_bytes=60_000_000))
    with pytest.raises(LimitExceeded, match="too much memory to look into"):
        await validate(bounded, a_true_film(tmp_path / "tiny.mov", 900_000), media_limits)


class Noted(Capacity):
    """Remembers what was wanted of it."""

    def __init__(self) -> None:
        super().__init__(None)
        self.wanted: list[int] = []

    @asynccontextmanager
    async def hold(self, wanted_bytes: int) -> AsyncIterator[None]:
        self.wanted.append(wanted_bytes)
        async with super().hold(wanted_bytes):
            yield


async def test_what_looks_take_is_held_from_the_memory_of_encodes(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits
) -> None:
    capacity, source = Noted(), clips.path(Clip.SILENT)
    sharing = Ffmpeg(await find_programs(ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path), capacity)
    await validate(sharing, source, media_limits)
    assert capacity.wanted == [3 * (128 * 1024**2 + check_samples(source).memory_bytes)]


async def test_a_look_that_takes_more_than_is_held_begins_anew_with_as_much_as_any_may_take(
    ffmpeg: Ffmpeg, media_limits: MediaLimits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.watchdog.MEMORY_EVERY_SECONDS", 0.05)
    monkeypatch.setattr("media.looking._USUAL_BYTES", 0)
    monkeypatch.setattr("media.samples._PACKET_BYTES", 1)
    capacity, film = Noted(), a_true_film(tmp_path / "tiny.mov", 150_000)
    programs = await find_programs(ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path)
    with pytest.raises((InvalidMedia, LimitExceeded), match=r"decoded|packets in"):
        await validate(Ffmpeg(programs, capacity, bounds=Bounds(reading_bytes=10**9)), film, media_limits)
    assert capacity.wanted == [3 * 150_000 * 36, 3 * 10**9]


async def test_an_index_that_is_compressed_or_struck_out_is_seen_as_ffmpeg_sees_it(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    content = clips.path(Clip.SILENT).read_bytes()
    at = content.rindex(b"moov") - 4
    index = content[at : at + int.from_bytes(content[at : at + 4])]
    struck_out, packed = tmp_path / "struck_out.mov", tmp_path / "packed.mov"
    struck_out.write_bytes(content.replace(index, index.replace(b"moov", b"hoov", 1)))
    packed.write_bytes(content.replace(index, box(b"moov", compressed(index=index))))
    assert check_samples(struck_out) == check_samples(packed) == check_samples(clips.path(Clip.SILENT))
    # Not every ffprobe can unpack.
    assert (await probe(ffmpeg, struck_out)).video.width == 320


def test_an_index_that_unpacks_to_more_than_any_film_has_and_several_of_them_are_refused(tmp_path: Path) -> None:
    film_of = [compressed(index=bytes(2**25)), compressed(track(1)) * 2, compressed(compressed(track(1)))]
    for number, index in enumerate(film_of):
        (tmp_path / f"{number}.mov").write_bytes(film(index))
        with pytest.raises(LimitExceeded, match="index"):
            check_samples(tmp_path / f"{number}.mov")


async def test_a_clip_whose_table_was_forged_is_refused_before_it_is_read(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits, tmp_path: Path
) -> None:
    content = bytearray(clips.path(Clip.SILENT).read_bytes())
    sizes_at = content.index(b"stsz") + 8
    content[sizes_at : sizes_at + 8] = numbers(1, 20_000_000)
    (tmp_path / "forged.mp4").write_bytes(content)
    with pytest.raises(LimitExceeded, match="frames and pieces of sound"):
        await validate(ffmpeg, tmp_path / "forged.mp4", media_limits)


def test_a_look_holds_no_more_than_there_is() -> None:
    assert most_of_each(None) == most_of_each(64 * 1024**3) == 2 * 1024**3
    assert 3 * most_of_each(3 * 1024**3) == 3 * 1024**3
