"""What is decided from a probe."""

from dataclasses import replace

import pytest

from contracts.errors import InvalidMedia, LimitExceeded, OutputMismatch
from media.model import MediaProbe
from media.output_check import check_duration, check_streams
from media.plan import MediaLimits, check_limits, plan_thumbnail, plan_transcode
from media.profile import PROFILES
from tests.media.probing import a_probe, a_track, a_video

WEB = PROFILES["web"]
LIMITS = MediaLimits(max_duration_seconds=60, max_pixels=1920 * 1080)


@pytest.mark.parametrize(
    ("stored", "rotation", "aspect", "planned"),
    [
        ((1920, 1080), 0, 1.0, (1920, 1080)),
        ((1920, 1080), 90, 1.0, (1080, 1920)),
        ((1920, 1080), 180, 1.0, (1920, 1080)),
        ((720, 576), 0, 64 / 45, (1024, 576)),
        ((720, 576), 270, 64 / 45, (576, 1024)),
        ((321, 241), 0, 1.0, (320, 240)),
        ((1, 1), 0, 1.0, (2, 2)),
    ],
)
def test_the_output_is_upright_in_square_pixels_and_even(
    stored: tuple[int, int], rotation: int, aspect: float, planned: tuple[int, int]
) -> None:
    video = a_video(width=stored[0], height=stored[1], rotation_degrees=rotation, sample_aspect_ratio=aspect)
    plan = plan_transcode(a_probe(video), WEB)
    assert (plan.width, plan.height) == planned


def test_a_silent_film_stays_silent() -> None:
    assert plan_transcode(a_probe(), WEB).audio_index is None


def test_the_default_track_is_heard_and_else_the_first() -> None:
    first, second = a_track(index=1), a_track(index=2, is_default=True)
    assert plan_transcode(a_probe(None, first, second), WEB).audio_index == 2
    assert plan_transcode(a_probe(None, first, a_track(index=3)), WEB).audio_index == 1


@pytest.mark.parametrize(("channels", "planned", "bit_rate"), [(1, 1, 64_000), (2, 2, 128_000), (6, 2, 128_000)])
def test_sound_is_mono_or_stereo(channels: int, planned: int, bit_rate: int) -> None:
    plan = plan_transcode(a_probe(None, a_track(channels=channels)), WEB)
    assert (plan.audio_channels, plan.audio_bit_rate) == (planned, bit_rate)


@pytest.mark.parametrize(("rate", "planned"), [(44_100, 44_100), (48_000, 48_000), (96_000, 48_000), (8_000, 48_000)])
def test_sound_has_a_rate_that_every_player_takes(rate: int, planned: int) -> None:
    plan = plan_transcode(a_probe(None, a_track(sample_rate_hertz=rate)), WEB)
    assert plan.audio_sample_rate_hertz == planned


def test_the_length_is_that_of_the_streams_that_are_taken() -> None:
    probe = a_probe(
        a_video(duration_seconds=2, start_seconds=1),
        a_track(duration_seconds=2.5, is_default=True),
        a_track(index=2, duration_seconds=9),
        duration_seconds=9,
    )
    assert plan_transcode(probe, WEB).duration_seconds == 3.0


def test_the_length_is_the_containers_where_a_stream_has_none() -> None:
    probe = a_probe(a_video(duration_seconds=None), a_track(), duration_seconds=12)
    assert plan_transcode(probe, WEB).duration_seconds == 12


@pytest.mark.parametrize(
    ("average", "grid", "planned"),
    [
        (25.0, 25.0, 25.0),
        (30000 / 1001, 30000 / 1001, 30000 / 1001),
        (29.8, 30.0, 30.0),
        (6.9, 25.0, 25.0),
        (25.0, 50.0, 25.0),
        (29.97, 1000.0, 30000 / 1001),
        (None, 1000.0, 30.0),
        (None, None, 30.0),
        (48.0, 90000.0, 50.0),
        (240.0, 240.0, 60.0),
        (0.1, 0.1, 1.0),
    ],
)
def test_the_frame_rate_is_constant_and_the_sources_own_where_that_makes_sense(
    average: float | None, grid: float | None, planned: float
) -> None:
    plan = plan_transcode(a_probe(a_video(frame_rate=average, base_frame_rate=grid)), WEB)
    assert plan.frame_rate == pytest.approx(planned)


