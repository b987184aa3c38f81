"""From ffprobe's words to ours. The files in ``probes`` are what ffprobe says of clips in ``tests.fixtures.clips``."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvalidMedia, NoVideoStream, UnsupportedCodec, VideoError
from media.probe import parse_probe

PROBES = Path(__file__).parent / "probes"


def _probe_text(name: str) -> str:
    return (PROBES / f"{name}.json").read_text()


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
    told = json.loads(_probe_text("rotated"))
    told["streams"][0]["width"] = 0
    with pytest.raises(InvalidMedia):
        parse_probe(json.dumps(told))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"streams": [], "format": {"format_name": "avi"}}'])
def test_what_is_not_a_probe_of_streams_is_invalid(text: str) -> None:
    with pytest.raises(InvalidMedia):
        parse_probe(text)


@pytest.mark.parametrize(
    ("anticlockwise", "clockwise"), [(-90, 90), (90, 270), (180, 180), (-180, 180), (-89.6, 90), (45, 0), (359.7, 0)]
)
def test_rotation_is_a_quarter_turn_or_none(anticlockwise: float, clockwise: int) -> None:
    told = json.loads(_probe_text("rotated"))
    told["streams"][0]["side_data_list"] = [{}, {"rotation": anticlockwise}]
    assert parse_probe(json.dumps(told)).video.rotation_degrees == clockwise


@pytest.mark.parametrize("ratio", ["0:1", "1:0", "N/A", "", "-1:2"])
def test_an_aspect_ratio_that_makes_no_sense_is_one(ratio: str) -> None:
    told = json.loads(_probe_text("rotated"))
    told["streams"][0]["sample_aspect_ratio"] = ratio
    assert parse_probe(json.dumps(told)).video.sample_aspect_ratio == 1.0


@given(
    field=st.sampled_from(
        ["duration", "start_time", "avg_frame_rate", "width", "codec_name", "rotation", "sample_rate"]
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
