"""Encoding profiles: what an output shall be like, as data. The shipped ones are in ``profiles.toml`` beside this file.

Why their numbers are what they are: ``docs/decisions/0003-encoding-profile.md``.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

_SHIPPED: Final = Path(__file__).with_name("profiles.toml")
_NAME_PATTERN: Final = r"^[a-z][a-z0-9_-]{0,39}$"

ProfileName = Annotated[str, Field(pattern=_NAME_PATTERN)]
Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"
]


class ProfilesInvalid(Exception):
    """A file of profiles can't be used; the text names file, line and field, and what to write."""


class Profile(BaseModel):
    """How outputs of one kind are made, whatever the source is.

    Attributes:
        name: By which an upload asks for it; in the file it is the name of the table.
        description: For people who choose.
        max_short_side: Pixels of the shorter side of the output; a larger picture is scaled down, none is enlarged.
        max_long_side: The same of the longer side, or None for as many as the level allows.
        max_frame_rate: Frames a second that are never exceeded.
        max_level: Highest H.264 level (ITU-T H.264, table A-1) of the output. A picture that needs more for its size
            and frame rate is scaled down.
        max_copy_bit_rate: Bits a second over the whole length that a picture may have to be copied.
        video_encoder: ffmpeg's name of it.
        preset: Speed preset of x264.
        crf: Constant rate factor of x264, 1 to 51; lower is better and larger.
        max_bit_rate: Bits a second that the encoder does not exceed over two seconds, whatever ``crf`` asks for; less
            where the level allows less.
        gop_seconds: Time between two keyframes of an encoded picture; all its GOPs are closed and of this length.
        max_keyframe_gap_seconds: Longest time between keyframes of a picture that is copied, so that it can be sought.
        audio_bit_rate: Bits a second of stereo sound; mono takes half.
        audio_channels: Most channels of the output; more are mixed down.
        loudness_lufs: Integrated loudness (EBU R 128) that sound is brought to, or None to leave it as it is.
        chunk_seconds: Length of the pieces in which a long picture is encoded; rounded to whole GOPs.
        chunk_threshold_seconds: A picture that is longer is encoded in chunks.
        thumbnail: ``at_one_second``, or ``representative`` for the most typical of several frames.
        thumbnail_max_width: Pixels.
    """

    # TOML has types, so "23" is no number and true is no 1.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: ProfileName
    description: str = ""
    max_short_side: Annotated[int, Field(ge=16, le=8192)]
    max_long_side: Annotated[int, Field(ge=16, le=16384)] | None = None
    max_frame_rate: Annotated[float, Field(ge=1, le=240)] = 60.0
    max_level: Annotated[float, Field(ge=1, le=6.2)] = 5.2
    max_copy_bit_rate: Annotated[int, Field(gt=0)]
    video_encoder: Literal["libx264"] = "libx264"
    preset: Preset = "fast"
    crf: Annotated[int, Field(ge=1, le=51)]
    max_bit_rate: Annotated[int, Field(ge=100_000)]
    gop_seconds: Annotated[float, Field(ge=0.5, le=10)] = 2.0
    max_keyframe_gap_seconds: Annotated[float, Field(ge=0.5, le=60)] = 20.0
    audio_bit_rate: Annotated[int, Field(ge=16_000, le=512_000)] = 128_000
    audio_channels: Literal[1, 2] = 2
    loudness_lufs: Annotated[float, Field(ge=-40, le=-5)] | None = None
    chunk_seconds: Annotated[float, Field(ge=2, le=300, validate_default=True)] = 6.0
    chunk_threshold_seconds: Annotated[float, Field(gt=0)] = 9.0
    thumbnail: Literal["at_one_second", "representative"] = "at_one_second"
    thumbnail_max_width: Annotated[int, Field(ge=16, le=8192)] = 1280

    @field_validator("chunk_seconds")
    @classmethod
    def _holds_a_gop(cls, chunk_seconds: float, fields: ValidationInfo) -> float:
        gop_seconds = fields.data.get("gop_seconds", 0.0)
        if chunk_seconds < gop_seconds:
            raise PydanticCustomError(
                "chunk_too_short",
                "Input should be at least gop_seconds, which is {gop_seconds}",
                {"gop_seconds": gop_seconds},
            )
        return chunk_seconds


Profiles = Mapping[str, Profile]


def load_profiles(own: Path | None = None) -> Profiles:
    """The shipped profiles, and those of the operator's own file where one is named.

    Raises:
        ProfilesInvalid: A file is not there, is not TOML, or a profile of it can't be used.
    """
    profiles = _read(_SHIPPED)
    if own is not None:
        profiles |= _read(own)
    return MappingProxyType(profiles)


def _read(file: Path) -> dict[str, Profile]:
    try:
        text = file.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ProfilesInvalid(f"{file}: the profiles can't be read: {reason}. Mend RUSHES_PROFILES.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfilesInvalid(f"{file}: not valid TOML: {error}.") from error
    return {name: _profile(file, text, name, table) for name, table in tables.items()}


def _profile(file: Path, text: str, name: str, table: object) -> Profile:
    if not isinstance(table, dict):
        where = max(_line_of(text, None, name), _line_of(text, name, ""))  # ``name = …``, or ``[[name]]``
        raise ProfilesInvalid(f"{file}, line {where}: {name} stands outside any profile; write [name] above it.")
    if "name" in table:
        where = _line_of(text, name, "name")
        raise ProfilesInvalid(f"{file}, line {where}: [{name}] name: a profile is named by the line in brackets alone.")
    try:
        return Profile.model_validate({**table, "name": name})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = str(problem["loc"][0]) if problem["loc"] else ""
        where = _line_of(text, name, field)
        raise ProfilesInvalid(f"{file}, line {where}: [{name}] {field}: {problem['msg']}.") from None


def _line_of(text: str, table: str | None, field: str) -> int:
    """The line, from 1, of a field in a table; the table's own line where the field is missing."""
    current, line_of_table = None, 1
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            current = stripped.partition("]")[0].strip("[] \"'")
            if current == table:
                line_of_table = number
        elif current == table and stripped.partition("=")[0].strip(" \"'") == field:
            return number
    return line_of_table
