"""Recorded clips from phones, cameras and other services, where their optional folder is there."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.errors import InvalidMedia
from media.ffmpeg import Ffmpeg
from media.limits import MediaLimits
from media.validate import validate
from tests.media.making import make
from tests.media.probing import WEB


@dataclass(frozen=True)
class Ending:
    """What becomes of a clip: in words, and as its size shows."""

    words: str
    size: tuple[int, int]


READY = {
    "ficus_vertical.mp4": Ending("picture copied, sound copied", (1080, 1920)),
    "headblur.mp4": Ending("picture copied, sound encoded (it is mp3, not AAC-LC)", (640, 360)),
    "mediacms_small.mp4": Ending("picture encoded (its pixels are not square), in 4 chunks, sound copied", (426, 240)),
    "encore_test.mp4": Ending(
        "picture encoded (its H.264 profile is High 4:2:2), in 2 chunks, sound copied", (1280, 720)
    ),
    "big_buck_bunny_432_433.webm": Ending(
        "picture encoded (it is vp8, not h264), sound encoded (it is vorbis, not AAC-LC)", (1280, 720)
    ),
}
REFUSED = ("pentax_320x240.mov",)


def test_every_clip_of_the_folder_is_tried_and_ends_as_it_should(real_clips: Path) -> None:
    lines = [line.split() for line in (real_clips / "EXPECT").read_text().splitlines()]
    expected = {name: ending for name, ending, *_ in lines}
    assert expected == {**dict.fromkeys(READY, "ready"), **dict.fromkeys(REFUSED, "error")}


@pytest.mark.parametrize("name", READY)
async def test_a_recorded_clip_is_copied_where_it_can_be(
    ffmpeg: Ffmpeg, real_clips: Path, tmp_path: Path, name: str
) -> None:
    made = await make(ffmpeg, real_clips / name, tmp_path, WEB)
    assert made.plan.in_words == READY[name].words
    assert made.probe.video.display_size == READY[name].size
    assert made.warnings == ()


@pytest.mark.parametrize("name", REFUSED)
async def test_a_recording_that_was_cut_off_is_refused(
    ffmpeg: Ffmpeg, real_clips: Path, media_limits: MediaLimits, name: str
) -> None:
    with pytest.raises(InvalidMedia):
        await validate(ffmpeg, real_clips / name, media_limits)
