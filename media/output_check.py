"""Whether an output is what its plan asked for. Pure."""

from contracts.errors import InvalidMedia, OutputMismatch
from media.model import MediaProbe, TranscodePlan

LEAST_TOLERANCE_SECONDS = 0.5
TOLERANCE_FRACTION = 0.01


def duration_tolerance(duration_seconds: float) -> float:
    """How far an output's length may be from what was planned: half a second or one part in a hundred."""
    return max(LEAST_TOLERANCE_SECONDS, duration_seconds * TOLERANCE_FRACTION)


def check_streams(plan: TranscodePlan, output: MediaProbe) -> None:
    """Compare picture and sound with the plan.

    Raises:
        OutputMismatch: The first difference.
    """
    video = output.video
    has_sound, wants_sound = bool(output.audio), plan.audio_index is not None
    comparisons: list[tuple[str, object, object]] = [
        ("codec of the picture", video.codec, "h264"),
        ("pixel format", video.pixel_format, plan.pixel_format),
        ("size of the picture", f"{video.width}x{video.height}", f"{plan.width}x{plan.height}"),
        ("rotation", video.rotation_degrees, 0),
        ("pixel aspect ratio", video.sample_aspect_ratio, 1.0),
        ("number of sound tracks", len(output.audio), 1 if wants_sound else 0),
    ]
    if has_sound and wants_sound:
        sound = output.audio[0]
        comparisons += [
            ("codec of the sound", sound.codec, "aac"),
            ("channels", sound.channels, plan.audio_channels),
            ("sample rate", sound.sample_rate_hertz, plan.audio_sample_rate_hertz),
        ]
    for what, found, wanted in comparisons:
        if found != wanted:
            raise OutputMismatch(f"The output's {what} is {found} instead of {wanted}.")


def check_duration(plan: TranscodePlan, output_seconds: float, source: MediaProbe) -> None:
    """Compare the output's length with the plan's, where the source told its length at all.

    A source tells it twice, by its header and by its tracks; the longer one is not held against the output.

    Raises:
        InvalidMedia: The output is shorter: ffmpeg reached the source's end before the length that its header
            promises, so the source is cut off.
        OutputMismatch: The output is longer, or has no length.
    """
    if output_seconds <= 0:
        raise OutputMismatch("The output has no length.")
    if plan.duration_seconds <= 0:
        return
    tolerance = duration_tolerance(plan.duration_seconds)
    if output_seconds < plan.duration_seconds - tolerance:
        raise InvalidMedia(
            f"The file ends early: it promises {plan.duration_seconds:.1f} s and holds {output_seconds:.1f} s. Export "
            "it again and upload the new file."
        )
    if output_seconds > max(plan.duration_seconds, source.duration_seconds) + tolerance:
        raise OutputMismatch(f"The output is {output_seconds:.1f} s long instead of {plan.duration_seconds:.1f} s.")
