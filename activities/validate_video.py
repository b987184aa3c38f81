"""Step 1: is this a video that can be processed, and what is to be made of it?"""

from dataclasses import dataclass
from functools import partial

from temporalio import activity

from activities.from_parts import from_parts
from activities.heartbeat import heartbeats
from contracts.errors import LimitExceeded, UnknownProfile
from media.facts import FileFacts, facts_of
from media.ffmpeg import Ffmpeg
from media.limits import MediaLimits, bounded, check_price
from media.plan import TranscodePlan
from media.planning import plan
from media.profile import Profile, Profiles
from media.source_parts import need_for_validation
from media.validate import validate
from storage.protocol import Storage


@dataclass(frozen=True)
class ValidateVideoInput:
    """Which file, and what is wanted of it.

    Attributes:
        original_key: Storage key of the uploaded file.
        profile: Name of the encoding profile.
    """

    original_key: str
    profile: str


@dataclass(frozen=True)
class ValidateVideoResult:
    """What is to be made of it.

    Attributes:
        plan: Every decision; the later steps take them from here.
        why_not_encoded: Why what is copied may not be encoded instead, should it prove not to play; empty where it may.
        at_hand: Queue of the worker that has all of the file here now; None where no worker is nearer than another.
        source: What the file is, for people.
    """

    plan: TranscodePlan
    why_not_encoded: str = ""
    at_hand: str | None = None
    source: FileFacts | None = None


class ValidateVideoActivities:
    """``validate_video`` with its dependencies.

    Args:
        ffmpeg: The programs.
        storage: Where the files are.
        limits: What is refused.
        profiles: How videos are encoded.
        own_queue: Of this worker alone, where it keeps copies of what it reads.
    """

    def __init__(
        self, ffmpeg: Ffmpeg, storage: Storage, limits: MediaLimits, profiles: Profiles, own_queue: str | None = None
    ) -> None:
        self._own_queue = own_queue
        self._ffmpeg = ffmpeg
        self._storage = storage
        self._limits = limits
        self._profiles = profiles

    @activity.defn
    async def validate_video(self, request: ValidateVideoInput) -> ValidateVideoResult:
        """Read the original, decode a frame of it, and plan. Reads only, so it may run any number of times.

        Raises:
            InvalidMedia: It can't be read as a video, or ends early.
            NoVideoStream: It has no picture.
            Encrypted: It can't be read without a key.
            UnsupportedCodec: Its picture can't be decoded here.
            LimitExceeded: It is too long or too large, or would be too much to encode.
            UnknownProfile: This worker has no such profile.
            OriginalMissing: It is not in storage.
        """
        profile = self._profile(request.profile)
        async with heartbeats() as heartbeat, self._storage.fetch_partly(request.original_key) as source:
            await need_for_validation(self._ffmpeg, source)
            look = partial(validate, self._ffmpeg, source.path, self._limits, heartbeat.advance)
            probe = await from_parts(source, look)
            at_hand = self._own_queue if source.is_whole else None
        made = bounded(plan(probe, profile), probe, self._limits)
        check_price(made, self._limits)
        return ValidateVideoResult(
            plan=made,
            why_not_encoded=_why_not(made.encoding_what_was_copied(), self._limits),
            at_hand=at_hand,
            source=facts_of(probe),
        )

    def _profile(self, name: str) -> Profile:
        try:
            return self._profiles[name]
        except KeyError:
            raise UnknownProfile(
                f"There is no encoding profile {name} any more; there are {', '.join(self._profiles)}. Upload the "
                "video again with one of them."
            ) from None


def _why_not(made: TranscodePlan, limits: MediaLimits) -> str:
    try:
        check_price(made, limits)
    except LimitExceeded as refusal:
        return str(refusal)
    return ""
