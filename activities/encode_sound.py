"""Step 2, for sound that has to be encoded: all of it, beside the picture."""

from dataclasses import dataclass
from functools import partial

from temporalio import activity

from activities.done_before import DoneBefore
from activities.from_parts import from_parts
from activities.heartbeat import heartbeats
from activities.work_names import named_by_what_makes_it
from contracts.storage_keys import WorkFile
from contracts.warnings import VideoWarning
from media.damage import judge_sound_damage
from media.encode import encode_sound
from media.ffmpeg import Ffmpeg
from media.plan import SoundPlan
from media.source_parts import need_for_stream
from storage.protocol import Storage
from threads.files import off_loop


@dataclass(frozen=True)
class EncodeSoundInput:
    """Which sound, and how.

    Attributes:
        video_id: Whose work files get it.
        original_key: Storage key of the uploaded file.
        sound: What becomes of it, from the plan.
        origin_seconds: The source's time at which the output begins, from the plan.
        making: Which making of the output this is, from 1.
    """

    video_id: str
    original_key: str
    sound: SoundPlan
    origin_seconds: float
    making: int


@dataclass(frozen=True)
class EncodeSoundResult:
    """What was written.

    Attributes:
        file: The sound, in an MP4.
        warnings: What the video's owner should know.
    """

    file: WorkFile
    warnings: tuple[VideoWarning, ...] = ()


class EncodeSoundActivities:
    """``encode_sound`` with its dependencies."""

    def __init__(self, ffmpeg: Ffmpeg, storage: Storage) -> None:
        self._ffmpeg = ffmpeg
        self._storage = storage
        self._done = DoneBefore(storage, EncodeSoundResult)

    @activity.defn
    async def encode_sound(self, request: EncodeSoundInput) -> EncodeSoundResult:
        """Encode the original's sound and decode it again. Done already, by whichever attempt, is a success.

        Raises:
            InvalidMedia: None of it can be decoded.
            OutputMismatch: It is not as long as planned.
            TranscodeFailed: Ffmpeg ended with an error, was killed, or hung.
            OriginalMissing: The original is not in storage.
            StorageFailed: It can't be written.
        """
        made_of = (request.original_key, request.sound, request.origin_seconds, request.making)
        key = named_by_what_makes_it(request.video_id, "sound", ".mp4", *made_of, self._ffmpeg.version)
        seconds = request.sound.seconds
        async with heartbeats() as heartbeat:
            if (done := await self._done.find(key)) is not None:
                return done
            async with self._storage.fetch_partly(request.original_key) as source, self._storage.create(key) as target:
                encode = partial(
                    encode_sound,
                    self._ffmpeg,
                    request.sound,
                    source.path,
                    target,
                    origin_seconds=request.origin_seconds,
                    on_progress=lambda advance: heartbeat.advance(advance.out_time_seconds, seconds, advance.speed),
                )
                await need_for_stream(self._ffmpeg, source, request.sound.index)
                lost = await from_parts(source, encode, lambda lost_packets: lost_packets == 0)
                size_bytes = (await off_loop(target.stat)).st_size
                warning = judge_sound_damage(lost)
                result = EncodeSoundResult(WorkFile(key, size_bytes), (warning,) if warning is not None else ())
                await self._done.remember(key, target, result)
            return await self._done.standing(key)
