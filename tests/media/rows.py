"""A row of the tables of clips: what is published of a clip, and the check that it is.

Everything is judged on the output: by probing it, and by what is seen and heard when it is decoded.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import pytest

from media.container import has_index_in_front
from media.ffmpeg import Ffmpeg
from media.profile import load_profiles
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.recipes.drawing import BLUE, CARD_HEIGHT, CARD_WIDTH, FLASHES, GREEN, RED, YELLOW
from tests.media.judges.pictures import Patches, colour_tags, patch_colours
from tests.media.judges.times import beeps, flashes
from tests.media.making import Made, make

UPRIGHT: Final = Patches(RED, GREEN, BLUE, YELLOW)
IN_709: Final = ("bt709", "bt709", "bt709")

_DURATION_TOLERANCE: Final = 0.12
_SYNC_TOLERANCE: Final = 0.04
"""Seconds by which sound and picture may differ; people notice from about 45 ms on."""
_PLACE_TOLERANCE: Final = 0.06
"""Seconds by which a flash or beep may come early or late: a frame, and the 21 ms before AAC's first sound."""
_JPEG_TOLERANCE: Final = 6
"""By how much the thumbnail's colours may differ more than the video's."""

Judge = Callable[[Ffmpeg, Made], Awaitable[None]]


@dataclass(frozen=True)
class Row:
    """What is published of a clip. Where nothing is said, it is the card as it was drawn, and its streams are copied.

    Attributes:
        clip: The clip.
        picture: What the plan does with it; None: either is right.
        sound: The same; "none" where there is none.
        size: Width and height as displayed.
        seconds: How long it plays.
        frame_rates: Any of them is right, on average; empty: not judged.
        channels: Of the sound.
        sample_rates: Any of them is right; hertz.
        patches: The colours of the four quarters; None: not judged.
        tolerance: How far a colour may be off, of 255.
        looked_at: When the colours are judged; seconds.
        tags: Matrix, primaries and transfer that the file names; None: not judged, as long as the colours are right.
        flashes: When the card flashes.
        beeps: When it beeps, where not as it flashes.
        judge: What else is judged.
    """

    clip: Clip
    picture: Literal["copy", "encode"] | None = "copy"
    sound: Literal["copy", "encode", "none"] | None = "copy"
    size: tuple[int, int] = (CARD_WIDTH, CARD_HEIGHT)
    seconds: float = 2.0
    frame_rates: tuple[float, ...] = (25.0,)
    channels: int = 2
    sample_rates: tuple[int, ...] = (48_000,)
    patches: Patches | None = UPRIGHT
    tolerance: float = 8
    looked_at: float = 0.2
    tags: tuple[str, str, str] | None = IN_709
    flashes: tuple[float, ...] = FLASHES
    beeps: tuple[float, ...] | None = None
    judge: Judge | None = field(default=None, repr=False)


def each(*rows: Row) -> pytest.MarkDecorator:
    """Run a test once for every row, under its clip's name."""
    return pytest.mark.parametrize("row", [pytest.param(row, id=row.clip) for row in rows])


async def check(row: Row, ffmpeg: Ffmpeg, clips: Clips, folder: Path) -> None:
    """Make the clip and hold what was made against its row."""
    made = await make(ffmpeg, clips.path(row.clip), folder, load_profiles()["web"])
    assert has_index_in_front(made.video)
    assert made.warnings == ()
    _check_decisions(row, made)
    _check_picture(row, made)
    _check_sound(row, made)
    await _check_colours(row, ffmpeg, made)
    await _check_times(row, ffmpeg, made)
    if row.judge is not None:
        await row.judge(ffmpeg, made)


def _check_decisions(row: Row, made: Made) -> None:
    assert made.plan.picture.action == row.picture or row.picture is None
    sound = made.plan.sound.action if made.plan.sound is not None else "none"
    assert sound == row.sound or row.sound is None


def _check_picture(row: Row, made: Made) -> None:
    video = made.probe.video
    assert (video.codec, video.pixel_format, video.sample_aspect_ratio) == ("h264", "yuv420p", 1.0)
    assert video.display_size == row.size
    assert video.rotation_degrees == 0 or made.plan.picture.action == "copy"
    assert made.probe.duration_seconds == pytest.approx(row.seconds, abs=_DURATION_TOLERANCE)
    if row.frame_rates:
        assert any(video.frame_rate == pytest.approx(rate, rel=0.02) for rate in row.frame_rates), video.frame_rate


def _check_sound(row: Row, made: Made) -> None:
    if row.sound == "none":
        assert made.probe.audio == ()
        return
    (track,) = made.probe.audio
    assert (track.codec, track.channels) == ("aac", row.channels)
    assert track.sample_rate_hertz in row.sample_rates


async def _check_colours(row: Row, ffmpeg: Ffmpeg, made: Made) -> None:
    tags = await colour_tags(ffmpeg, made.video)
    assert tags.range in {"tv", "unknown"}
    assert row.tags in {None, (tags.matrix, tags.primaries, tags.transfer)}
    if row.patches is not None:
        shown = await patch_colours(ffmpeg, made.video, row.looked_at)
        assert shown.distance(row.patches) <= row.tolerance, shown
        thumbnail = await patch_colours(ffmpeg, made.thumbnail, at_seconds=0)
        assert thumbnail.distance(row.patches) <= row.tolerance + _JPEG_TOLERANCE, thumbnail


async def _check_times(row: Row, ffmpeg: Ffmpeg, made: Made) -> None:
    heard_at = row.flashes if row.beeps is None else row.beeps
    seen = await flashes(ffmpeg, made.video)
    heard = await beeps(ffmpeg, made.video)
    start = _start_of(made)
    assert [flash - start for flash in seen] == pytest.approx(list(row.flashes), abs=_PLACE_TOLERANCE)
    if row.sound != "none":
        assert [beep - start for beep in heard] == pytest.approx(list(heard_at), abs=_PLACE_TOLERANCE)
    for flash, beep in zip(seen, heard, strict=False):
        if row.beeps is None:
            assert beep == pytest.approx(flash, abs=_SYNC_TOLERANCE)


def _start_of(made: Made) -> float:
    """When the file begins; a player starts there, whatever the number."""
    return min([made.probe.video.start_seconds, *(track.start_seconds for track in made.probe.audio)])
