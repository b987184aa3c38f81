"""What we know of a file. Plain values, in seconds, bytes and pixels; they travel in Temporal's history."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PacketSurvey:
    """What one look at every packet of a stream told; the container's header may say otherwise.

    Attributes:
        packets: How many there are.
        size_bytes: Of all of them.
        first_seconds: When the first one that is shown begins.
        last_seconds: When the last one that is shown begins.
        end_seconds: When it ends; how long it lasts is a guess where frames are reordered and their rate
            varies, or where packets have no durations.
        starts_with_keyframe: Whether the first packet can be decoded by itself.
        keyframe_gap_seconds: Longest time from one keyframe to the next, or to the end.
        in_order: Whether every packet has its times, decoding times only grow, and none is shown before it is decoded.
        hidden: How many packets an edit list hides; at the start of sound that is the encoder's delay.
        hole_seconds: Longest time between the end of one packet and the begin of the next, in decoding order.
        most_a_second: Most packets within any one second, or at the pace of any half second.
        keyframes: When there are keyframes, ascending; of several within half a second, the first.
        reorder_seconds: Longest time from when a keyframe is decoded until it is shown.
        restarts: How often its clock goes back, as where recordings were put one behind the other.
    """

    packets: int
    size_bytes: int
    first_seconds: float
    last_seconds: float
    end_seconds: float
    starts_with_keyframe: bool
    keyframe_gap_seconds: float
    in_order: bool
    hidden: int
    hole_seconds: float
    most_a_second: int
    keyframes: tuple[float, ...] = ()
    reorder_seconds: float = 0.0
    restarts: int = 0

    @property
    def seconds(self) -> float:
        """Length of the stream."""
        return max(0.0, self.end_seconds - self.first_seconds)

    @property
    def bit_rate(self) -> float:
        """Bits a second over the whole length."""
        return 8 * self.size_bytes / self.seconds if self.seconds > 0 else 0.0

    @property
    def rate(self) -> float | None:
        """Packets a second; of a picture that is its average frame rate."""
        return self.packets / self.seconds if self.seconds > 0 else None


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
        frame_rate: Average frames a second as the file says, or None.
        duration_seconds: Length of this stream as the file says, or None where only the container has one.
        start_seconds: When its first frame is shown; sound and picture need not begin together.
        base_frame_rate: Frames a second of the grid that every frame's time falls on, or None; higher than the average
            where the rate varies or pictures are interlaced.
        level: H.264 level, such as 4.1, or None.
        field_order: ``progressive``, ``tt``, ``bb``, ``tb``, ``bt``, or None where the file does not say.
        mirrored: Whether the picture is to be mirrored for display, which players don't agree on.
        colour_range: ``tv``, ``pc`` or None.
        colour_matrix: ffprobe's ``color_space``, such as ``bt709``, or None.
        colour_transfer: Such as ``smpte2084``, or None.
        colour_primaries: Such as ``bt2020``, or None.
        length_prefixed: Whether H.264 units carry their length, as MP4 wants them, with the parameter sets apart.
        new_parameters: Whether parameter sets change, or stand, within the stream.
        broken_packets: Whether some packets can't even be taken apart.
        survey: Of its packets; None until they were looked at.
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
    level: float | None = None
    field_order: str | None = None
    mirrored: bool = False
    colour_range: str | None = None
    colour_matrix: str | None = None
    colour_transfer: str | None = None
    colour_primaries: str | None = None
    length_prefixed: bool = False
    new_parameters: bool = False
    broken_packets: bool = False
    survey: PacketSurvey | None = None

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels, as a player shows it: aspect ratio first, then rotation."""
        width = round(self.width * self.sample_aspect_ratio)
        return (self.height, width) if self.rotation_degrees in (90, 270) else (width, self.height)

    @property
    def is_interlaced(self) -> bool:
        """Whether its frames are made of two half pictures."""
        return self.field_order in ("tt", "bb", "tb", "bt")


@dataclass(frozen=True)
class AudioStream:
    """One sound track.

    Attributes:
        index: Number of the stream in the file.
        codec: Such as ``aac``.
        channels: How many.
        sample_rate_hertz: Such as 48000.
        duration_seconds: Length of this stream as the file says, or None.
        is_default: Whether the file marks it as the one to play.
        start_seconds: When it is first heard.
        profile: ffprobe's ``profile``, such as ``LC``, or None.
        survey: Of its packets; None until they were looked at.
    """

    index: int
    codec: str
    channels: int
    sample_rate_hertz: int
    duration_seconds: float | None
    is_default: bool
    start_seconds: float = 0.0
    profile: str | None = None
    survey: PacketSurvey | None = None


@dataclass(frozen=True)
class OtherStream:
    """A stream that is neither the picture nor sound.

    Attributes:
        index: Number of the stream in the file.
        kind: ``subtitle``, ``data``, ``attachment``, ``cover`` or ``picture`` (a further one).
        codec: Such as ``mov_text``.
    """

    index: int
    kind: str
    codec: str


@dataclass(frozen=True)
class MediaProbe:
    """What a file that has a picture holds.

    Attributes:
        container: ffprobe's ``format_name``, such as ``mov,mp4,m4a,3gp,3g2,mj2``.
        duration_seconds: Length of the whole as the file says; 0 where it does not.
        size_bytes: Size of the file.
        video: The picture.
        audio: The sound tracks, in file order; empty for a silent film.
        declared_seconds: Length that an MP4's or MOV's own header gives; 0 where it gives none.
        others: What else is in the file.
    """

    container: str
    duration_seconds: float
    size_bytes: int
    video: VideoStream
    audio: tuple[AudioStream, ...] = ()
    declared_seconds: float = 0.0
    others: tuple[OtherStream, ...] = ()

    @property
    def container_names(self) -> frozenset[str]:
        """The names of its format: ``mov`` and ``mp4`` are one, ``matroska`` and ``webm`` are one."""
        return frozenset(self.container.split(","))
