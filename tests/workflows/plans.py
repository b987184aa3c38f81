"""Plans as ``validate_video`` would make them, for runs whose activities are scripted."""

from dataclasses import replace
from typing import Final

from media.plan import (
    PictureEncoding,
    PicturePlan,
    SoundEncoding,
    SoundPlan,
    SourceColours,
    StreamAction,
    ThumbnailPlan,
    TranscodePlan,
)

CHUNK_SECONDS: Final = 6
_RATE: Final = 25
_COLOURS: Final = SourceColours(tone_map=None, matrix="bt709", full_range=False)


def copied_plan(seconds: float = 10.0) -> TranscodePlan:
    """Picture and sound go into the output as they are."""
    encoding = PictureEncoding(
        encoder="libx264",
        preset="fast",
        crf=23,
        max_bit_rate=20_000_000,
        frame_rate=_RATE,
        frames=round(seconds * _RATE),
        gop_frames=2 * _RATE,
        deinterlace=False,
        colours=_COLOURS,
    )
    picture = PicturePlan(
        index=0,
        action=StreamAction.COPY,
        why="",
        width=1280,
        height=720,
        rotation_degrees=0,
        seconds=seconds,
        delay_seconds=0.0,
        packets=round(seconds * _RATE),
        encoding=encoding,
    )
    sound = SoundPlan(
        index=1,
        action=StreamAction.COPY,
        why="",
        channels=2,
        sample_rate_hertz=48_000,
        seconds=seconds,
        delay_seconds=0.0,
        packets=round(seconds * 48_000 / 1024),
        encoding=SoundEncoding("aac", 128_000, channels=2, sample_rate_hertz=48_000, loudness_lufs=None),
    )
    return TranscodePlan(
        profile="web",
        origin_seconds=0.0,
        duration_seconds=seconds,
        picture=picture,
        chunk_starts=tuple(range(0, max(1, round(seconds * _RATE)), CHUNK_SECONDS * _RATE)),
        sound=sound,
        thumbnail=ThumbnailPlan(0, 1.0, (5.0,), 1280, 720, representative=False, colours=_COLOURS),
        dropped=(),
        memory_bytes=250_000_000,
    )


def encoded_plan(chunks: int = 1, *, encoded_sound: bool = False) -> TranscodePlan:
    """The picture is encoded in so many chunks; the sound is copied, or encoded as well."""
    plan = copied_plan(seconds=float(chunks * CHUNK_SECONDS))
    picture = replace(plan.picture, action=StreamAction.ENCODE, why="the picture is hevc", packets=0)
    plan = replace(plan, picture=picture)
    return with_encoded_sound(plan) if encoded_sound else plan


def with_encoded_sound(plan: TranscodePlan) -> TranscodePlan:
    """The same with sound that has to be encoded."""
    assert plan.sound is not None
    return replace(plan, sound=replace(plan.sound, action=StreamAction.ENCODE, why="the sound is opus", packets=0))


def without_sound(plan: TranscodePlan) -> TranscodePlan:
    """The same of a silent film."""
    return replace(plan, sound=None)
