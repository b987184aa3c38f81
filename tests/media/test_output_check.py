"""An output is held against its plan."""

from typing import Any

import pytest

from contracts.errors import OutputMismatch
from media.model import MediaProbe, OtherStream
from media.output_check import check_streams, check_times
from media.planning import plan
from tests.media.probing import WEB, a_probe, a_survey, a_track, a_video

SOURCE = a_probe(a_video(begin=0.1), a_track())
PLAN = plan(SOURCE, WEB)
PACKETS = (250, 469)


def test_an_output_like_its_plan_passes() -> None:
    check_streams(PLAN, SOURCE)
    check_times(PLAN, SOURCE, PACKETS)
    check_times(PLAN, SOURCE, (250, None))


@pytest.mark.parametrize(
    ("output", "what"),
    [
        (a_probe(a_video(codec="hevc"), a_track()), "codec of the picture is hevc instead of h264"),
        (a_probe(a_video(pixel_format="yuv444p"), a_track()), "pixel format"),
        (a_probe(a_video(width=1280), a_track()), "size of the picture is 1280x1080 instead of 1920x1080"),
        (a_probe(a_video(width=1080, height=1920, rotation_degrees=90), a_track()), "rotation is 90 instead of 0"),
        (a_probe(a_video(width=960, sample_aspect_ratio=2.0), a_track()), "pixel aspect ratio"),
        (a_probe(), "number of sound tracks is 0 instead of 1"),
        (a_probe(None, a_track(), a_track(index=2)), "number of sound tracks is 2 instead of 1"),
        (a_probe(None, a_track(), others=[OtherStream(2, "data", "bin_data")]), "number of other streams"),
        (a_probe(None, a_track(codec="mp3")), "codec of the sound"),
        (a_probe(None, a_track(channels=1)), "channels"),
        (a_probe(None, a_track(sample_rate_hertz=44_100)), "sample rate"),
    ],
)
def test_an_output_unlike_its_plan_is_named(output: MediaProbe, what: str) -> None:
    with pytest.raises(OutputMismatch, match=what):
        check_streams(PLAN, output)


@pytest.mark.parametrize(
    ("picture", "track", "what"),
    [
        ({"survey": None}, {}, "picture has no packets"),
        ({"survey": a_survey(begin=0.1, in_order=False)}, {}, "picture has no packets, or they are not in order"),
        ({"survey": a_survey(begin=0.1, starts_with_keyframe=False)}, {}, "picture has no packets"),
        ({"survey": a_survey(begin=0.1, packets=249)}, {}, "picture has 249 packets instead of 250"),
        ({"survey": a_survey(begin=0.15)}, {}, r"picture begins at 0\.150 s instead of 0\.100 s"),
        ({}, {"begin": 0.05}, r"sound begins at 0\.050 s instead of 0\.000 s"),
        ({}, {"survey": a_survey(packets=468)}, "sound has 468 packets instead of 469"),
        ({"survey": a_survey(begin=0.1, seconds=9.4)}, {}, r"picture is 9\.4 s long instead of 10\.0 s"),
        ({"survey": a_survey(begin=0.1, seconds=10.6)}, {}, r"picture is 10\.6 s long instead of 10\.0 s"),
    ],
)
def test_times_unlike_the_plans_are_named(picture: dict[str, Any], track: dict[str, Any], what: str) -> None:
    output = a_probe(a_video(**{"begin": 0.1, **picture}), a_track(**track))
    with pytest.raises(OutputMismatch, match=what):
        check_times(PLAN, output, PACKETS)


@pytest.mark.parametrize(("planned", "came_out"), [(10, 9.51), (10, 10.49), (200, 199.6), (0.4, 0.04)])
def test_a_length_within_half_a_second_passes(planned: float, came_out: float) -> None:
    output = a_probe(a_video(survey=a_survey(seconds=came_out)))
    check_times(plan(a_probe(a_video(seconds=planned)), WEB), output, (250, None))
