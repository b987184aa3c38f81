"""Why a stream is not copied: for every reason a file that has nothing else against it."""

from typing import Any

import pytest

from media.copying import why_not_copy_picture, why_not_copy_sound
from media.model import MediaProbe
from media.profile import Profile, load_profiles
from tests.media.probing import WEB, a_probe, a_profile, a_survey, a_track, a_video

MOBILE = load_profiles()["mobile"]


@pytest.mark.parametrize(
    ("probe", "why"),
    [
        (a_probe(a_video(codec="hevc")), "it is hevc, not h264"),
        (a_probe(container="avi"), "its container does not hold it the way an MP4 does"),
        (a_probe(a_video(length_prefixed=False)), "its container does not hold it the way an MP4 does"),
        (a_probe(a_video(profile="High 10")), "its H.264 profile is High 10"),
        (a_probe(a_video(profile=None)), "its H.264 profile is unknown"),
        (a_probe(a_video(pixel_format="yuv422p")), "its pixels are yuv422p, not yuv420p"),
        (a_probe(a_video(pixel_format=None)), "its pixels are unknown, not yuv420p"),
        (a_probe(a_video(colour_range="pc")), "its colours are in full range"),
        (a_probe(a_video(colour_transfer="smpte2084")), "its colours are smpte2084, not BT.709"),
        (a_probe(a_video(colour_primaries="bt2020")), "its colours are bt2020, not BT.709"),
        (
            a_probe(a_video(colour_transfer="bt709", colour_primaries="bt2020")),
            "its colours are bt2020, not BT.709",
        ),
        (a_probe(a_video(field_order="tt")), "it is interlaced, or does not say that it is not"),
        (a_probe(a_video(field_order=None)), "it is interlaced, or does not say that it is not"),
        (a_probe(a_video(sample_aspect_ratio=1.5)), "its pixels are not square"),
        (a_probe(a_video(mirrored=True)), "it is to be mirrored"),
        (a_probe(a_video(broken_packets=True)), "some of its packets are damaged"),
        (a_probe(a_video(new_parameters=True)), "its parameter sets change on the way"),
        (a_probe(a_video(width=4096, height=2304)), "it is larger than 2160 pixels"),
        (a_probe(a_video(level=6.0)), "its H.264 level is 6.0, over 5.2"),
        (a_probe(a_video(level=None)), "its H.264 level is unknown, over 5.2"),
        (a_probe(a_video(survey=None)), "its packets could not be looked at"),
        (
            a_probe(a_video(survey=a_survey(size_bytes=50_125_000))),
            "its bit rate is 40.1 Mbit/s, over 40.0",
        ),
        (a_probe(a_video(rate=62.0)), "it has more than 60 frames a second"),
        (a_probe(a_video(survey=a_survey(most_a_second=68))), "it has more than 60 frames a second"),
        (a_probe(a_video(survey=a_survey(in_order=False))), "its timestamps are not in order"),
        (a_probe(a_video(survey=a_survey(hidden=2))), "it is cut in the middle of a group of pictures"),
        (
            a_probe(a_video(survey=a_survey(starts_with_keyframe=False))),
            "it is cut in the middle of a group of pictures",
        ),
        (a_probe(a_video(survey=a_survey(keyframe_gap_seconds=20.1))), "its keyframes are 20.1 s apart"),
        (a_probe(a_video(survey=a_survey(hole_seconds=10.1))), "there are long holes in it"),
        (a_probe(a_video(survey=a_survey(packets=2, seconds=21))), "there are long holes in it"),
        (a_probe(a_video(begin=0.25)), "it begins 0.2 s after the sound"),
    ],
)
def test_a_picture_that_might_not_play_somewhere_is_not_copied(probe: MediaProbe, why: str) -> None:
    assert why_not_copy_picture(probe, WEB, origin_seconds=0.0) == why


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"profile": "Constrained Baseline"},
        {"profile": "Main"},
        {"rotation_degrees": 90},
        {"colour_transfer": "bt709", "colour_range": "tv", "colour_primaries": "smpte170m"},
        {"width": 3840, "height": 2160, "level": 5.2},
        {"rate": 60.0},
        {"begin": 0.2},
        {"survey": a_survey(most_a_second=67)},
    ],
)
@pytest.mark.parametrize("container", ["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"])
def test_a_picture_that_plays_everywhere_is_copied(fields: dict[str, Any], container: str) -> None:
    assert not why_not_copy_picture(a_probe(a_video(**fields), container=container), WEB, origin_seconds=0.0)


@pytest.mark.parametrize(
    ("profile", "fields", "why"),
    [
        (a_profile(max_short_side=1079), {}, "it is larger than 1079 pixels"),
        (a_profile(max_level=4.0), {}, "its H.264 level is 4.1, over 4.0"),
        (a_profile(max_copy_bit_rate=799_999), {}, "its bit rate is 0.8 Mbit/s, over 0.8"),
        (a_profile(max_frame_rate=24.0), {}, "it has more than 24 frames a second"),
        (a_profile(max_keyframe_gap_seconds=1.9), {}, "its keyframes are 2.0 s apart"),
        (MOBILE, {}, "it is larger than 720 pixels"),
        (MOBILE, {"width": 720, "height": 1280}, ""),
        (MOBILE, {"width": 720, "height": 1280, "rate": 60.0}, "it has more than 30 frames a second"),
    ],
)
def test_each_limit_of_a_profile_counts(profile: Profile, fields: dict[str, Any], why: str) -> None:
    assert why_not_copy_picture(a_probe(a_video(**fields)), profile, origin_seconds=0.0) == why


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"codec": "opus"}, "it is opus, not AAC-LC"),
        ({"profile": "HE-AAC"}, "it is aac HE-AAC, not AAC-LC"),
        ({"profile": None}, "it is aac, not AAC-LC"),
        ({"codec": "mp3", "profile": "LC"}, "it is mp3, not AAC-LC"),
        ({"channels": 6}, "it has 6 channels"),
        ({"sample_rate_hertz": 96_000}, "it has 96000 samples a second"),
        ({"survey": None}, "its packets could not be looked at"),
        ({"survey": a_survey(in_order=False)}, "there are holes in it, or its timestamps are not in order"),
        ({"survey": a_survey(hole_seconds=0.06)}, "there are holes in it, or its timestamps are not in order"),
        ({"begin": 0.16}, "it begins 0.2 s after the picture"),
        ({}, ""),
        ({"channels": 1, "sample_rate_hertz": 22_050, "begin": 0.1}, ""),
    ],
)
def test_sound_is_copied_only_where_it_plays_everywhere(fields: dict[str, Any], why: str) -> None:
    track = a_track(**fields)
    assert why_not_copy_sound(a_probe(None, track), track, WEB, origin_seconds=0.0) == why


@pytest.mark.parametrize(
    ("profile", "container", "why"),
    [
        (WEB, "mpegts", "its container does not hold it the way an MP4 does"),
        (a_profile(audio_channels=1), "mov", "it has 2 channels"),
        (MOBILE, "mov", "the profile brings it to -16 LUFS"),
    ],
)
def test_container_and_profile_count_for_sound_too(profile: Profile, container: str, why: str) -> None:
    track = a_track()
    assert why_not_copy_sound(a_probe(None, track, container=container), track, profile, origin_seconds=0.0) == why
