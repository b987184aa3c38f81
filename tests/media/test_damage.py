"""A scratch is told, a ruin is refused."""

import pytest

from contracts.errors import InvalidMedia
from media.damage import FRAMES_LOST, DamageCounter, judge_damage


def test_a_frame_counts_as_lost_when_ffmpeg_says_so() -> None:
    damage = DamageCounter()
    for line in (
        "[vist#0:0/h264 @ 0x5581] [dec:h264 @ 0x5582] corrupt decoded frame",
        "[vist#0:0/h264 @ 0x5581] [dec:h264 @ 0x5582] Error submitting packet to decoder: Invalid data found",
        "[vist#0:0/h264 @ 0x5581] [dec:h264 @ 0x5582] Decoding error: Invalid data found",
        "[h264 @ 0x5583] error while decoding MB 3 4, bytestream -5",
        "",
    ):
        damage.read_line(line)
    assert damage.frames == 3


def test_nothing_lost_is_nothing_to_tell() -> None:
    assert judge_damage(0, 250) is None
    assert judge_damage(0, 0) is None


@pytest.mark.parametrize(
    ("lost", "frames", "words"), [(1, 250, "1 picture of about 250"), (3, 300, "3 pictures of about 300")]
)
def test_up_to_one_in_a_hundred_is_a_warning(lost: int, frames: int, words: str) -> None:
    warning = judge_damage(lost, frames)
    assert warning is not None
    assert warning.code == FRAMES_LOST
    assert warning.message.startswith(words)


@pytest.mark.parametrize(("lost", "frames", "words"), [(4, 300, r"4 of about 300 pictures \(1\.3 %\)"), (1, 0, "1 of")])
def test_more_is_refused_with_the_figure(lost: int, frames: int, words: str) -> None:
    with pytest.raises(InvalidMedia, match=words):
        judge_damage(lost, frames)
