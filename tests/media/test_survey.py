"""What a look at every packet tells, from the lines that ffprobe prints."""

import tracemalloc
from collections.abc import Iterable

import pytest

from contracts.errors import LimitExceeded
from media.ffmpeg import Ffmpeg
from media.model import PacketSurvey
from media.survey import MOST_PACKETS, Surveyor
from media.validate import probe, survey
from tests.fixtures.clips import Clip, Clips

Packet = tuple[str, str, str, str]
"""Presentation and decoding time, duration, flags, in ffprobe's words."""


def surveyed(packets: Iterable[Packet]) -> PacketSurvey:
    """A stream of packets of 100 bytes each."""
    surveyor = Surveyor()
    for pts, dts, duration, flags in packets:
        surveyor.read_line(f"0,{pts},{dts},{duration},100,{flags}")
    survey = surveyor.survey(0)
    assert survey is not None
    return survey


def read(surveyor: Surveyor, lines: Iterable[str]) -> None:
    for line in lines:
        surveyor.read_line(line)


def frames(count: int, *, every: float = 0.04, keyframes: int = 50, begin: float = 0.0) -> list[Packet]:
    """As they are without reordering."""
    times = [begin + number * every for number in range(count)]
    return [
        (f"{at:.6f}", f"{at:.6f}", f"{every:.6f}", "K__" if number % keyframes == 0 else "___")
        for number, at in enumerate(times)
    ]


def test_a_plain_stream_is_counted_and_measured() -> None:
    survey = surveyed(frames(150, begin=1.0))
    assert (survey.packets, survey.size_bytes) == (150, 15_000)
    assert (survey.first_seconds, survey.last_seconds, survey.end_seconds) == (1.0, 6.96, 7.0)
    assert (survey.starts_with_keyframe, survey.keyframe_gap_seconds) == (True, 2.0)
    assert (survey.in_order, survey.hidden, survey.hole_seconds) == (True, 0, 0.0)
    assert (survey.seconds, survey.rate, survey.bit_rate) == (6.0, 25.0, 20_000.0)


def test_a_flood_of_packets_ends_the_look_long_before_its_end() -> None:
    with pytest.raises(LimitExceeded, match=r"more than \d+ packets in 0\.\d+ s"):
        surveyed(frames(100_000, every=1e-6))
    assert surveyed(frames(40_000, every=1 / 1200)).packets == 40_000, "as TrueHD has them"


def test_one_packet_far_away_makes_no_room_for_any_number_of_others() -> None:
    surveyor = Surveyor(believed_seconds=2)
    surveyor.read_line("1,1000000,1000000,0.02,100,K__")
    lines = ["1,0,0,0.02,1,K__"] * 50_000
    with pytest.raises(LimitExceeded, match="more than 39999 packets in 2 s"):
        read(surveyor, lines)


def test_packets_of_all_tracks_together_are_bounded_and_six_hours_of_the_busiest_are_not_too_many() -> None:
    surveyor = Surveyor(most_packets=100)
    read(surveyor, [f"{number % 4},{number},{number},1,1,K__" for number in range(100)])
    with pytest.raises(LimitExceeded, match="more than 100 packets"):
        surveyor.read_line("0,100,100,1,1,K__")
    assert MOST_PACKETS > 6 * 3600 * (60 + 1200)
    assert MOST_PACKETS > 6 * 3600 * (60 + 16 * 48)


def test_what_is_remembered_of_packets_does_not_grow_with_their_number_where_the_clock_has_jumped() -> None:
    def remembered(lines: Iterable[str]) -> int:
        surveyor = Surveyor(believed_seconds=3600)
        tracemalloc.start()
        try:
            read(surveyor, lines)
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    jumped = ("0,0,0,0.02,1,___" if number else "0,1000000,1000000,0.02,1,___" for number in range(60_000))
    ever_less = (f"0,{number},{-number / 1000},0.02,1,___" for number in range(60_000))
    ever_further = (f"0,{number},{number},0.02,1,K__" for number in range(60_000))
    assert max(map(remembered, (jumped, ever_less, ever_further))) < 400_000, "it were 2 MB and more"


def test_packets_from_before_a_clock_started_anew_are_not_counted_with_those_after_it() -> None:
    assert surveyed([*frames(50), *frames(50)]).most_a_second == 25


def test_a_clock_that_starts_anew_is_counted_and_disorder_is_not() -> None:
    assert surveyed(frames(50)).restarts == 0
    assert surveyed([*frames(50), *frames(50), *frames(50)]).restarts == 2
    survey = surveyed([*frames(50), ("1.8", "1.8", "0.04", "___")])
    assert (survey.in_order, survey.restarts) == (False, 0)


def test_streams_are_told_apart_and_what_is_no_packet_is_passed_over() -> None:
    surveyor = Surveyor()
    for line in ("0,0,0,1,10,K__", "", "side_data,x", "1,5,5,1,20,K__", "nonsense,,,,,,", "0,1,1,1,10,___"):
        surveyor.read_line(line)
    picture, sound = surveyor.survey(0), surveyor.survey(1)
    assert picture is not None
    assert sound is not None
    assert (picture.packets, sound.packets, sound.first_seconds) == (2, 1, 5.0)
    assert surveyor.survey(2) is None


