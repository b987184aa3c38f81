"""Probes of imagined files, for tests of what is decided from them."""

from media.model import AudioStream, MediaProbe, VideoStream


def a_video(
    *,
    width: int = 1920,
    height: int = 1080,
    rotation_degrees: int = 0,
    sample_aspect_ratio: float = 1.0,
    duration_seconds: float | None = 10.0,
    start_seconds: float = 0.0,
    frame_rate: float | None = 25.0,
    base_frame_rate: float | None = 25.0,
) -> VideoStream:
    return VideoStream(
        index=0,
        codec="h264",
        profile="High",
        pixel_format="yuv420p",
        width=width,
        height=height,
        rotation_degrees=rotation_degrees,
        sample_aspect_ratio=sample_aspect_ratio,
        frame_rate=frame_rate,
        duration_seconds=duration_seconds,
        start_seconds=start_seconds,
        base_frame_rate=base_frame_rate,
    )


def a_track(
    *,
    index: int = 1,
    channels: int = 2,
    sample_rate_hertz: int = 48_000,
    duration_seconds: float | None = 10.0,
    is_default: bool = False,
) -> AudioStream:
    return AudioStream(
        index=index,
        codec="aac",
        channels=channels,
        sample_rate_hertz=sample_rate_hertz,
        duration_seconds=duration_seconds,
        is_default=is_default,
    )


def a_probe(video: VideoStream | None = None, *audio: AudioStream, duration_seconds: float = 10.0) -> MediaProbe:
    return MediaProbe(
        container="mov,mp4,m4a,3gp,3g2,mj2",
        duration_seconds=duration_seconds,
        size_bytes=1_000_000,
        video=video or a_video(),
        audio=audio,
    )
