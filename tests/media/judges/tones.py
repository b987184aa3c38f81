"""Which tones are heard in which channel, and how loud."""

import math
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from media.ffmpeg import Ffmpeg
from media.validate import probe
from tests.media.judges.decoding import raw

_SAMPLES_A_SECOND: Final = 8_000
_FROM_SECONDS: Final = 0.5
_FULL: Final = 32_768


async def tone_levels(
    ffmpeg: Ffmpeg, path: Path, frequencies: Sequence[float], seconds: float = 1.0
) -> list[dict[float, float]]:
    """For every channel the amplitude of each tone, 0 to 1, between 0.5 s and ``seconds`` later.

    Whole numbers of waves fit between the two, so tones of whole hertz don't leak into each other.
    """
    channels = (await probe(ffmpeg, path)).audio[0].channels
    sound = ("-ss", str(_FROM_SECONDS), "-t", str(seconds), "-i", f"file:{path}", "-map", "0:a:0")
    samples = array("h", await raw(ffmpeg, *sound, "-ar", str(_SAMPLES_A_SECOND), muxer="s16le"))
    assert len(samples) >= channels * _SAMPLES_A_SECOND * seconds * 0.95, "the sound is too short to tell"
    return [{tone: _amplitude(samples[channel::channels], tone) for tone in frequencies} for channel in range(channels)]


def _amplitude(samples: Sequence[int], hertz: float) -> float:
    """Goertzel's algorithm: one coefficient of the Fourier transform."""
    turn = 2 * math.cos(2 * math.pi * hertz / _SAMPLES_A_SECOND)
    last = before_last = 0.0
    for sample in samples:
        last, before_last = sample + turn * last - before_last, last
    power = last * last + before_last * before_last - turn * last * before_last
    return 2 * math.sqrt(max(power, 0.0)) / len(samples) / _FULL
