"""From ffprobe's words to ours. The files in ``probes`` are what ffprobe says of clips in ``tests.fixtures.clips``."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Encrypted, InvalidMedia, NoVideoStream, UnsupportedCodec, VideoError
from media.model import OtherStream, VideoStream
from media.probe import parse_probe

PROBES = Path(__file__).parent / "probes"


def _probe_text(name: str) -> str:
    return (PROBES / f"{name}.json").read_text()


def _with(**fields: Any) -> VideoStream:
    """The picture of a file whose first stream says this."""
    told = json.loads(_probe_text("rotated"))
    told["streams"][0] |= fields
    return parse_probe(json.dumps(told)).video


def test_a_picture_to_be_turned_is_displayed_upright() -> None:
    video = parse_probe(_probe_text("rotated")).video
    assert (video.width, video.height, video.rotation_degrees) == (320, 240, 270)
    assert video.display_size == (240, 320)


def test_pixels_that_are_not_square_widen_the_display() -> None:
    video = parse_probe(_probe_text("non_square")).video
    assert (video.width, video.sample_aspect_ratio, video.display_size) == (320, 2.0, (640, 240))


def test_every_sound_track_is_told_with_the_default_marked() -> None:
    probe = parse_probe(_probe_text("ten_bit_422"))
    assert probe.video.pixel_format == "yuv422p10le"
    assert [(track.index, track.channels, track.is_default) for track in probe.audio] == [
        (1, 1, False),
        (2, 1, True),
        (3, 1, False),
    ]
    assert {track.sample_rate_hertz for track in probe.audio} == {48000}


def test_a_stream_that_begins_late_says_so() -> None:
    probe = parse_probe(_probe_text("late_picture"))
    assert (probe.video.start_seconds, probe.video.duration_seconds) == (1.0, 2.0)
    assert probe.duration_seconds == 3.0
    assert probe.video.frame_rate == 25.0


@pytest.mark.parametrize("name", ["audio_only", "cover_art_audio"])
def test_a_file_without_a_moving_picture_is_no_video(name: str) -> None:
    with pytest.raises(NoVideoStream):
        parse_probe(_probe_text(name))


def test_a_codec_without_a_name_is_unsupported() -> None:
    with pytest.raises(UnsupportedCodec, match="zzzz"):
        parse_probe(_probe_text("unknown_fourcc"))


def test_a_picture_without_a_size_is_invalid() -> None:
    with pytest.raises(InvalidMedia):
        _with(width=0)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"streams": [], "format": {"format_name": "avi"}}'])
def test_what_is_not_a_probe_of_streams_is_invalid(text: str) -> None:
    with pytest.raises(InvalidMedia):
        parse_probe(text)


@pytest.mark.parametrize(
    ("anticlockwise", "clockwise"), [(-90, 90), (90, 270), (180, 180), (-180, 180), (-89.6, 90), (45, 0), (359.7, 0)]
)
def test_rotation_is_a_quarter_turn_or_none(anticlockwise: float, clockwise: int) -> None:
    assert _with(side_data_list=[{}, {"rotation": anticlockwise}]).rotation_degrees == clockwise


@pytest.mark.parametrize("ratio", ["0:1", "1:0", "N/A", "", "-1:2"])
def test_an_aspect_ratio_that_makes_no_sense_is_one(ratio: str) -> None:
    assert _with(sample_aspect_ratio=ratio).sample_aspect_ratio == 1.0


ONE = 65536


@pytest.mark.parametrize(
    ("matrix", "mirrored"),
    [
        ((ONE, 0, 0, ONE), False),
        ((0, ONE, -ONE, 0), False),
        ((-ONE, 0, 0, -ONE), False),
        ((0, -ONE, ONE, 0), False),
        ((-ONE, 0, 0, ONE), True),
        ((ONE, 0, 0, -ONE), True),
        ((0, ONE, ONE, 0), True),
        ((0, 0, 0, 0), False),
    ],
)
def test_a_matrix_that_turns_the_picture_over_mirrors_it(matrix: tuple[int, int, int, int], mirrored: bool) -> None:
    a, b, c, d = matrix
    rows = f"\n00000000: {a:11} {b:11} 0\n00000001: {c:11} {d:11} 0\n00000002: 0 0 1073741824\n"
    assert _with(side_data_list=[{"displaymatrix": rows, "rotation": 0}]).mirrored is mirrored


def test_a_matrix_that_can_not_be_read_mirrors_nothing() -> None:
    for matrix in ("", "nonsense", "00000000: 1\n00000001: 2 3 4\n"):
        assert not _with(side_data_list=[{"displaymatrix": matrix}]).mirrored


@pytest.mark.parametrize(
    "fields", [{"codec_tag_string": "encv"}, {"codec_tag_string": "DRMS"}, {"tags": {"enc_key_id": "bm9uc2Vuc2U="}}]
)
def test_a_stream_that_needs_a_key_is_told_as_encrypted_whatever_else_is_there(fields: dict[str, object]) -> None:
    told = json.loads(_probe_text("ten_bit_422"))
    told["streams"][-1] |= fields
    with pytest.raises(Encrypted, match="copy protection"):
        parse_probe(json.dumps(told))


def test_what_ffprobe_does_not_know_is_none() -> None:
    video = _with(
        pix_fmt="unknown",
        field_order="unknown",
        color_space="unspecified",
        color_transfer="reserved",
        level=-99,
        avg_frame_rate="0/0",
        r_frame_rate="90000/1",
        start_time="N/A",
    )
    assert (video.pixel_format, video.field_order, video.colour_matrix, video.colour_transfer) == (None,) * 4
    assert (video.level, video.frame_rate, video.base_frame_rate, video.start_seconds) == (None, None, 90_000, 0)


def test_what_decides_on_copying_is_told() -> None:
    video = _with(level=41, is_avc="true", profile="High", color_range="pc", color_primaries="bt2020", field_order="tt")
    assert (video.level, video.length_prefixed, video.profile) == (4.1, True, "High")
    assert (video.colour_range, video.colour_primaries, video.is_interlaced) == ("pc", "bt2020", True)


@pytest.mark.parametrize(
    ("tags", "film"),
    [
        ({"DURATION": "00:00:00.040000000"}, 1),
        ({"DURATION-eng": "00:00:00.040000000"}, 1),
        ({"DURATION": "nonsense"}, 0),
        ({"DURATION": "1:nan:2"}, 0),
        ({}, 0),
    ],
)
def test_the_film_is_not_a_track_that_is_much_shorter_than_another(tags: dict[str, str], film: int) -> None:
    picture = json.loads(_probe_text("rotated"))["streams"][0] | {"duration": "61.5"}
    tracks = [{**picture, "index": 0, "tags": tags}, {**picture, "index": 1, "tags": {"DURATION": "00:01:01.5"}}]
    assert parse_probe(json.dumps({"streams": tracks, "format": {"format_name": "matroska"}})).video.index == film


def test_all_that_is_neither_the_picture_nor_sound_is_told_by_its_kind() -> None:
    picture = json.loads(_probe_text("rotated"))["streams"][0]
    cover = {**picture, "index": 0, "codec_name": "mjpeg", "disposition": {"attached_pic": 1}}
    others = [
        {"index": 2, "codec_type": "subtitle", "codec_name": "mov_text"},
        {"index": 3, "codec_type": "data", "codec_name": "bin_data"},
        {"index": 4},
        {**picture, "index": 5},
        {"index": 6, "codec_type": "audio", "codec_name": "aac", "channels": 0, "sample_rate": "48000"},
    ]
    told = {"streams": [cover, {**picture, "index": 1}, *others], "format": {"format_name": "mov"}}
    probe = parse_probe(json.dumps(told))
    assert (probe.video.index, probe.audio) == (1, ())
    assert probe.others == (
        OtherStream(0, "cover", "mjpeg"),
        OtherStream(2, "subtitle", "mov_text"),
        OtherStream(3, "data", "bin_data"),
        OtherStream(4, "data", "unknown"),
        OtherStream(5, "picture", picture["codec_name"]),
        OtherStream(6, "sound", "aac"),
    )


@given(
    field=st.sampled_from(
        ["duration", "start_time", "avg_frame_rate", "width", "codec_name", "level", "sample_rate", "is_avc"]
    ),
    value=st.one_of(st.text(max_size=8), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none()),
)
def test_whatever_a_file_claims_ends_in_a_probe_or_in_our_error(field: str, value: object) -> None:
    told = json.loads(_probe_text("ten_bit_422"))
    for stream in told["streams"]:
        stream[field] = value
    try:
        probe = parse_probe(json.dumps(told))
    except VideoError:
        return
    assert probe.video.width > 0
