"""The levels of H.264, and what a picture of a level may be. Pure.

A player says up to which level it decodes: phones' and TVs' decoders stop there. x264 marks a video with the lowest
level that it keeps, so a picture that keeps these limits gets no higher one than its profile allows.
"""

from dataclasses import dataclass
from math import ceil, isqrt, sqrt
from typing import Final

from media.profile import Preset, Profile

_BLOCK: Final = 16
"""Pixels a side of a macroblock."""
_LONG_SIDES: Final = 8
"""A picture may be so many times as long as it is high (ITU-T H.264, A.3.1: a side of at most the root of 8 MaxFS)."""
_HIGH_PROFILE: Final = 1250
"""What profile High may have of a kilobit of the table (cpbBrVclFactor)."""
_KEPT_FOR_REORDERING: Final = 4
"""Frames that x264 has players hold at least, as its B-frames are references too."""
_MOST_REFERENCES: Final = 16
_REFERENCES: Final[dict[Preset, int]] = {
    "ultrafast": 1,
    "superfast": 1,
    "veryfast": 1,
    "faster": 2,
    "fast": 2,
    "medium": 3,
    "slow": 5,
    "slower": 8,
    "veryslow": 16,
    "placebo": 16,
}
"""Reference frames of x264's presets."""


@dataclass(frozen=True)
class Level:
    """A row of table A-1 of ITU-T H.264, for profile High.

    Attributes:
        number: Such as 4.1.
        blocks_a_second: Macroblocks (MaxMBPS).
        blocks: Macroblocks of a picture (MaxFS).
        held_blocks: Macroblocks of all pictures that a decoder holds (MaxDpbMbs).
        kilobits_a_second: 1250 bits each (MaxBR).
        buffer_kilobits: 1250 bits each (MaxCPB).
    """

    number: float
    blocks_a_second: int
    blocks: int
    held_blocks: int
    kilobits_a_second: int
    buffer_kilobits: int

    @property
    def max_side(self) -> int:
        """Pixels of the longer side."""
        return isqrt(_LONG_SIDES * self.blocks) * _BLOCK

    @property
    def max_bit_rate(self) -> int:
        """Bits a second that may be asked for where two seconds of it are the buffer."""
        return _HIGH_PROFILE * min(self.kilobits_a_second, self.buffer_kilobits // 2)


_LEVELS: Final = (
    Level(1.0, 1_485, 99, 396, 64, 175),
    Level(1.1, 3_000, 396, 900, 192, 500),
    Level(1.2, 6_000, 396, 2_376, 384, 1_000),
    Level(1.3, 11_880, 396, 2_376, 768, 2_000),
    Level(2.0, 11_880, 396, 2_376, 2_000, 2_000),
    Level(2.1, 19_800, 792, 4_752, 4_000, 4_000),
    Level(2.2, 20_250, 1_620, 8_100, 4_000, 4_000),
    Level(3.0, 40_500, 1_620, 8_100, 10_000, 10_000),
    Level(3.1, 108_000, 3_600, 18_000, 14_000, 14_000),
    Level(3.2, 216_000, 5_120, 20_480, 20_000, 20_000),
    Level(4.0, 245_760, 8_192, 32_768, 20_000, 25_000),
    Level(4.1, 245_760, 8_192, 32_768, 50_000, 62_500),
    Level(4.2, 522_240, 8_704, 34_816, 50_000, 62_500),
    Level(5.0, 589_824, 22_080, 110_400, 135_000, 135_000),
    Level(5.1, 983_040, 36_864, 184_320, 240_000, 240_000),
    Level(5.2, 2_073_600, 36_864, 184_320, 240_000, 240_000),
    Level(6.0, 4_177_920, 139_264, 696_320, 240_000, 240_000),
    Level(6.1, 8_355_840, 139_264, 696_320, 480_000, 480_000),
    Level(6.2, 16_711_680, 139_264, 696_320, 800_000, 800_000),
)


def level_of(profile: Profile) -> Level:
    """The highest level that a profile allows."""
    return max((level for level in _LEVELS if level.number <= profile.max_level), key=lambda level: level.number)


def fitted(width: int, height: int, frame_rate: float, profile: Profile) -> tuple[int, int]:
    """The size of an output: scaled down to what the profile allows, never up, to even sides: 4:2:0 halves both.

    Args:
        width: Pixels of the source, as displayed.
        height: Pixels of the source, as displayed.
        frame_rate: Frames a second of the output.
        profile: Whose sides and level are kept.
    """
    level = level_of(profile)
    max_side = min(level.max_side, profile.max_long_side or level.max_side)
    most = min(level.blocks, level.blocks_a_second / frame_rate, level.held_blocks / _KEPT_FOR_REORDERING)
    scale = min(1.0, profile.max_short_side / min(width, height), max_side / max(width, height))
    while (blocks := _blocks(size := (even(width * scale), even(height * scale)))) > max(most, 1):
        scale *= min(0.999, sqrt(most / blocks))
    return size


def references(width: int, height: int, profile: Profile) -> int | None:
    """Reference frames for a picture of this size, where the preset's own are more than the level allows, else None."""
    most = min(_MOST_REFERENCES, level_of(profile).held_blocks // _blocks((width, height)))
    return max(1, most) if most < _REFERENCES[profile.preset] else None


def _blocks(size: tuple[int, int]) -> int:
    return ceil(size[0] / _BLOCK) * ceil(size[1] / _BLOCK)


def even(pixels: float) -> int:
    """Whole, even, and at least 2: 4:2:0 halves both sides."""
    return max(2 * int(pixels / 2 + 1e-6), 2)