def test_pictures_out_of_order_are_in_order_as_long_as_each_is_decoded_before_it_is_shown() -> None:
    shown = [0.08, 0.20, 0.12, 0.16, 0.32, 0.24, 0.28]
    reordered = surveyed((str(at), str(number * 0.04), "0.04", "___") for number, at in enumerate(shown))
    assert reordered.in_order
    assert (reordered.first_seconds, reordered.last_seconds) == (0.08, 0.32)


@pytest.mark.parametrize(
    "packet",
    [("0.04", "0.04", "0.04", "___"), ("0.12", "0.16", "0.04", "___"), ("N/A", "0.12", "0.04", "___")],
    ids=["not after the last", "shown before it is decoded", "without a time"],
)
def test_times_that_make_no_sense_are_seen(packet: Packet) -> None:
    assert surveyed(frames(3)).in_order
    assert not surveyed([*frames(3), packet]).in_order


def test_matroska_may_leave_out_decoding_times_at_the_start_but_not_later() -> None:
    first = [("0.000000", "N/A", "0.04", "K__"), ("0.160000", "N/A", "0.04", "___")]
    assert surveyed([*first, ("0.080000", "0.040000", "0.04", "___")]).in_order
    assert not surveyed([*frames(3), ("0.200000", "N/A", "0.04", "___")]).in_order


def test_what_an_edit_list_hides_is_counted_and_does_not_begin_the_stream() -> None:
    hidden = [("-0.080000", "-0.080000", "0.04", "KD_"), ("-0.040000", "-0.040000", "0.04", "_D_")]
    survey = surveyed([*hidden, *frames(10)])
    assert (survey.packets, survey.hidden, survey.first_seconds) == (12, 2, 0.0)
    nothing_shown = surveyed(hidden)
    assert (nothing_shown.hidden, nothing_shown.seconds, nothing_shown.rate) == (2, 0.0, None)


def test_the_longest_hole_is_told() -> None:
    survey = surveyed([*frames(10), *frames(10, begin=0.5), *frames(10, begin=3.9)])
    assert survey.hole_seconds == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("packets", "gap"),
    [
        (frames(100, keyframes=1000), 4.0),
        (frames(120, keyframes=50), 2.0),
        (frames(50, keyframes=1000)[1:], 0.0),
    ],
    ids=["to the end", "between", "none at all"],
)
def test_the_longest_way_from_a_keyframe_is_told(packets: list[Packet], gap: float) -> None:
    assert surveyed(packets).keyframe_gap_seconds == pytest.approx(gap)


@pytest.mark.parametrize(
    ("packets", "most"),
    [
        (frames(75), 25),
        ([*frames(25), *frames(60, every=1 / 60, begin=1.0), *frames(25, begin=2.0)], 60),
        ([*frames(25), *frames(31, every=1 / 60, begin=1.0)], 58),
        (frames(1), 1),
    ],
    ids=["steady", "a fast second", "a fast half", "one"],
)
def test_the_fastest_second_is_told(packets: list[Packet], most: int) -> None:
    assert surveyed(packets).most_a_second == most


def test_one_packet_is_a_stream_and_what_ffprobe_does_not_know_counts_as_nothing() -> None:
    one = surveyed([("2.000000", "2.000000", "N/A", "K__")])
    assert (one.first_seconds, one.end_seconds, one.bit_rate, one.rate) == (2.0, 2.0, 0.0, None)
    timeless = surveyed([("N/A", "N/A", "N/A", "K__")])
    assert (timeless.packets, timeless.first_seconds, timeless.in_order) == (1, 0.0, False)


async def test_ffprobes_own_lines_are_understood(ffmpeg: Ffmpeg, clips: Clips) -> None:
    source = clips.path(Clip.H264_B_FRAMES)
    found = await survey(ffmpeg, source, await probe(ffmpeg, source))
    picture, sound = found.video.survey, found.audio[0].survey
    assert picture is not None
    assert sound is not None
    assert (picture.packets, picture.first_seconds, picture.end_seconds) == (50, 0.0, 2.0)
    assert (picture.starts_with_keyframe, picture.keyframe_gap_seconds, picture.most_a_second) == (True, 1.0, 25)
    assert (sound.in_order, sound.hidden, sound.first_seconds) == (True, 1, 0.0)
    assert 0 < picture.size_bytes + sound.size_bytes < source.stat().st_size


def test_keyframes_are_known_and_how_long_before_they_are_shown_they_are_decoded() -> None:
    packets = [("0.0", "-0.5", "0.5", "K__"), ("1.0", "0.0", "0.5", "___"), ("3.0", "0.5", "0.5", "K__")]
    survey = surveyed([*packets, ("3.2", "3.1", "0.5", "K__"), ("3.9", "3.4", "0.5", "K__")])
    assert (survey.keyframes, survey.reorder_seconds) == ((0.0, 3.0, 3.9), 2.5)
