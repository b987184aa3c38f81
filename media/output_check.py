"""Whether an output is what its plan asked for. Pure."""

from dataclasses import replace
from typing import Final

from contracts.errors import OutputMismatch
from media.model import AudioStream, MediaProbe, VideoStream
from media.plan import PicturePlan, SoundPlan, StreamAction, TranscodePlan

LEAST_TOLERANCE_SECONDS: Final = 0.5
TOLERANCE_FRACTION: Final = 0.01
SYNC_TOLERANCE_SECONDS: Final = 0.04
"""Sound and picture may begin so far from where they are planned; a viewer notices more (ITU-R BT.1359)."""


def duration_tolerance(duration_seconds: float) -> float:
    """How far a file may fall short of what its header promises: half a second or one part in a hundred."""
    return max(LEAST_TOLERANCE_SECONDS, duration_seconds * TOLERANCE_FRACTION)


def check_streams(plan: TranscodePlan, output: MediaProbe) -> None:
    """Compare picture and sound with the plan.

    Raises:
        OutputMismatch: The first difference.
    """
    video, sound = output.video, output.audio[0] if output.audio else None
    comparisons: list[tuple[str, object, object]] = [
        ("codec of the picture", video.codec, "h264"),
        ("pixel format", video.pixel_format, "yuv420p"),
        ("size of the picture", _size(video.display_size), _size((plan.picture.width, plan.picture.height))),
        ("rotation", video.rotation_degrees, plan.picture.rotation_degrees),
        ("pixel aspect ratio", video.sample_aspect_ratio, 1.0),
        ("number of sound tracks", len(output.audio), 1 if plan.sound is not None else 0),
        ("number of other streams", len(output.others), 0),
    ]
    if sound is not None and plan.sound is not None:
        comparisons += [
            ("codec of the sound", sound.codec, "aac"),
            ("channels", sound.channels, plan.sound.channels),
            ("sample rate", sound.sample_rate_hertz, plan.sound.sample_rate_hertz),
        ]
    for what, found, wanted in comparisons:
        if found != wanted:
            raise OutputMismatch(f"The output's {what} is {found} instead of {wanted}.")


def check_times(plan: TranscodePlan, output: MediaProbe, packets: tuple[int, int | None]) -> None:
    """Compare lengths and sync with the plan, by every packet of the output.

    Args:
        plan: What was asked for.
        output: What came of it, surveyed.
        packets: How many of picture and sound it has to have; None where that is not known.

    Raises:
        OutputMismatch: The first difference.
    """
    picture = plan.picture
    if picture.action is StreamAction.ENCODE:  # how long the source's last frame stands was a guess before
        picture = replace(picture, seconds=packets[0] / picture.encoding.frame_rate)
    _check_stream("picture", picture, output.video, packets[0])
    if plan.sound is not None and output.audio:
        _check_stream("sound", plan.sound, output.audio[0], packets[1])


def _check_stream(
    what: str, plan: PicturePlan | SoundPlan, stream: VideoStream | AudioStream, packets: int | None
) -> None:
    survey = stream.survey
    if survey is None or not survey.in_order or not survey.starts_with_keyframe:
        raise OutputMismatch(f"The output's {what} has no packets, or they are not in order.")
    if packets is not None and survey.packets != packets:
        raise OutputMismatch(f"The output's {what} has {survey.packets} packets instead of {packets}.")
    if abs(survey.first_seconds - plan.delay_seconds) > SYNC_TOLERANCE_SECONDS:
        raise OutputMismatch(
            f"The output's {what} begins at {survey.first_seconds:.3f} s instead of {plan.delay_seconds:.3f} s."
        )
    if abs(survey.seconds - plan.seconds) > LEAST_TOLERANCE_SECONDS:
        raise OutputMismatch(f"The output's {what} is {survey.seconds:.1f} s long instead of {plan.seconds:.1f} s.")


def _size(pixels: tuple[int, int]) -> str:
    return f"{pixels[0]}x{pixels[1]}"
