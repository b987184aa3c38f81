"""How many frames a second an encoded picture has."""

import pytest

from media.frame_rate import output_frame_rate
from tests.media.probing import a_survey, a_video

NTSC = 30000 / 1001


@pytest.mark.parametrize(
    ("average", "grid", "busiest", "chosen"),
    [
        (25.0, 25.0, 25, 25.0),
        (NTSC, NTSC, 30, NTSC),
        (50.0, 50.0, 50, 50.0),
        (0.1, 0.1, 1, 1.0),
        (29.8, 30.0, 30, 30.0),
        (1.2, 30.0, 30, 30.0),
        (33.0, 600.0, 60, 60000 / 1001),
        (38.0, 600.0, 240, 60000 / 1001),
        (25.0, 50.0, 25, 25.0),
        (25.0, 50.0, 50, 50.0),
        (25.0, 24.0, 25, 25.0),
        (NTSC, 1000.0, 30, NTSC),
        (48.0, 90_000.0, 48, 50.0),
        (23.976, 90_000.0, 24, 24000 / 1001),
        (240.0, 240.0, 240, 60.0),
        (120.0, 120.0, 120, 60.0),
        (100.0, 100.0, 100, 50.0),
        (59.94, 59.94, 60, 59.94),
        (None, 1000.0, 25, 25.0),
    ],
)
def test_it_is_constant_and_the_sources_own_where_that_makes_sense(
    average: float | None, grid: float, busiest: int, chosen: float
) -> None:
    survey = a_survey(most_a_second=busiest)
    video = a_video(frame_rate=average, base_frame_rate=grid, survey=survey)
    assert output_frame_rate(video, at_most=60.0) == pytest.approx(chosen)


@pytest.mark.parametrize(("average", "grid", "chosen"), [(25.0, 25.0, 25.0), (None, 12.5, 15.0), (None, None, 30.0)])
def test_without_packets_the_header_is_believed(average: float | None, grid: float | None, chosen: float) -> None:
    video = a_video(frame_rate=average, base_frame_rate=grid, survey=None)
    assert output_frame_rate(video, at_most=60.0) == chosen


@pytest.mark.parametrize(
    ("rate", "at_most", "chosen"), [(60.0, 30.0, 30.0), (59.94, 30.0, NTSC), (50.0, 30.0, 25.0), (25.0, 20.0, 15.0)]
)
def test_a_rate_over_the_profiles_is_divided_so_that_frames_stay_evenly_spaced(
    rate: float, at_most: float, chosen: float
) -> None:
    video = a_video(rate=rate)
    assert output_frame_rate(video, at_most) == pytest.approx(chosen, rel=0.001)


def test_a_few_fast_frames_do_not_make_a_million_of_sixty() -> None:
    video = a_video(
        frame_rate=62 / 21_501,
        base_frame_rate=60.0,
        survey=a_survey(seconds=21_501, packets=62, most_a_second=60),
    )
    assert output_frame_rate(video, at_most=60.0) == 1.0
