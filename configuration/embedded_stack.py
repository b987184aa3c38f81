"""What ``rushes up`` brings along."""

from typing import Final, Literal

from pydantic import Field

from configuration.group import SettingsGroup

_MEBIBYTE: Final = 1024 * 1024


class EmbeddedStackSettings(SettingsGroup):
    """The embedded Temporal, and room for the embedded PostgreSQL."""

    # The embedded stack
    embedded_temporal: bool = Field(
        default=True,
        description="Whether `rushes up` runs a Temporal of its own. `false`: it uses the one that TEMPORAL_ADDRESS "
        "and its kin name.",
    )
    temporal_port: int = Field(
        default=7233, ge=0, le=65535, description="Port of the embedded Temporal server; 0 takes any free one."
    )
    temporal_ui: Literal["on", "off"] = Field(
        default="on",
        description="Whether the embedded Temporal has its Web UI. Whoever reaches it can end and begin runs.",
    )
    temporal_ui_port: int = Field(
        default=8233, ge=0, le=65535, description="Port of the embedded Temporal Web UI; 0 takes any free one."
    )
    ballast_bytes: int = Field(
        default=64 * _MEBIBYTE,
        ge=0,
        description="What `rushes up` takes of the disk of RUSHES_HOME, in bytes, and gives back when that is full, so "
        "that videos can be deleted there; 0 for nothing.",
    )
