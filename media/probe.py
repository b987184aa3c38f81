"""From ffprobe's JSON to a ``MediaProbe``. Pure: it runs nothing and reads no file."""

import math
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from contracts.errors import Encrypted, InvalidMedia, NoVideoStream, UnsupportedCodec
from media.model import AudioStream, MediaProbe, OtherStream, VideoStream

PROBE_ENTRIES: Final = (
    "format=format_name,duration,size"
    ":stream=index,codec_type,codec_name,codec_tag_string,profile,level,pix_fmt,width,height,sample_aspect_ratio"
    ",field_order,color_range,color_space,color_transfer,color_primaries,is_avc"
    ",r_frame_rate,avg_frame_rate,start_time,duration,channels,sample_rate"
    ":stream_disposition=default,attached_pic,timed_thumbnails"
    ":stream_side_data=rotation,displaymatrix"
    ":stream_tags=enc_key_id,DURATION,DURATION-eng"
)
"""What is asked of ffprobe, and all that is: a file's own tags can be as long as the file."""

NEEDS_A_KEY: Final = (
    "The file is encrypted (copy protection), so it can't be read without its key. Upload a file without protection."
)

_ENCRYPTED_TAGS: Final = frozenset(("encv", "enca", "drmi", "drms", "drmt"))
"""Sample entries of Common Encryption (ISO/IEC 23001-7) and of Apple's FairPlay."""
_MATROSKA_KEY: Final = "enc_key_id"
"""ffmpeg's name of the key that a track of Matroska or WebM names."""
_MATROSKA_LENGTH: Final = "DURATION"
"""Tag of a track's length, with or without a language behind it; ffmpeg and mkvmerge write it."""

_H264_LEVELS_A_ONE: Final = 10
_CLOCK_PARTS: Final = 3
_QUARTER_TURN: Final = 90
_QUARTER_TURN_TOLERANCE: Final = 1.0


class _SideData(BaseModel):
    rotation: float | None = None
    displaymatrix: str = ""

    @property
    def mirrors(self) -> bool:
        """Whether the matrix turns the picture over: the determinant of its upper left four is negative."""
        rows = [line.partition(":")[2].split() for line in self.displaymatrix.strip().splitlines()]
        try:
            (a, b), (c, d) = [[int(number) for number in row[:2]] for row in rows[:2]]
        except ValueError:
            return False
        return a * d - b * c < 0


class _Stream(BaseModel):
    index: int
    codec_type: str = ""
    codec_name: str = "unknown"
    codec_tag_string: str = ""
    profile: str | None = None
    level: int | None = None
    field_order: str | None = None
    color_range: str | None = None
    color_space: str | None = None
    color_transfer: str | None = None
    color_primaries: str | None = None
    is_avc: str = ""
    pix_fmt: str | None = None
    width: int = 0
    height: int = 0
    sample_aspect_ratio: str = ""
    r_frame_rate: str = ""
    avg_frame_rate: str = ""
    start_time: str = ""
    duration: str = ""
    channels: int = 0
    sample_rate: str = ""
    disposition: dict[str, int] = Field(default_factory=dict)
    side_data_list: list[_SideData] = Field(default_factory=list)
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def needs_a_key(self) -> bool:
        return self.codec_tag_string.lower() in _ENCRYPTED_TAGS or _MATROSKA_KEY in self.tags

    @property
    def seconds(self) -> float | None:
        """Its own length. Matroska has that in a tag; what ffprobe calls the duration there is the whole file's."""
        tagged = next((text for key, text in self.tags.items() if key.startswith(_MATROSKA_LENGTH)), "")
        return _clock(tagged) or _positive(self.duration)

    @property
    def is_cover(self) -> bool:
        return bool(self.disposition.get("attached_pic") or self.disposition.get("timed_thumbnails"))


class _Format(BaseModel):
    format_name: str
    duration: str = ""
    size: str = ""


class _Probe(BaseModel):
    streams: list[_Stream] = Field(default_factory=list)
    format: _Format


def parse_probe(ffprobe_json: str) -> MediaProbe:
    """Read what ffprobe printed for ``PROBE_ENTRIES`` with ``-of json``.

    Raises:
        InvalidMedia: ffprobe found no streams, or a picture without a size.
        Encrypted: Picture or sound need a key.
        NoVideoStream: There is no picture, or only a cover image.
        UnsupportedCodec: ffprobe has no name for the picture's codec.
    """
    try:
        probe = _Probe.model_validate_json(ffprobe_json)
    except ValidationError as error:
        raise InvalidMedia(
            "The file is not a video that can be read. Export it again, as MP4, and upload the new file."
        ) from error
    if any(stream.needs_a_key for stream in probe.streams):
        raise Encrypted(NEEDS_A_KEY)
    picture = _picture(probe.streams)
    return MediaProbe(
        container=probe.format.format_name,
        duration_seconds=_positive(probe.format.duration) or 0.0,
        size_bytes=int(_positive(probe.format.size) or 0),
        video=_video(picture),
        audio=tuple(_audio(stream) for stream in probe.streams if _is_sound(stream)),
        others=tuple(_other(stream) for stream in probe.streams if stream is not picture and not _is_sound(stream)),
    )


