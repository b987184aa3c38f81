"""From ffprobe's JSON to a ``MediaProbe``. Pure: it runs nothing and reads no file."""

import math
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from contracts.errors import InvalidMedia, NoVideoStream, UnsupportedCodec
from media.model import AudioStream, MediaProbe, VideoStream

PROBE_ENTRIES: Final = (
    "format=format_name,duration,size"
    ":stream=index,codec_type,codec_name,codec_tag_string,profile,pix_fmt,width,height,sample_aspect_ratio"
    ",r_frame_rate,avg_frame_rate,start_time,duration,channels,sample_rate"
    ":stream_disposition=default,attached_pic,timed_thumbnails"
    ":stream_side_data=rotation"
)
"""What is asked of ffprobe, and all that is: a file's own tags can be as long as the file."""

_QUARTER_TURN: Final = 90
_QUARTER_TURN_TOLERANCE: Final = 1.0


class _SideData(BaseModel):
    rotation: float | None = None


class _Stream(BaseModel):
    index: int
    codec_type: str = ""
    codec_name: str = "unknown"
    codec_tag_string: str = ""
    profile: str | None = None
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
        NoVideoStream: There is no picture, or only a cover image.
        UnsupportedCodec: ffprobe has no name for the picture's codec.
    """
    try:
        probe = _Probe.model_validate_json(ffprobe_json)
    except ValidationError as error:
        raise InvalidMedia(
            "The file is not a video that can be read. Export it again, as MP4, and upload the new file."
        ) from error
    return MediaProbe(
        container=probe.format.format_name,
        duration_seconds=_positive(probe.format.duration) or 0.0,
        size_bytes=int(_positive(probe.format.size) or 0),
        video=_video(_picture(probe.streams)),
        audio=tuple(_audio(stream) for stream in probe.streams if _is_sound(stream)),
    )


def _picture(streams: list[_Stream]) -> _Stream:
    if not streams:
        raise InvalidMedia("The file has neither picture nor sound. Export it again and upload the new file.")
    pictures = [stream for stream in streams if stream.codec_type == "video"]
    films = [stream for stream in pictures if not stream.is_cover]
    if films:
        return films[0]
    if pictures:
        raise NoVideoStream("The file has a cover image, but no video. Upload a file that has a picture track.")
    raise NoVideoStream("The file has sound or data, but no picture. Upload a file that has a picture track.")


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
        pixel_format=None if stream.pix_fmt in (None, "unknown") else stream.pix_fmt,
        width=stream.width,
        height=stream.height,
        rotation_degrees=_clockwise_rotation(stream.side_data_list),
        sample_aspect_ratio=_ratio(stream.sample_aspect_ratio, ":") or 1.0,
        frame_rate=_ratio(stream.avg_frame_rate, "/"),
        duration_seconds=_positive(stream.duration),
        start_seconds=_number(stream.start_time) or 0.0,
        base_frame_rate=_ratio(stream.r_frame_rate, "/"),
    )


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
    )


def _clockwise_rotation(side_data: list[_SideData]) -> int:
    """Ffprobe counts anticlockwise; ffmpeg swaps the frame's sides only for (nearly) whole quarter turns."""
    for entry in side_data:
        if entry.rotation is not None and math.isfinite(entry.rotation):
            clockwise = -entry.rotation % 360
            nearest = round(clockwise / _QUARTER_TURN) * _QUARTER_TURN
            return nearest % 360 if abs(clockwise - nearest) < _QUARTER_TURN_TOLERANCE else 0
    return 0


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _positive(text: str) -> float | None:
    number = _number(text)
    return number if number is not None and number > 0 else None


def _ratio(text: str, sign: str) -> float | None:
    above, _, below = text.partition(sign)
    numerator, denominator = _positive(above), _positive(below)
    return numerator / denominator if numerator and denominator else None


def _printable(tag: str) -> str:
    return "".join(character for character in tag if character.isprintable()) or "no name"
