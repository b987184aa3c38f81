"""Encoding profiles: what an output shall be like, as data.

Why these numbers: ``docs/decisions/0003-encoding-profile.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Profile:
    """How outputs of one kind are encoded, whatever the source is.

    Attributes:
        name: By which a workflow asks for it.
        crf: Constant rate factor of x264, 0 (lossless) to 51; lower is better and larger.
        preset: Speed preset of x264, ``ultrafast`` to ``veryslow``.
        max_frame_rate: Frames a second that are never exceeded.
        gop_seconds: Longest time between two keyframes, so that a player can seek.
        audio_bit_rate: Bits a second of stereo sound; mono takes half.
        thumbnail_max_width: Pixels.
        thumbnail_at_seconds: Where the thumbnail is taken; the middle of a video that is not that long.
        video_encoder: ffmpeg's name of it.
        video_profile: H.264 profile.
        pixel_format: Of the video.
        audio_encoder: ffmpeg's name of it.
    """

    name: str
    crf: int
    preset: str
    max_frame_rate: float
    gop_seconds: float
    audio_bit_rate: int
    thumbnail_max_width: int
    thumbnail_at_seconds: float = 1.0
    video_encoder: str = "libx264"
    video_profile: str = "high"
    pixel_format: str = "yuv420p"
    audio_encoder: str = "aac"


_WEB: Final = Profile(
    name="web",
    crf=23,
    preset="fast",
    max_frame_rate=60.0,
    gop_seconds=2.0,
    audio_bit_rate=128_000,
    thumbnail_max_width=1280,
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({_WEB.name: _WEB})
"""Every profile by its name."""
