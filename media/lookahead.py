"""How many frames x264 holds: it looks ahead of each one before it puts it out."""

from typing import Final

_FRAMES: Final = {
    "ultrafast": 0,
    "superfast": 0,
    "veryfast": 10,
    "faster": 20,
    "fast": 30,
    "medium": 40,
    "slow": 50,
    "slower": 60,
    "veryslow": 60,
    "placebo": 60,
}
"""``rc-lookahead`` of x264's presets, as ``x264 --fullhelp`` has it; B-frames and threads hold a few more."""


def frames_taken_in(preset: str, put_out: int, whole: int) -> int:
    """How many frames of a chunk an encode has worked on.

    Its report counts what it has put out. What it holds is worked on as well, for the greater part, and comes out
    within moments at the end, so counting that as left makes a short chunk look slower than it is.

    Args:
        preset: Of x264.
        put_out: Frames so far.
        whole: Frames of the chunk.
    """
    return min(whole, put_out + _FRAMES.get(preset, 0)) if put_out else 0
