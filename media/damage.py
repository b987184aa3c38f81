"""How much of a source could not be decoded, and what that means. Pure."""

from typing import Final

from contracts.errors import InvalidMedia
from contracts.warnings import VideoWarning

FRAMES_LOST: Final = "frames_lost"
SOUND_LOST: Final = "sound_lost"

_MOST_LOST_PERCENT: Final = 1.0
_SIGNS: Final = ("corrupt decoded frame", "Error submitting packet to decoder", "Decoding error")
"""What ffmpeg says, once for each frame, when one comes out damaged or not at all (its ``ffmpeg_dec.c``).

It says the third of a video's last frames, which fail when the decoder is emptied: as many as there are threads.
"""


class DamageCounter:
    """Counts damaged frames of a picture, or packets of sound, in what ffmpeg says at ``-loglevel repeat+warning``.

    Attributes:
        frames: How many there were.
    """

    def __init__(self) -> None:
        """Know of none yet."""
        self.frames = 0

    def read_line(self, line: str) -> None:
        """Take one line of standard error."""
        self.frames += any(sign in line for sign in _SIGNS)


def most_lost(frames: int) -> int:
    """How many of so many frames may be lost at most."""
    return int(frames * _MOST_LOST_PERCENT / 100)


def judge_damage(lost: int, frames: int) -> VideoWarning | None:
    """Say what lost frames mean for a video.

    Args:
        lost: Frames that came out damaged or not at all.
        frames: Of all that there should be.

    Returns:
        A warning where a few are lost, None where none is.

    Raises:
        InvalidMedia: More than one in a hundred is lost.
    """
    if lost == 0:
        return None
    percent = 100 * lost / max(frames, 1)
    if percent > _MOST_LOST_PERCENT:
        raise InvalidMedia(
            f"The file is damaged: {lost} of about {frames} pictures ({percent:.1f} %) can't be decoded. Export it "
            "again, or copy it again from where it was made, and upload the new file."
        )
    pictures = "picture" if lost == 1 else "pictures"
    return VideoWarning(
        FRAMES_LOST, f"{lost} {pictures} of about {frames} could not be decoded: the uploaded file is damaged there."
    )


def judge_sound_damage(lost: int) -> VideoWarning | None:
    """Say what it means for a video that so many packets of its sound could not be decoded: it is watched all the same.

    Returns:
        A warning, or None where none was lost.
    """
    if lost == 0:
        return None
    return VideoWarning(
        SOUND_LOST, "Some of the sound could not be decoded, and is silent: the uploaded file is damaged there."
    )
