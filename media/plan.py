"""What to make of a video: every decision, none of the command line. Pure."""

from dataclasses import dataclass
from typing import Final

from contracts.errors import LimitExceeded
from media.model import AudioStream, MediaProbe, ThumbnailPlan, TranscodePlan, VideoStream
from media.profile import Profile

MAX_SIDE: Final = 16384
"""Pixels: x264 takes no wider or higher picture."""

_FRAME_RATES: Final = (24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 50.0, 60000 / 1001, 60.0)
_DEFAULT_FRAME_RATE: Final = 30.0
_LEAST_FRAME_RATE: Final = 1.0
"""Keyframes need frames: a picture that stands for an hour could not be sought in."""
_RATE_TOLERANCE: Final = 0.02

_LENGTH_MARGIN_SECONDS: Final = 0.1
_SAMPLE_RATES: Final = (44_100, 48_000)
_DEFAULT_SAMPLE_RATE: Final = 48_000


@dataclass(frozen=True)
class MediaLimits:
    """What this service accepts.

    Attributes:
        max_duration_seconds: Longest video.
        max_pixels: Largest picture, width times height, as stored and as displayed.
    """

    max_duration_seconds: float
    max_pixels: int


def check_limits(probe: MediaProbe, limits: MediaLimits) -> None:
    """Refuse what would take too long or too much memory, before anything is decoded.

    Raises:
        LimitExceeded: The video is too long, or its picture too large.
    """
    longest = max(probe.duration_seconds, probe.video.duration_seconds or 0.0)
    if longest > limits.max_duration_seconds:
        raise LimitExceeded(
            f"The video is {_as_time(longest)} long; at most {_as_time(limits.max_duration_seconds)} is accepted. "
            "Cut it shorter and upload the new file."
        )
    for width, height in ((probe.video.width, probe.video.height), probe.video.display_size):
        if width * height > limits.max_pixels or max(width, height) > MAX_SIDE:
            raise LimitExceeded(
                f"The picture is {width}x{height} pixels; at most {limits.max_pixels} in all, and {MAX_SIDE} a side, "
                "are accepted. Export it smaller and upload the new file."
            )


def plan_transcode(probe: MediaProbe, profile: Profile) -> TranscodePlan:
    """Decide what the video becomes: the source's own size, in square pixels, upright, never enlarged."""
    audio = _sound_to_play(probe.audio)
    width, height = probe.video.display_size
    channels = min(audio.channels, 2) if audio else 2
    return TranscodePlan(
        video_index=probe.video.index,
        audio_index=audio.index if audio else None,
        width=_even(width),
        height=_even(height),
        frame_rate=_frame_rate(probe.video, profile.max_frame_rate),
        duration_seconds=_expected_duration(probe, audio),
        longest_seconds=probe.duration_seconds + _LENGTH_MARGIN_SECONDS if probe.declared_seconds else None,
        video_encoder=profile.video_encoder,
        video_profile=profile.video_profile,
        pixel_format=profile.pixel_format,
        crf=profile.crf,
        preset=profile.preset,
        gop_seconds=profile.gop_seconds,
        audio_encoder=profile.audio_encoder,
        audio_bit_rate=profile.audio_bit_rate * channels // 2,
        audio_channels=channels,
        audio_sample_rate_hertz=_sample_rate(audio),
    )


def plan_thumbnail(probe: MediaProbe, profile: Profile) -> ThumbnailPlan:
    """Decide which frame shows the video, and how large: no wider than the profile says, never enlarged."""
    width, height = probe.video.display_size
    shown_width = min(width, profile.thumbnail_max_width)
    duration = probe.video.duration_seconds or probe.duration_seconds
    unknown_or_longer = duration == 0 or duration > profile.thumbnail_at_seconds
    at_seconds = profile.thumbnail_at_seconds if unknown_or_longer else duration / 2
    return ThumbnailPlan(
        video_index=probe.video.index,
        at_seconds=round(at_seconds, 3),
        width=max(shown_width, 1),
        height=max(round(height * shown_width / max(width, 1)), 1),
    )


def _sound_to_play(tracks: tuple[AudioStream, ...]) -> AudioStream | None:
    default = next((track for track in tracks if track.is_default), None)
    return default or next(iter(tracks), None)


def _expected_duration(probe: MediaProbe, audio: AudioStream | None) -> float:
    """Length of what is taken; a track that is left behind, such as subtitles, may have been the longest."""
    taken: list[VideoStream | AudioStream] = [probe.video, *([audio] if audio else [])]
    ends = [stream.start_seconds + stream.duration_seconds for stream in taken if stream.duration_seconds]
    if len(ends) < len(taken):
        return probe.duration_seconds
    return max(ends) - min(stream.start_seconds for stream in taken)


def _frame_rate(video: VideoStream, at_most: float) -> float:
    """The source's own rate. A rate that varies becomes constant on its grid: repeated pictures cost next to nothing.

    The grid is of no use where it is finer than any display (a recorder's milliseconds), or where it counts the half
    pictures of interlaced video.
    """
    average, grid = video.frame_rate, video.base_frame_rate
    counts_halves = bool(average and grid and abs(grid / average - 2) < _RATE_TOLERANCE)
    if grid and grid <= at_most and not counts_halves and grid >= (average or 0) * (1 - _RATE_TOLERANCE):
        return max(grid, _LEAST_FRAME_RATE)
    wanted = min(average or _DEFAULT_FRAME_RATE, at_most)
    return next((rate for rate in _FRAME_RATES if wanted * 0.9995 <= rate <= at_most), at_most)


def _even(pixels: int) -> int:
    """4:2:0 halves both sides, so both have to be even; the odd row or column is scaled away."""
    return max(pixels - pixels % 2, 2)


def _sample_rate(audio: AudioStream | None) -> int:
    """Only rates that every player takes."""
    return audio.sample_rate_hertz if audio and audio.sample_rate_hertz in _SAMPLE_RATES else _DEFAULT_SAMPLE_RATE


def _as_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
