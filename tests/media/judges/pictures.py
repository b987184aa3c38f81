"""What is seen in a video: colours and where they are, likeness, half pictures, tags.

Pictures are judged as a player shows them: turned, mirrored, and in the colours that the file's tags ask for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Final

from media.ffmpeg import Ffmpeg
from media.validate import probe
from tests.fixtures.recipes.drawing import Colour
from tests.media.judges.decoding import probed, raw, told

_SMALL: Final = 16
"""Pixels a side of the small picture that colours are read from."""
_COMBED_CONTRAST: Final = 20
_COMBED_SHARE: Final = 0.0005
_FRAMES_WITHOUT_HALVES: Final = 3
"""How many frames at either end are not judged: a deinterlacer has no neighbours for them."""


@dataclass(frozen=True)
class Patches:
    """The mean colours of the four quarters as they are shown."""

    top_left: Colour
    top_right: Colour
    bottom_left: Colour
    bottom_right: Colour

    def distance(self, other: "Patches") -> float:
        """How far apart the two are where they differ most, in steps of 0 to 255."""
        pairs = zip(self._quarters(), other._quarters(), strict=True)
        return max(abs(mine - theirs) for own, others in pairs for mine, theirs in zip(own, others, strict=True))

    def _quarters(self) -> tuple[Colour, ...]:
        return self.top_left, self.top_right, self.bottom_left, self.bottom_right


@dataclass(frozen=True)
class ColourTags:
    """How a file says that its picture is to be shown, in ffprobe's words."""

    pixel_format: str
    range: str
    matrix: str
    primaries: str
    transfer: str


async def patch_colours(ffmpeg: Ffmpeg, path: Path, at_seconds: float = 0.2) -> Patches:
    """The colours in the middle of each quarter of the frame at that time."""
    small = await _small_picture(ffmpeg, path, at_seconds)
    near, far = _SMALL // 4, _SMALL * 3 // 4
    return Patches(*(_mean(small, x, y) for y in (near, far) for x in (near, far)))


async def middle_colour(ffmpeg: Ffmpeg, path: Path, at_seconds: float) -> Colour:
    """The colour in the middle of the frame at that time: white while the card flashes, else black."""
    return _mean(await _small_picture(ffmpeg, path, at_seconds), _SMALL // 2, _SMALL // 2)


async def ssim(ffmpeg: Ffmpeg, output: Path, reference: Path, frame_rate: float = 25) -> float:
    """How alike two videos are, 0 to 1, over all frames; both are brought to the reference's size and this rate."""
    return fmean(await frame_likeness(ffmpeg, output, reference, f",fps={frame_rate:g}"))


async def frame_likeness(ffmpeg: Ffmpeg, output: Path, reference: Path, more_filters: str = "") -> list[float]:
    """How alike each frame is to the one of the same time, 0 to 1; both are brought to the reference's size."""
    width, height = (await probe(ffmpeg, reference)).video.display_size
    same = f"scale={width}:{height}:out_color_matrix=bt709:out_range=tv,setsar=1,format=yuv420p{more_filters}"
    graph = f"[0:v:0]{same}[output];[1:v:0]{same}[reference];[output][reference]ssim=stats_file=-"
    frames = await told(
        ffmpeg, *("-i", f"file:{output}", "-i", f"file:{reference}", "-lavfi", graph, "-f", "null", "/dev/null")
    )
    return [float(word.removeprefix("All:")) for word in frames.split() if word.startswith("All:")]


async def is_combed(ffmpeg: Ffmpeg, path: Path) -> bool:
    """Whether moving edges are torn into lines: every second line shows another moment than its neighbours.

    Made for the card: a picture with lines one pixel high looks combed to it.
    """
    video = (await probe(ffmpeg, path)).video
    luma = await raw(ffmpeg, "-i", f"file:{path}", "-map", "0:v:0", "-pix_fmt", "gray", muxer="rawvideo")
    frames = list(_slices(luma, video.width * video.height))[_FRAMES_WITHOUT_HALVES:-_FRAMES_WITHOUT_HALVES]
    assert frames, "too short to tell"
    combed = sum(_combed_pixels(list(_slices(frame, video.width))) for frame in frames)
    return combed / (len(frames) * video.width * video.height) > _COMBED_SHARE


async def colour_tags(ffmpeg: Ffmpeg, path: Path) -> ColourTags:
    """What the file says of its colours."""
    entries = ("pix_fmt", "color_range", "color_space", "color_primaries", "color_transfer")
    return ColourTags(*await probed(ffmpeg, path, "v:0", *entries))


async def _small_picture(ffmpeg: Ffmpeg, path: Path, at_seconds: float) -> bytes:
    small = f"format=gbrp,scale={_SMALL}:{_SMALL}:flags=area,format=rgb24"
    where = ("-i", f"file:{path}", "-map", "0:v:0", "-ss", f"{at_seconds:g}", "-frames:v", "1")
    picture = await raw(ffmpeg, *where, "-vf", small, muxer="rawvideo")
    assert len(picture) == 3 * _SMALL * _SMALL, f"there is no picture at {at_seconds} s"
    return picture


def _mean(small: bytes, x: int, y: int) -> Colour:
    """Of the four pixels around this corner."""
    pixels = [3 * ((y + down) * _SMALL + x + right) for down in (-1, 0) for right in (-1, 0)]
    return Colour(*(sum(small[pixel + part] for pixel in pixels) / len(pixels) for part in range(3)))


def _combed_pixels(rows: list[bytes]) -> int:
    """Pixels that stick out from the lines above and below in the same direction."""
    return sum(
        _sticks_out(above, here, below)
        for (upper, middle), (_, lower) in pairwise(pairwise(rows))
        for above, here, below in zip(upper, middle, lower, strict=True)
    )


def _sticks_out(above: int, here: int, below: int) -> bool:
    return min(here - above, here - below) > _COMBED_CONTRAST or max(here - above, here - below) < -_COMBED_CONTRAST


def _slices(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content) - size + 1, size))
