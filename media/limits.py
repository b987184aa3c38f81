"""What this service accepts of a file, known before anything of it is decoded. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from contracts.errors import InvalidMedia, LimitExceeded
from media.model import MediaProbe, PacketSurvey
from media.plan import StreamAction, TranscodePlan
from media.planning import taken_seconds

MAX_SIDE: Final = 16384
"""Pixels: x264 takes no wider or higher picture."""

_DECODED_TO_ENCODED: Final = 10
"""A pixel is decoded in about a tenth of the time in which one is encoded."""

_BLOCK: Final = 64
"""A decoder's picture is larger than what is shown of it, by less than that at two sides."""

_ROOM: Final = 4
_LEAST_ROOM: Final = (3840 + _BLOCK) * (2160 + _BLOCK)
"""So large may pictures become on the way, or four times as large as the header says: recordings of calls and of
broadcasts change their size."""


@dataclass(frozen=True)
class MediaLimits:
    """What this service accepts.

    Attributes:
        max_duration_seconds: Longest video.
        max_pixels: Largest picture, width times height, as stored and as displayed.
        max_encoded_pixels: Dearest encode: frames of the output times pixels of each. Of the source, ten times as many.
        max_frame_rate: Most frames a second of the source, on average: minutes are what a user's quota counts.
    """

    max_duration_seconds: float
    max_pixels: int
    max_encoded_pixels: int
    max_frame_rate: float


def check_limits(probe: MediaProbe, limits: MediaLimits) -> None:
    """Refuse what would take too long or too much memory, before anything is decoded.

    Raises:
        InvalidMedia: The picture's shape leaves nothing of it to be seen.
        LimitExceeded: The video is too long, its picture too large, or its frames are too many.
    """
    video = probe.video
    longest = max(probe.duration_seconds, video.duration_seconds or 0.0, _surveyed_seconds(probe))
    if longest > limits.max_duration_seconds:
        raise LimitExceeded(
            f"The video is {_as_time(longest)} long; at most {_as_time(limits.max_duration_seconds)} is accepted. "
            "Cut it shorter and upload the new file."
        )
    if min(video.display_size) < 1:
        raise InvalidMedia(
            f"The picture can't be seen: its {video.width}x{video.height} pixels are to be shown as "
            "{}x{}. Export it with square pixels and upload the new file.".format(*video.display_size)
        )
    for width, height in ((video.width, video.height), video.display_size):
        if width * height > limits.max_pixels or max(width, height) > MAX_SIDE:
            raise LimitExceeded(
                f"The picture is {width}x{height} pixels; at most {limits.max_pixels} in all, and {MAX_SIDE} a side, "
                "are accepted. Export it smaller and upload the new file."
            )
    if video.survey is not None:
        _check_frames(video.survey, video.width * video.height, limits)


def _surveyed_seconds(probe: MediaProbe) -> float:
    """Length by the packets, sound included.

    A talk goes on for hours after its one picture, so sound may as long as any video; silence is encoded until its last
    packet, wherever that lies.
    """
    survey = probe.video.survey
    return max(survey.seconds, taken_seconds(probe)) if survey is not None else 0.0


def _check_frames(survey: PacketSurvey, pixels: int, limits: MediaLimits) -> None:
    """A frame that repeats the one before takes some forty bytes, and as long to decode as any other."""
    if survey.packets > limits.max_frame_rate * max(1.0, survey.seconds):
        raise LimitExceeded(
            f"The video has {survey.packets} frames in {survey.seconds:.3g} s; at most {limits.max_frame_rate:g} a "
            "second are accepted. Export it with fewer frames a second and upload the new file."
        )
    price, most = survey.packets * pixels, _DECODED_TO_ENCODED * limits.max_encoded_pixels
    if price > most:
        raise LimitExceeded(
            f"The video has {survey.packets} frames of {pixels} pixels, {price:.2g} pixels in all; at most {most:.2g} "
            "are accepted. Export it shorter, smaller or with fewer frames a second and upload the new file."
        )


def bounded(plan: TranscodePlan, probe: MediaProbe, limits: MediaLimits) -> TranscodePlan:
    """The plan, by which no picture is decoded that is so much larger than the header says that it was priced too low.

    Each of them might be of that size, and all together still be affordable.

    Args:
        plan: Of a file that was accepted.
        probe: What is in it, surveyed.
        limits: What is accepted.
    """
    video = probe.video
    packets = video.survey.packets if video.survey is not None else 1
    affordable = _DECODED_TO_ENCODED * limits.max_encoded_pixels // max(1, packets)
    room = max(_ROOM * video.width * video.height, _LEAST_ROOM)
    most_pixels = max((video.width + _BLOCK) * (video.height + _BLOCK), min(room, affordable))
    return replace(
        plan,
        picture=replace(plan.picture, most_pixels=most_pixels),
        thumbnail=replace(plan.thumbnail, most_pixels=most_pixels),
    )


def check_price(plan: TranscodePlan, limits: MediaLimits) -> None:
    """Refuse an encode that would hold its workers for days, before it begins.

    Raises:
        LimitExceeded: It has too many frames for their size.
    """
    picture = plan.picture
    frames = picture.encoding.frames
    price = frames * picture.width * picture.height
    if picture.action is StreamAction.ENCODE and price > limits.max_encoded_pixels:
        raise LimitExceeded(
            f"The video would have to be encoded as {frames} frames of {picture.width}x{picture.height} "
            f"pixels, {price:.2g} pixels in all; at most {limits.max_encoded_pixels:.2g} are accepted. Export it "
            "shorter, smaller or with fewer frames a second and upload the new file."
        )


def _as_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