def _picture(streams: list[_Stream]) -> _Stream:
    if not streams:
        raise InvalidMedia("The file has neither picture nor sound. Export it again and upload the new file.")
    pictures = [stream for stream in streams if stream.codec_type == "video"]
    films = [stream for stream in pictures if not stream.is_cover]
    if films:
        return _film(films)
    if pictures:
        raise NoVideoStream("The file has a cover image, but no video. Upload a file that has a picture track.")
    raise NoVideoStream("The file has sound or data, but no picture. Upload a file that has a picture track.")


def _film(tracks: list[_Stream]) -> _Stream:
    """The track that is meant to be watched: not one that is much shorter than another, as a still in front is."""
    longest = max(track.seconds or 0.0 for track in tracks)
    long = [track for track in tracks if 2 * (track.seconds or longest) >= longest]
    return next((track for track in long if track.disposition.get("default")), long[0])


def _video(stream: _Stream) -> VideoStream:
    if stream.codec_name == "unknown":
        raise UnsupportedCodec(
            f"The picture is in a codec that is not known here (“{_printable(stream.codec_tag_string)}”). Export the "
            "video as H.264 in an MP4 and upload the new file."
        )
    if stream.width <= 0 or stream.height <= 0:
        raise InvalidMedia("The picture has no size: the file is damaged. Export it again and upload the new file.")
    return VideoStream(
        index=stream.index,
        codec=stream.codec_name,
        profile=stream.profile,
        pixel_format=_known(stream.pix_fmt),
        width=stream.width,
        height=stream.height,
        rotation_degrees=_clockwise_rotation(stream.side_data_list),
        sample_aspect_ratio=_ratio(stream.sample_aspect_ratio, ":") or 1.0,
        frame_rate=_ratio(stream.avg_frame_rate, "/"),
        duration_seconds=_positive(stream.duration),
        start_seconds=_number(stream.start_time) or 0.0,
        base_frame_rate=_ratio(stream.r_frame_rate, "/"),
        level=stream.level / _H264_LEVELS_A_ONE if stream.level and stream.level > 0 else None,
        field_order=_known(stream.field_order),
        mirrored=any(entry.mirrors for entry in stream.side_data_list),
        colour_range=_known(stream.color_range),
        colour_matrix=_known(stream.color_space),
        colour_transfer=_known(stream.color_transfer),
        colour_primaries=_known(stream.color_primaries),
        length_prefixed=stream.is_avc == "true",
    )


def _other(stream: _Stream) -> OtherStream:
    kinds = {"video": "cover" if stream.is_cover else "picture", "audio": "sound"}
    return OtherStream(stream.index, kinds.get(stream.codec_type, stream.codec_type or "data"), stream.codec_name)


def _is_sound(stream: _Stream) -> bool:
    return stream.codec_type == "audio" and stream.channels > 0 and _positive(stream.sample_rate) is not None


def _audio(stream: _Stream) -> AudioStream:
    return AudioStream(
        index=stream.index,
        codec=stream.codec_name,
        channels=stream.channels,
        sample_rate_hertz=int(stream.sample_rate),
        duration_seconds=_positive(stream.duration),
        is_default=bool(stream.disposition.get("default")),
        start_seconds=_number(stream.start_time) or 0.0,
        profile=stream.profile,
    )


def _clockwise_rotation(side_data: list[_SideData]) -> int:
    """Ffprobe counts anticlockwise; ffmpeg swaps the frame's sides only for (nearly) whole quarter turns."""
    for entry in side_data:
        if entry.rotation is not None and math.isfinite(entry.rotation):
            clockwise = -entry.rotation % 360
            nearest = round(clockwise / _QUARTER_TURN) * _QUARTER_TURN
            return nearest % 360 if abs(clockwise - nearest) < _QUARTER_TURN_TOLERANCE else 0
    return 0


def _known(value: str | None) -> str | None:
    return None if value in (None, "unknown", "unspecified", "reserved") else value


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _positive(text: str) -> float | None:
    number = _number(text)
    return number if number is not None and number > 0 else None


def _clock(text: str) -> float | None:
    """Seconds, from hours, minutes and seconds between colons."""
    parts = [_number(part) for part in text.split(":")]
    if len(parts) != _CLOCK_PARTS or None in parts:
        return None
    hours, minutes, seconds = (part or 0.0 for part in parts)
    return 3600 * hours + 60 * minutes + seconds


def _ratio(text: str, sign: str) -> float | None:
    above, _, below = text.partition(sign)
    numerator, denominator = _positive(above), _positive(below)
    return numerator / denominator if numerator and denominator else None


def _printable(tag: str) -> str:
    return "".join(character for character in tag if character.isprintable()) or "no name"
