"""Step 1: is this a video that can be processed?"""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import signs_of_life
from media.ffmpeg import Ffmpeg
from media.model import MediaProbe
from media.plan import MediaLimits
from storage.protocol import Storage


@dataclass(frozen=True)
class ValidateVideoInput:
    """Which file.

    Attributes:
        original_key: Storage key of the uploaded file.
    """

    original_key: str


@dataclass(frozen=True)
class ValidateVideoResult:
    """What the file is.

    Attributes:
        probe: Its container and streams.
    """

    probe: MediaProbe


class ValidateVideoActivities:
    """``validate_video`` with its dependencies."""

    def __init__(self, ffmpeg: Ffmpeg, storage: Storage, limits: MediaLimits) -> None:
        self._ffmpeg = ffmpeg
        self._storage = storage
        self._limits = limits

    @activity.defn
    async def validate_video(self, request: ValidateVideoInput) -> ValidateVideoResult:
        """Probe the original and decode a frame of it. Reads only, so it may run any number of times.

        Raises:
            InvalidMedia: It can't be read as a video, or ends early.
            NoVideoStream: It has no picture.
            UnsupportedCodec: Its picture can't be decoded here.
            LimitExceeded: It is too long or too large.
            OriginalMissing: It is not in storage.
        """
        async with signs_of_life():
            source = await self._storage.original_path(request.original_key)
            return ValidateVideoResult(probe=await self._ffmpeg.validate(source, self._limits))
