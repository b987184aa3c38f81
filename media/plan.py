"""What is to be made of one video: every decision, none of the command line.

A plan is made once, by ``media.planning.plan``, stays in the run's history, and every later step takes it from there.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise


class StreamAction(StrEnum):
    """What becomes of a stream that goes into the output."""

    COPY = "copy"
    ENCODE = "encode"


class ToneMap(StrEnum):
    """The transfer function that a picture of high dynamic range comes in; it is brought to BT.709."""

    PQ = "smpte2084"
    HLG = "arib-std-b67"


@dataclass(frozen=True)
class SourceColours:
    """How the source's colours are coded; the output's are always BT.709 in limited range.

    Attributes:
        tone_map: Where it is HDR, how that is coded.
        matrix: swscale's name of its colour matrix.
        full_range: Whether it uses all code values.
        wide_primaries: Its primaries, where they are wider than BT.709's without being HDR.
    """

    tone_map: ToneMap | None
    matrix: str
    full_range: bool
    wide_primaries: str | None = None


@dataclass(frozen=True)
class Chunk:
    """A run of frames of the output, encoded by itself into closed GOPs.

    Attributes:
        number: From 1, in order of time.
        of: How many there are.
        first_frame: Its first frame, counted from 0 in the whole output.
        frames: How many it has; of the last one, how many are expected.
    """

    number: int
    of: int
    first_frame: int
    frames: int

    @property
    def is_last(self) -> bool:
        """Whether the picture ends with it."""
        return self.number == self.of


@dataclass(frozen=True)
class PictureEncoding:
    """How the picture is encoded, where it is.

    Attributes:
        encoder: ffmpeg's encoder name.
        preset: Speed preset of x264.
        crf: Constant rate factor of x264, 1 to 51; lower is better and larger.
        max_bit_rate: Bits a second that are not exceeded over two seconds.
        frame_rate: Frames a second of the output, constant.
        frames: How many the output has; give or take what the length of the source's last frame leaves open.
        gop_frames: Frames from each keyframe to the next, always.
        deinterlace: Whether half pictures are made into whole ones first.
        colours: What the source's colours are.
        seek_margin_seconds: How long before its begin a chunk looks for the keyframe from which it decodes.
        references: Frames that a frame may be made from; None for as many as the preset has.
    """

    encoder: str
    preset: str
    crf: int
    max_bit_rate: int
    frame_rate: float
    frames: int
    gop_frames: int
    deinterlace: bool
    colours: SourceColours
    seek_margin_seconds: float = 1.0
    references: int | None = None


@dataclass(frozen=True)
class PicturePlan:
    """What becomes of the picture.

    Attributes:
        index: Stream to take it from.
        action: Copy or encode.
        why: In words, why it is encoded; empty where it is copied.
        width: Pixels of the output as displayed.
        height: Pixels of the output as displayed.
        rotation_degrees: That the output still asks players for; 0 where it is encoded upright.
        seconds: Length of it in the output.
        delay_seconds: When the picture begins, on the output's clock; 0 where it is encoded.
        packets: How many frames are copied; 0 where it is encoded.
        encoding: How it is encoded; there also for a copied one, which is encoded where copying proves not to work.
        most_pixels: Largest picture of the source that is decoded, also where one is larger than the header says; None
            for as large as any.
    """

    index: int
    action: StreamAction
    why: str
    width: int
    height: int
    rotation_degrees: int
    seconds: float
    delay_seconds: float
    packets: int
    encoding: PictureEncoding
    most_pixels: int | None = None


@dataclass(frozen=True)
class SoundEncoding:
    """How the sound is encoded, where it is.

    Attributes:
        encoder: ffmpeg's encoder name.
        bit_rate: Bits a second.
        channels: Of the output.
        sample_rate_hertz: Of the output.
        loudness_lufs: Integrated loudness that it is brought to, or None.
    """

    encoder: str
    bit_rate: int
    channels: int
    sample_rate_hertz: int
    loudness_lufs: float | None


@dataclass(frozen=True)
class SoundPlan:
    """What becomes of the sound.

    Attributes:
        index: Stream to take it from.
        action: Copy or encode.
        why: In words, why it is encoded; empty where it is copied.
        channels: Of the output.
        sample_rate_hertz: Of the output.
        seconds: Length of it in the output.
        delay_seconds: When it begins, on the output's clock; 0 where it is encoded.
        packets: How many are copied; 0 where it is encoded.
        encoding: How it is encoded; there also for copied sound.
    """

    index: int
    action: StreamAction
    why: str
    channels: int
    sample_rate_hertz: int
    seconds: float
    delay_seconds: float
    packets: int
    encoding: SoundEncoding


@dataclass(frozen=True)
class ThumbnailPlan:
    """Which frame becomes the thumbnail, and how large.

    Attributes:
        video_index: Stream to take the frame from.
        at_seconds: Where in the video, on the output's clock.
        otherwise_seconds: Where to look, in this order, where that frame is black.
        width: Pixels of the picture.
        height: Pixels of the picture.
        representative: Whether the most typical of several keyframes is wanted instead of the one at that time.
        colours: What the source's colours are.
        most_pixels: As of the picture.
    """

    video_index: int
    at_seconds: float
    otherwise_seconds: tuple[float, ...]
    width: int
    height: int
    representative: bool
    colours: SourceColours
    most_pixels: int | None = None


@dataclass(frozen=True)
class DroppedStream:
    """A stream of the source that the output does not have.

    Attributes:
        index: Number of the stream in the source.
        kind: Such as ``subtitle``, or ``sound`` for a further track.
        codec: Such as ``mov_text``.
    """

    index: int
    kind: str
    codec: str


@dataclass(frozen=True)
class TranscodePlan:
    """Everything that is decided about one video.

    Attributes:
        profile: Name of the profile that it follows.
        origin_seconds: The source's time at which the output begins.
        duration_seconds: Length of the output.
        picture: What becomes of the picture.
        chunk_starts: First frame of each chunk in which it is encoded, or would be where it is copied.
        sound: What becomes of the sound, or None for a silent film.
        thumbnail: Of which frame it is made.
        dropped: What is left behind.
        memory_bytes: What one encode of this picture takes at most, by estimate.
    """

    profile: str
    origin_seconds: float
    duration_seconds: float
    picture: PicturePlan
    chunk_starts: tuple[int, ...]
    sound: SoundPlan | None
    thumbnail: ThumbnailPlan
    dropped: tuple[DroppedStream, ...]
    memory_bytes: int

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """The pieces in which the picture is encoded, in order of time; none where it is copied."""
        if self.picture.action is StreamAction.COPY:
            return ()
        borders = pairwise((*self.chunk_starts, self.picture.encoding.frames))
        return tuple(
            Chunk(number=number, of=len(self.chunk_starts), first_frame=first, frames=end - first)
            for number, (first, end) in enumerate(borders, 1)
        )

    @property
    def copies(self) -> bool:
        """Whether anything is copied."""
        return self.picture.action is StreamAction.COPY or (
            self.sound is not None and self.sound.action is StreamAction.COPY
        )

    @property
    def in_words(self) -> str:
        """For people: ``picture copied, sound encoded (the sound is opus, not aac)``."""
        parts = [f"picture {_done(self.picture.action)}{_because(self.picture.why)}"]
        if len(self.chunks) > 1:
            parts.append(f"in {len(self.chunks)} chunks")
        if self.sound is None:
            parts.append("no sound")
        else:
            parts.append(f"sound {_done(self.sound.action)}{_because(self.sound.why)}")
        return ", ".join(parts)

    def encoding_what_was_copied(self) -> "TranscodePlan":
        """The plan for the next try, after what was copied turned out not to play."""
        why = "what was copied could not be verified"
        picture, sound = self.picture, self.sound
        if picture.action is StreamAction.COPY:
            end = picture.delay_seconds + picture.seconds
            picture = replace(picture, action=StreamAction.ENCODE, why=why, seconds=end, delay_seconds=0.0, packets=0)
            picture = replace(picture, rotation_degrees=0)
        if sound is not None and sound.action is StreamAction.COPY:
            end = sound.delay_seconds + sound.seconds
            sound = replace(sound, action=StreamAction.ENCODE, why=why, seconds=end, delay_seconds=0.0, packets=0)
            encoding = sound.encoding
            sound = replace(sound, channels=encoding.channels, sample_rate_hertz=encoding.sample_rate_hertz)
        return replace(self, picture=picture, sound=sound)


def _done(action: StreamAction) -> str:
    return "copied" if action is StreamAction.COPY else "encoded"


def _because(why: str) -> str:
    return f" ({why})" if why else ""
