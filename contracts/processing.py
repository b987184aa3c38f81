"""What starts a video's workflow, and what it tells of itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DEFAULT_PROFILE: Final = "web"
"""The encoding profile of a video whose upload names none."""


class Step(StrEnum):
    """The steps of one video, in the order in which they begin."""

    VALIDATE = "validate"
    TRANSCODE = "transcode"
    THUMBNAIL = "thumbnail"
    VERIFY = "verify"
    PUBLISH = "publish"
    FINISH = "finish"


@dataclass(frozen=True)
class VideoProcessingInput:
    """Input of ``VideoProcessingWorkflow``.

    Attributes:
        video_id: The row's id, a UUID in its text form.
        user_id: Who uploaded it.
        original_key: Storage key of the uploaded file.
        attempt: Which attempt of the row this run serves: 1 for the upload, one more for each retry.
        profile: Name of the encoding profile, one of those of ``media.profile.load_profiles``.
    """

    video_id: str
    user_id: str
    original_key: str
    attempt: int = 1
    profile: str = DEFAULT_PROFILE


@dataclass(frozen=True)
class VideoProcessingResult:
    """Result of ``VideoProcessingWorkflow``: what was published.

    Attributes:
        video_key: Storage key of the video.
        thumbnail_key: Storage key of the thumbnail.
        duration_seconds: Length of the published video.
        width: Pixels, as displayed.
        height: Pixels, as displayed.
        size_bytes: Size of the published video.
    """

    video_key: str
    thumbnail_key: str
    duration_seconds: float
    width: int
    height: int
    size_bytes: int


@dataclass(frozen=True)
class VideoProgress:
    """How far a run is, as the workflow's ``progress`` query tells it.

    Attributes:
        step: The step that runs, or the last one that did.
        steps_done: How many of the steps are complete.
        steps_total: How many there are.
        attempt: Which attempt of the row this run serves.
    """

    step: Step
    steps_done: int
    steps_total: int
    attempt: int


@dataclass(frozen=True)
class TranscodeProgress:
    """Heartbeat details of ``transcode_video``; sent only when ``out_time_seconds`` has advanced.

    Attributes:
        out_time_seconds: How much of the output is written.
        fraction: The same as a part of the source's length, 0 to 1.
        speed: Seconds of video encoded in a second, or None until ffmpeg says.
    """

    out_time_seconds: float
    fraction: float
    speed: float | None = None