def test_only_a_length_that_the_header_declares_is_where_the_output_is_cut() -> None:
    assert plan_transcode(a_probe(), WEB).longest_seconds is None
    declared = replace(a_probe(duration_seconds=20), declared_seconds=20)
    assert plan_transcode(declared, WEB).longest_seconds == pytest.approx(20.1)


@pytest.mark.parametrize(("duration", "at_seconds"), [(10.0, 1.0), (1.0, 0.5), (0.5, 0.25), (None, 1.0)])
def test_the_thumbnail_is_at_one_second_or_in_the_middle(duration: float | None, at_seconds: float) -> None:
    probe = a_probe(a_video(duration_seconds=duration), duration_seconds=duration or 0)
    assert plan_thumbnail(probe, WEB).at_seconds == at_seconds


@pytest.mark.parametrize(
    ("width", "height", "rotation", "planned"),
    [
        (3840, 2160, 0, (1280, 720)),
        (1920, 1080, 90, (1080, 1920)),
        (320, 240, 0, (320, 240)),
        (8000, 1, 0, (1280, 1)),
    ],
)
def test_the_thumbnail_is_no_wider_than_the_profile_says_and_never_enlarged(
    width: int, height: int, rotation: int, planned: tuple[int, int]
) -> None:
    plan = plan_thumbnail(a_probe(a_video(width=width, height=height, rotation_degrees=rotation)), WEB)
    assert (plan.width, plan.height) == planned


def test_what_is_just_within_the_limits_is_accepted() -> None:
    check_limits(a_probe(duration_seconds=60), LIMITS)


def test_a_video_that_is_too_long_is_refused_with_both_lengths() -> None:
    with pytest.raises(LimitExceeded, match=r"1:01:05 long; at most 0:01:00"):
        check_limits(a_probe(duration_seconds=3665), LIMITS)


@pytest.mark.parametrize(
    ("width", "height", "aspect"), [(1922, 1080, 1.0), (1920, 1080, 2.0), (20_000, 10, 1.0), (100, 100, 1000.0)]
)
def test_a_picture_that_is_too_large_as_stored_or_as_displayed_is_refused(
    width: int, height: int, aspect: float
) -> None:
    with pytest.raises(LimitExceeded, match="pixels"):
        check_limits(a_probe(a_video(width=width, height=height, sample_aspect_ratio=aspect)), LIMITS)


def test_an_output_like_its_plan_passes() -> None:
    source = a_probe(None, a_track())
    check_streams(plan_transcode(source, WEB), source)


@pytest.mark.parametrize(
    ("output", "what"),
    [
        (a_probe(a_video(width=1280), a_track()), "size of the picture is 1280x1080 instead of 1920x1080"),
        (a_probe(a_video(rotation_degrees=90), a_track()), "rotation"),
        (a_probe(a_video(sample_aspect_ratio=2.0), a_track()), "aspect"),
        (a_probe(a_video()), "number of sound tracks is 0 instead of 1"),
        (a_probe(a_video(), a_track(channels=1)), "channels"),
        (a_probe(a_video(), a_track(sample_rate_hertz=44_100)), "sample rate"),
    ],
)
def test_an_output_unlike_its_plan_is_named(output: MediaProbe, what: str) -> None:
    plan = plan_transcode(a_probe(None, a_track()), WEB)
    with pytest.raises(OutputMismatch, match=what):
        check_streams(plan, output)


@pytest.mark.parametrize(("planned", "output"), [(10, 9.51), (10, 10.49), (200, 198.1), (0, 3)])
def test_a_length_within_half_a_second_or_one_percent_passes(planned: float, output: float) -> None:
    source = a_probe(a_video(duration_seconds=planned), duration_seconds=planned)
    check_duration(plan_transcode(source, WEB), output, source)


def test_an_output_that_is_too_short_means_that_the_source_was_cut() -> None:
    source = a_probe()
    with pytest.raises(InvalidMedia, match=r"promises 10\.0 s and holds 4\.0 s"):
        check_duration(plan_transcode(source, WEB), 4.0, source)


def test_an_output_that_is_too_long_or_has_no_length_is_a_mismatch() -> None:
    source = a_probe()
    for seconds in (12.0, 0.0):
        with pytest.raises(OutputMismatch):
            check_duration(plan_transcode(source, WEB), seconds, source)


def test_the_longer_of_two_lengths_that_a_source_tells_is_not_held_against_the_output() -> None:
    source = a_probe(a_video(duration_seconds=5), duration_seconds=20)
    check_duration(plan_transcode(source, WEB), 20.0, source)
