"""What starts a video's workflows, and what they tell of themselves."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DEFAULT_PROFILE: Final = "web"
"""The encoding profile of a video whose upload names none."""


class Step(StrEnum):
    """The steps of one video, in the order in which they begin; only an import begins with ``FETCH``."""

    FETCH = "fetch"
    VALIDATE = "validate"
    TRANSCODE = "transcode"
    JOIN = "join"
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
        imported: Whether the original is fetched first, from the URL in the row. The URL itself is not in here: it may
            be presigned, and histories are read by more people than rows.
        hash_is_known: Whether the row has the file's SHA-256; else the run computes it.
        reprocess: Whether the video is ready and stays so: what the run makes is published beside what is served.
        minutes_count: Whether its user has a limit of minutes that it is held against once its length is known.
    """

    video_id: str
    user_id: str
    original_key: str
    attempt: int = 1
    profile: str = DEFAULT_PROFILE
    imported: bool = False
    hash_is_known: bool = True
    reprocess: bool = False
    minutes_count: bool = False


@dataclass(frozen=True)
class VideoDeletionInput:
    """Input of ``VideoDeletionWorkflow``.

    Attributes:
        video_id: The row's id, a UUID in its text form.
        user_id: Whose video it was.
        original_key: Storage key of the uploaded file.
    """

    video_id: str
    user_id: str
    original_key: str


@dataclass(frozen=True)
class StepProgress:
    """Heartbeat details of every step: how far it is.

    Attributes:
        fraction: Of the step, 0 to 1; never less than an earlier attempt of it has told.
        speed: Seconds of media in a second, or None where that says nothing.
    """

    fraction: float = 0.0
    speed: float | None = None
