"""What videos may be, and the programs that make them."""

from typing import Literal

from pydantic import Field

from configuration.group import AbsolutePath, SettingsGroup


class MediaSettings(SettingsGroup):
    """ffmpeg: which, with what around it, for which videos."""

    # Media
    profiles: AbsolutePath | None = Field(
        default=None,
        description="A TOML file with encoding profiles of your own; those of `media/profiles.toml` are there as well, "
        "and one of the same name takes the place of ours. Api and workers need the same.",
    )
    ffmpeg: AbsolutePath | None = Field(
        default=None,
        description="The ffmpeg program. Default: the one of the installed wheel, then the one on the path.",
    )
    ffprobe: AbsolutePath | None = Field(
        default=None, description="The ffprobe program. Default: as for RUSHES_FFMPEG."
    )
    sandbox: Literal["required", "auto", "off"] = Field(
        default="auto",
        description="What is around ffmpeg, which reads strangers' files: the strongest sandbox that works here; with "
        "`required` a worker without one does not start, with `off` there are limits alone. `rushes doctor` tells.",
    )
    max_duration_seconds: float = Field(
        default=6 * 3600, gt=0, description="Longest video that is processed, in seconds."
    )
    max_pixels: int = Field(
        default=8192 * 4320, gt=0, description="Largest picture that is processed, as width times height in pixels."
    )
    max_encoded_pixels: int = Field(
        default=4_000_000_000_000,
        gt=0,
        description="Dearest encode that is begun, as frames times pixels of each; five hours of 1080p at 60 frames a "
        "second are 2.2e12. Of the original ten times as many are decoded.",
    )
    max_frame_rate: float = Field(
        default=1000,
        gt=0,
        description="Most frames a second of a video that is processed, on average over its length.",
    )
    stall_seconds: float = Field(
        default=60,
        gt=0,
        description="How long ffmpeg may stand still (no media time, no output, no processor time), in seconds, before "
        "it is taken for hanging and ended.",
    )
