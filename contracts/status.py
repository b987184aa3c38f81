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
