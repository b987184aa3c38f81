"""Where a video stands."""

from enum import StrEnum


class VideoStatus(StrEnum):
    """The life of a video: ``uploading -> processing -> ready | error``.

    Every change is one compare-and-set UPDATE. Out of ``ready`` and ``error`` only an explicit retry leads.
    """

    UPLOADING = "uploading"
    PROCESSING = "processing"
    READY = "ready"
    ERROR = "error"


class Visibility(StrEnum):
    """Who may see the published files of a video."""

    PRIVATE = "private"
    """Its owner, administrators, and whoever has a signed link."""

    PUBLIC = "public"
    """Everybody who knows their address."""
