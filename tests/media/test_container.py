"""Files that are cut off are seen from their outermost structure."""

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvalidMedia
from media.container import check_complete, declared_duration, has_encrypted_track, has_index_in_front
from tests.fixtures.clips import Clip, Clips


def _box(kind: bytes, content: bytes = b"", *, size: int | None = None) -> bytes:
    return struct.pack(">I4s", 8 + len(content) if size is None else size, kind) + content


def _riff(size: int, content: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", size) + content


HEAD = _box(b"ftyp", b"isom\0\0\0\0")
AVI = b"AVI " + b"\0" * 92


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize(
    "content",
    [
        HEAD + _box(b"moov") + _box(b"mdat", b"12345678"),
        HEAD + _box(b"mdat", b"12345678") + _box(b"moov"),
        HEAD + _box(b"moov") + _box(b"mdat", b"until the end", size=0),
        HEAD + _box(b"moov") + _box(b"mdat", struct.pack(">Q", 24) + b"12345678", size=1),
        HEAD + _box(b"moov") + _box(b"mdat", b"12345678") + b"\0\0\0\0trailing bytes of a camera",
        HEAD + _box(b"moov") + _box(b"mdat", b"12345678") + b"\xff" * 5,
        HEAD + _box(b"moof") + _box(b"mdat", b"12345678") + _box(b"moof") + _box(b"mdat", b"1"),
        HEAD + _box(b"moov") + _box(b"mdat", b"12345678") + _box(b"free", size=5000),
        HEAD + _box(b"moov") + _box(b"mdat", b"12345678") + _box(b"free", struct.pack(">Q", 2**64 - 1), size=1),
        _box(b"wide") + _box(b"mdat", b"1") + _box(b"moov"),
        _riff(len(AVI), AVI),
        _riff(0, AVI),
        _riff(0xFFFFFFFF, AVI),
        _riff(len(AVI), AVI) + _riff(4, b"AVIX"),
        _riff(len(AVI) + 8, AVI),
        b"neither of them",
    ],
)
def test_a_file_with_all_its_bytes_passes(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    check_complete(file)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (HEAD + _box(b"moov") + _box(b"mdat", b"1234", size=5000), "4.9 KiB of at least 4.9 KiB are missing"),
        (HEAD + _box(b"mdat", b"1234") + _box(b"moov", b"1234", size=5000), "ends early"),
        (HEAD + _box(b"mdat", b"1234"), "index .moov. is missing"),
        (HEAD + _box(b"moov", b"1234"), "none of the pictures"),
        (HEAD + _box(b"moov") + _box(b"mdat", struct.pack(">Q", 2**40), size=1), "ends early"),
        (b"\x1a\x45\xdf\xa3\x02\x10\x00\x00\x00\x00\x00", "of at least 16384.0 GiB are missing"),
        (_riff(len(AVI) * 2, AVI), "ends early"),
        (_riff(len(AVI), AVI) + _riff(5000, b"AVIX"), "ends early"),
    ],
)
def test_a_file_that_ends_early_is_refused_and_told_so(file: Path, content: bytes, why: str) -> None:
    file.write_bytes(content)
    with pytest.raises(InvalidMedia, match=why):
        check_complete(file)


def test_every_clip_that_ends_early_is_seen(clips: Clips) -> None:
    for name in (Clip.TRUNCATED_NO_MOOV, Clip.TRUNCATED_FASTSTART, Clip.TRUNCATED_AVI, Clip.TRUNCATED_MKV):
        with pytest.raises(InvalidMedia, match="ends early"):
            check_complete(clips.path(name))


def test_a_file_of_countless_boxes_is_not_walked_to_its_end(file: Path) -> None:
    file.write_bytes(HEAD + _box(b"moov") + _box(b"mdat") + _box(b"free") * 200_000)
    check_complete(file)


@given(
    start=st.sampled_from(
        [b"", HEAD, _box(b"moov"), b"RIFF", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67"]
    ),
    rest=st.binary(max_size=80),
)
def test_no_bytes_make_it_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, start: bytes, rest: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any_bytes"
    file.write_bytes(start + rest)
    declared_duration(file)
    has_encrypted_track(file)
    has_index_in_front(file)
    with contextlib.suppress(InvalidMedia):
        check_complete(file)


def test_the_index_is_in_front_only_before_the_pictures(file: Path) -> None:
    file.write_bytes(HEAD + _box(b"moov") + _box(b"mdat"))
    assert has_index_in_front(file)
    file.write_bytes(HEAD + _box(b"mdat") + _box(b"moov"))
    assert not has_index_in_front(file)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (struct.pack(">I2III", 0, 0, 0, 600, 1500), 2.5),
        (struct.pack(">I2QIQ", 1 << 24, 0, 0, 600, 1500), 2.5),
        (struct.pack(">I2III", 0, 0, 0, 600, 0xFFFFFFFF), 0),
        (struct.pack(">I2III", 0, 0, 0, 0, 1500), 0),
        (b"\0" * 8, 0),
    ],
)
def test_the_header_tells_the_length_or_nothing(file: Path, header: bytes, seconds: float) -> None:
    file.write_bytes(HEAD + _box(b"moov", _box(b"free") + _box(b"mvhd", header)))
    assert declared_duration(file) == seconds


def test_the_header_of_a_file_in_fragments_is_not_believed(file: Path) -> None:
    header = _box(b"mvhd", struct.pack(">I2III", 0, 0, 0, 600, 1500))
    file.write_bytes(HEAD + _box(b"moov", header + _box(b"mvex")))
    assert declared_duration(file) == 0


def test_an_encrypted_track_is_seen_among_others(file: Path) -> None:
    def track(entry: bytes) -> bytes:
        sample_table = _box(b"stbl", _box(b"stts") + _box(b"stsd", bytes(8) + _box(entry, bytes(70))))
        return _box(b"trak", _box(b"tkhd") + _box(b"mdia", _box(b"minf", sample_table)))

    file.write_bytes(HEAD + _box(b"moov", track(b"avc1") + track(b"mp4a")))
    assert not has_encrypted_track(file)
    file.write_bytes(HEAD + _box(b"moov", track(b"avc1") + track(b"enca")))
    assert has_encrypted_track(file)
