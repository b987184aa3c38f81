"""What the owner of a ready video should know."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VideoWarning:
    """Something of the video that did not come through as it was, though the video is ready.

    Attributes:
        code: A stable name, such as ``sound_left_out``.
        message: A sentence that its owner understands.
    """

    code: str
    message: str
