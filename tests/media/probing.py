"""Probes of imagined files, for tests of what is decided from them. As they stand, both streams are copied."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from media.model import AudioStream, MediaProbe, OtherStream, PacketSurvey, VideoStream
from media.profile import Profile, load_profiles

WEB: Final = load_profiles()["web"]


def a_profile(**fields: object) -> Profile:
    """The default profile with other fields."""
    return Profile.model_validate({**WEB.model_dump(), **fields})


def a_survey(*, seconds: float = 10.0, packets: int = 250, begin: float = 0.0, **fields: Any) -> PacketSurvey:
    survey = PacketSurvey(
        packets=packets,
        size_bytes=1_000_000,
        first_seconds=begin,
        last_seconds=begin + seconds - seconds / packets,
        end_seconds=begin + seconds,
        starts_with_keyframe=True,
        keyframe_gap_seconds=2.0,
        in_order=True,
        hidden=0,
        hole_seconds=0.0,
        most_a_second=round(packets / seconds),
    )
    return replace(survey, **fields)


def a_video(*, seconds: float = 10.0, rate: float = 25.0, begin: float = 0.0, **fields: Any) -> VideoStream:
    """H.264 of full HD; ``seconds``, ``rate`` and ``begin`` are what header and packets agree on."""
    video = VideoStream(
        index=0,
        codec="h264",
        profile="High",
        pixel_format="yuv420p",
        width=1920,
        height=1080,
        rotation_degrees=0,
        sample_aspect_ratio=1.0,
        frame_rate=rate,
        duration_seconds=seconds,
        start_seconds=begin,
        base_frame_rate=rate,
        level=4.1,
        field_order="progressive",
        length_prefixed=True,
        survey=a_survey(seconds=seconds, packets=max(1, round(seconds * rate)), begin=begin),
    )
    return replace(video, **fields)


def a_track(*, seconds: float = 10.0, begin: float = 0.0, **fields: Any) -> AudioStream:
    """Stereo AAC-LC."""
    track = AudioStream(
        index=1,
        codec="aac",
        channels=2,
        sample_rate_hertz=48_000,
        duration_seconds=seconds,
        is_default=False,
        start_seconds=begin,
        profile="LC",
        survey=a_survey(seconds=seconds, packets=max(1, round(seconds * 46.875)), begin=begin, hidden=1),
    )
    return replace(track, **fields)


def a_probe(
    video: VideoStream | None = None, *audio: AudioStream, others: Sequence[OtherStream] = (), **fields: Any
) -> MediaProbe:
    """An MP4."""
    video = video or a_video()
    probe = MediaProbe(
        container="mov,mp4,m4a,3gp,3g2,mj2",
        duration_seconds=max([video.duration_seconds or 0.0, *(track.duration_seconds or 0.0 for track in audio)]),
        size_bytes=2_000_000,
        video=video,
        audio=audio,
        others=tuple(others),
    )
    return replace(probe, **fields)
