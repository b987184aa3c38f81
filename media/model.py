"""What we know of a file, and what we decide to make of it. Plain values, in seconds, bytes and pixels."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VideoStream:
    """The picture that is played: the first video stream that is not a cover image.

    Attributes:
        index: Number of the stream in the file, as ffmpeg's ``-map 0:{index}`` takes it.
        codec: ffprobe's ``codec_name``, such as ``h264``.
        profile: ffprobe's ``profile``, such as ``High``, or None.
        pixel_format: Such as ``yuv420p``, or None where ffprobe can't tell.
        width: Pixels as stored, before rotation and sample aspect ratio.
        height: Pixels as stored.
        rotation_degrees: Clockwise turn to be applied for display: 0, 90, 180 or 270.
        sample_aspect_ratio: Width of a pixel over its height; 1.0 where the file does not say.
        frame_rate: Average frames a second, or None.
        base_frame_rate: Frames a second of the grid that every frame's time falls on, or None; higher than the average
            where the rate varies or pictures are interlaced.
        duration_seconds: Length of this stream, or None where only the container has one.
        start_seconds: When its first frame is shown; sound and picture need not begin together.
    """

    index: int
    codec: str
    profile: str | None
    pixel_format: str | None
    width: int
    height: int
    rotation_degrees: int
    sample_aspect_ratio: float
    frame_rate: float | None
    duration_seconds: float | None
    start_seconds: float = 0.0
    base_frame_rate: float | None = None

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels, as a player shows it: aspect ratio first, then rotation."""
        width = round(self.width * self.sample_aspect_ratio)
        return (self.height, width) if self.rotation_degrees in (90, 270) else (width, self.height)


@dataclass(frozen=True)
class AudioStream:
    """One sound track.

    Attributes:
        index: Number of the stream in the file.
        codec: Such as ``aac``.
        channels: How many.
        sample_rate_hertz: Such as 48000.
        duration_seconds: Length of this stream, or None.
        is_default: Whether the file marks it as the one to play.
        start_seconds: When it is first heard.
    """

    index: int
    codec: str
    channels: int
    sample_rate_hertz: int
    duration_seconds: float | None
    is_default: bool
    start_seconds: float = 0.0


@dataclass(frozen=True)
class MediaProbe:
    """What ffprobe says of a file that has a picture.

    Attributes:
        container: ffprobe's ``format_name``, such as ``mov,mp4,m4a,3gp,3g2,mj2``.
        duration_seconds: Length of the whole; 0 where the file does not say.
        size_bytes: Size of the file.
        video: The picture.
        audio: The sound tracks, in file order; empty for a silent film.
        declared_seconds: Length that an MP4's or MOV's own header gives; 0 where it gives none.
    """

    container: str
    duration_seconds: float
    size_bytes: int
    video: VideoStream
    audio: tuple[AudioStream, ...] = ()
    declared_seconds: float = 0.0


@dataclass(frozen=True)
class TranscodePlan:
    """What one output is made of: every decision, none of the command line.

    Attributes:
        video_index: Stream to take the picture from.
        audio_index: Stream to take the sound from, or None for a silent film.
        width: Pixels of the output, even.
        height: Pixels of the output, even.
        frame_rate: Frames a second of the output, constant.
        duration_seconds: Least length that the output has to have; 0 where the source does not say.
        longest_seconds: Where the output is cut, or None: never.
        video_encoder: ffmpeg's encoder name.
        video_profile: H.264 profile.
        pixel_format: Of the output.
        crf: Constant rate factor of x264, 0 (lossless) to 51.
        preset: Speed preset of x264.
        gop_seconds: Longest time between two keyframes.
        audio_encoder: ffmpeg's encoder name.
        audio_bit_rate: Bits a second.
        audio_channels: Of the output.
        audio_sample_rate_hertz: Of the output.
    """

    video_index: int
    audio_index: int | None
    width: int
    height: int
    frame_rate: float
    duration_seconds: float
    longest_seconds: float | None
    video_encoder: str
    video_profile: str
    pixel_format: str
    crf: int
    preset: str
    gop_seconds: float
    audio_encoder: str
    audio_bit_rate: int
    audio_channels: int
    audio_sample_rate_hertz: int


@dataclass(frozen=True)
class ThumbnailPlan:
    """Which frame becomes the thumbnail, and how large.

    Attributes:
        video_index: Stream to take the frame from.
        at_seconds: Where in the video.
        width: Pixels of the picture.
        height: Pixels of the picture.
    """

    video_index: int
    at_seconds: float
    width: int
    height: int
