"""Whether a stream plays everywhere as it is, and if not, why. Pure.

The rules are strict on purpose: what is refused here is encoded, which costs time; what is let through wrongly is a
video that somebody can't play. ``docs/media.md`` has them as a table.
"""

from collections.abc import Iterator
from typing import Final

from media.model import AudioStream, MediaProbe, VideoStream
from media.profile import Profile

_CONTAINERS: Final = frozenset(("mov", "matroska"))
"""Those that keep timestamps of every packet, and parameter sets and units the way an MP4 has them."""

_H264_PROFILES: Final = frozenset(("Constrained Baseline", "Main", "High"))
_SDR_TRANSFERS: Final = frozenset(
    (None, "bt709", "smpte170m", "bt470m", "bt470bg", "iec61966-2-1", "gamma22", "gamma28")
)
WIDE_PRIMARIES: Final = frozenset(("bt2020", "smpte431", "smpte432"))
_SAMPLE_RATES: Final = frozenset((22_050, 24_000, 32_000, 44_100, 48_000))

_PICTURE_DELAY_SECONDS: Final = 0.2
"""So much later than the sound a picture may begin; players show nothing until then."""
_SOUND_DELAY_SECONDS: Final = 0.1
_SOUND_HOLE_SECONDS: Final = 0.05
"""A player that ignores the times of sound packets would be off by so much after each hole."""
_MOST_FRAME_SECONDS: Final = 10.0
_RATE_TOLERANCE: Final = 1.02
_RATE_JITTER: Final = 1.1
"""Times that were rounded to milliseconds put a frame or two more into some second."""


def why_not_copy_picture(probe: MediaProbe, profile: Profile, origin_seconds: float) -> str:
    """In words, the first reason why the picture can't be copied; empty where it can."""
    return next(_faults_of_picture(probe, profile, origin_seconds), "")


def why_not_copy_sound(probe: MediaProbe, track: AudioStream, profile: Profile, origin_seconds: float) -> str:
    """In words, the first reason why the sound can't be copied; empty where it can."""
    return next(_faults_of_sound(probe, track, profile, origin_seconds), "")


def _faults_of_picture(probe: MediaProbe, profile: Profile, origin_seconds: float) -> Iterator[str]:
    video = probe.video
    if video.codec != "h264":
        yield f"it is {video.codec}, not h264"
    if not probe.container_names & _CONTAINERS or not video.length_prefixed:
        yield "its container does not hold it the way an MP4 does"
    if video.profile not in _H264_PROFILES:
        yield f"its H.264 profile is {video.profile or 'unknown'}"
    yield from _faults_of_samples(video)
    yield from _faults_of_size(video, profile)
    yield from _faults_of_times(video, profile, origin_seconds)


def _faults_of_samples(video: VideoStream) -> Iterator[str]:
    if video.pixel_format != "yuv420p":
        yield f"its pixels are {video.pixel_format or 'unknown'}, not yuv420p"
    if video.colour_range == "pc":
        yield "its colours are in full range"
    is_sdr = video.colour_transfer in _SDR_TRANSFERS
    if not is_sdr or video.colour_primaries in WIDE_PRIMARIES:
        yield f"its colours are {video.colour_primaries if is_sdr else video.colour_transfer}, not BT.709"
    if video.field_order != "progressive":
        yield "it is interlaced, or does not say that it is not"
    if video.sample_aspect_ratio != 1.0:
        yield "its pixels are not square"
    if video.mirrored:
        yield "it is to be mirrored"
    if video.broken_packets:
        yield "some of its packets are damaged"
    if video.new_parameters:
        yield "its parameter sets change on the way"


def _faults_of_size(video: VideoStream, profile: Profile) -> Iterator[str]:
    if min(video.display_size) > profile.max_short_side:
        yield f"it is larger than {profile.max_short_side} pixels"
    if profile.max_long_side is not None and max(video.display_size) > profile.max_long_side:
        yield f"its longer side is over {profile.max_long_side} pixels"
    if video.level is None or video.level > profile.max_level:
        yield f"its H.264 level is {video.level or 'unknown'}, over {profile.max_level}"
    survey = video.survey
    if survey is None or survey.packets == 0:
        yield "its packets could not be looked at"
        return
    if survey.bit_rate > profile.max_copy_bit_rate:
        yield f"its bit rate is {survey.bit_rate / 1e6:.1f} Mbit/s, over {profile.max_copy_bit_rate / 1e6:.1f}"
    too_fast = (survey.rate or 0.0) > profile.max_frame_rate * _RATE_TOLERANCE
    if too_fast or survey.most_a_second > profile.max_frame_rate * _RATE_JITTER + 1:
        yield f"it has more than {profile.max_frame_rate:g} frames a second"


def _faults_of_times(video: VideoStream, profile: Profile, origin_seconds: float) -> Iterator[str]:
    survey = video.survey
    if survey is None:
        return
    if not survey.in_order:
        yield "its timestamps are not in order"
    if survey.hidden or not survey.starts_with_keyframe:
        yield "it is cut in the middle of a group of pictures"
    if survey.keyframe_gap_seconds > profile.max_keyframe_gap_seconds:
        yield f"its keyframes are {survey.keyframe_gap_seconds:.1f} s apart"
    if survey.hole_seconds > _MOST_FRAME_SECONDS or survey.seconds / max(survey.packets, 1) > _MOST_FRAME_SECONDS:
        yield "there are long holes in it"
    if survey.first_seconds - origin_seconds > _PICTURE_DELAY_SECONDS:
        yield f"it begins {survey.first_seconds - origin_seconds:.1f} s after the sound"


def _faults_of_sound(probe: MediaProbe, track: AudioStream, profile: Profile, origin_seconds: float) -> Iterator[str]:
    if (track.codec, track.profile) != ("aac", "LC"):
        yield f"it is {track.codec}{f' {track.profile}' if track.profile and track.codec == 'aac' else ''}, not AAC-LC"
    if not probe.container_names & _CONTAINERS:
        yield "its container does not hold it the way an MP4 does"
    if track.channels > profile.audio_channels:
        yield f"it has {track.channels} channels"
    if track.sample_rate_hertz not in _SAMPLE_RATES:
        yield f"it has {track.sample_rate_hertz} samples a second"
    if profile.loudness_lufs is not None:
        yield f"the profile brings it to {profile.loudness_lufs:g} LUFS"
    survey = track.survey
    if survey is None or survey.packets == 0:
        yield "its packets could not be looked at"
        return
    if not survey.in_order or survey.hole_seconds > _SOUND_HOLE_SECONDS:
        yield "there are holes in it, or its timestamps are not in order"
    if survey.first_seconds - origin_seconds > _SOUND_DELAY_SECONDS:
        yield f"it begins {survey.first_seconds - origin_seconds:.1f} s after the picture"
