"""What is too long, too large or too dear, known before any of it is decoded."""

from typing import Any

import pytest

from contracts.errors import InvalidMedia, LimitExceeded, VideoError
from media.ffmpeg import Ffmpeg
from media.limits import MAX_SIDE, MediaLimits, bounded, check_limits, check_price
from media.model import MediaProbe
from media.planning import plan
from media.profile import load_profiles
from media.validate import validate
from tests.fixtures.clips import Clip, Clips
from tests.media.probing import WEB, a_probe, a_profile, a_survey, a_track, a_video

LIMITS = MediaLimits(
    max_duration_seconds=60, max_pixels=1920 * 1080, max_encoded_pixels=1920 * 1080 * 25 * 60, max_frame_rate=1000
)


def test_what_is_just_within_the_limits_is_accepted() -> None:
    longest = a_probe(a_video(seconds=60, codec="hevc"))
    check_limits(longest, LIMITS)
    check_price(plan(longest, WEB), LIMITS)


@pytest.mark.parametrize(
    "probe",
    [
        a_probe(duration_seconds=3665),
        a_probe(a_video(duration_seconds=3665), duration_seconds=10),
        a_probe(a_video(survey=a_survey(seconds=3665))),
        a_probe(a_video(seconds=10), a_track(survey=a_survey(seconds=3665, packets=200_000)), duration_seconds=10),
        a_probe(a_video(seconds=10), a_track(seconds=10, begin=-3655), duration_seconds=10),
    ],
    ids=["container", "stream", "packets", "packets of the sound", "sound that begins long before"],
)
def test_a_video_that_is_too_long_by_any_account_is_refused_with_both_lengths(probe: MediaProbe) -> None:
    with pytest.raises(LimitExceeded, match=r"1:01:05 long; at most 0:01:00"):
        check_limits(probe, LIMITS)


def test_sound_may_go_on_for_as_long_as_a_video_may_be_after_one_picture() -> None:
    talk = a_probe(a_video(seconds=1, rate=1.0, codec="mjpeg"), a_track(seconds=60))
    check_limits(talk, LIMITS)
    decided = plan(talk, WEB)
    check_price(decided, LIMITS)
    assert decided.duration_seconds == 60


@pytest.mark.parametrize(
    "fields",
    [
        {"width": 1922},
        {"sample_aspect_ratio": 2.0},
        {"width": MAX_SIDE + 2, "height": 10},
        {"width": 10, "height": MAX_SIDE + 2},
        {"width": 100, "height": 100, "sample_aspect_ratio": 1000.0},
    ],
)
def test_a_picture_that_is_too_large_as_stored_or_as_displayed_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(LimitExceeded, match=r"picture is \d+x\d+ pixels; at most 2073600"):
        check_limits(a_probe(a_video(**fields)), LIMITS)


@pytest.mark.parametrize(("aspect", "error"), [(1 / 1000, InvalidMedia), (1000.0, LimitExceeded)])
def test_a_shape_that_nobody_can_see_is_refused(aspect: float, error: type[VideoError]) -> None:
    with pytest.raises(error, match="picture"):
        check_limits(a_probe(a_video(width=160, height=120, sample_aspect_ratio=aspect)), LIMITS)


@pytest.mark.parametrize(
    ("packets", "seconds", "pixels", "why"),
    [
        (40_000, 1.0, 640 * 360, r"40000 frames in 1 s; at most 1000 a second"),
        (59_999, 60.0, 1920 * 1080, r"59999 frames of 2073600 pixels, 1\.2e\+11 pixels in all; at most 3\.1e\+10"),
        (1001, 0.001, 640 * 360, r"1001 frames in 0\.001 s"),
    ],
)
def test_frames_that_take_minutes_to_decode_are_refused_however_short_and_small_the_file(
    packets: int, seconds: float, pixels: int, why: str
) -> None:
    survey = a_survey(seconds=seconds, packets=packets, most_a_second=packets)
    with pytest.raises(LimitExceeded, match=why):
        check_limits(a_probe(a_video(width=pixels // 360, height=360, survey=survey)), LIMITS)


def test_a_burst_of_frames_and_slow_motion_at_its_full_rate_are_accepted() -> None:
    burst = a_survey(seconds=0.001, packets=1000, most_a_second=1000)
    check_limits(a_probe(a_video(width=640, height=360, survey=burst)), LIMITS)
    check_limits(a_probe(a_video(width=640, height=360, survey=a_survey(seconds=10, packets=9600))), LIMITS)


@pytest.mark.parametrize(
    ("size", "packets", "most"),
    [
        ((320, 240), 1000, 3904 * 2224),
        ((3840, 2160), 900, 4 * 3840 * 2160),
        ((320, 240), 40_000, 777_600),
        ((1920, 1080), 15_000, 1984 * 1144),
    ],
    ids=["a call that becomes large", "four times", "so many that each must be small", "as it is, with its padding"],
)
def test_pictures_may_grow_on_the_way_as_far_as_all_of_them_could_be_decoded(
    size: tuple[int, int], packets: int, most: int
) -> None:
    width, height = size
    probe = a_probe(a_video(width=width, height=height, survey=a_survey(seconds=60, packets=packets)))
    made = bounded(plan(probe, WEB), probe, LIMITS)
    assert (made.picture.most_pixels, made.thumbnail.most_pixels) == (most, most)
    assert made.encoding_what_was_copied().picture.most_pixels == most


def test_an_encode_that_is_too_dear_is_refused_with_its_price() -> None:
    film = a_probe(a_video(seconds=60, rate=50.0, codec="hevc"))
    with pytest.raises(LimitExceeded, match=r"3000 frames of 1920x1080 pixels, 6\.2e\+09 pixels .* most 3\.1e\+09"):
        check_price(plan(film, WEB), LIMITS)
    check_price(plan(film, a_profile(max_frame_rate=25.0)), LIMITS)
    check_price(plan(film, a_profile(max_short_side=720)), LIMITS)


def test_a_copy_costs_nothing() -> None:
    film = a_probe(a_video(seconds=60, rate=50.0))
    check_price(plan(film, WEB), LIMITS)


async def test_62_frames_that_lie_six_hours_apart_are_21500_and_not_a_million(
    ffmpeg: Ffmpeg, clips: Clips, media_limits: MediaLimits
) -> None:
    probe = await validate(ffmpeg, clips.path(Clip.FAR_APART), media_limits)
    decided = plan(probe, WEB)
    assert probe.video.base_frame_rate == 60
    assert decided.picture.encoding.frame_rate == 1
    assert decided.picture.encoding.frames == pytest.approx(21_501, abs=2)
    check_price(decided, media_limits)


@pytest.mark.parametrize("profile", sorted(load_profiles()))
def test_the_same_at_8k_is_affordable_because_its_frames_are_few_and_scaled_down(
    media_limits: MediaLimits, profile: str
) -> None:
    video = a_video(
        width=7680,
        height=4320,
        level=6.2,
        frame_rate=62 / 21_501,
        base_frame_rate=60.0,
        duration_seconds=21_501.0,
        survey=a_survey(seconds=21_501, packets=62, most_a_second=60, keyframe_gap_seconds=21_500),
    )
    decided = plan(a_probe(video), load_profiles()[profile])
    assert decided.picture.encoding.frames == 21_501
    assert max(decided.picture.width, decided.picture.height) <= 3840
    check_price(decided, media_limits)
