"""Recorded clips from phones, cameras and other services, where their optional folder is there."""

from pathlib import Path

import pytest

from contracts.errors import VideoError
from media.ffmpeg import Ffmpeg
from media.plan import MediaLimits, plan_thumbnail, plan_transcode
from media.profile import PROFILES

NAMES = (
    "ficus_vertical.mp4",
    "mediacms_small.mp4",
    "encore_test.mp4",
    "headblur.mp4",
    "pentax_320x240.mov",
    "big_buck_bunny_432_433.webm",
)
UPRIGHT = {"ficus_vertical.mp4": (1080, 1920), "encore_test.mp4": (1280, 720)}


def test_every_clip_of_the_folder_is_tried(real_clips: Path) -> None:
    assert _expectations(real_clips).keys() == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
async def test_a_recorded_clip_ends_as_expected(
    ffmpeg: Ffmpeg, real_clips: Path, media_limits: MediaLimits, tmp_path: Path, name: str
) -> None:
    source, video, thumbnail = real_clips / name, tmp_path / "video.part", tmp_path / "thumbnail.part"
    if _expectations(real_clips)[name] == "error":
        with pytest.raises(VideoError) as refusal:
            await ffmpeg.validate(source, media_limits)
        assert not refusal.value.retryable
        return
    probe = await ffmpeg.validate(source, media_limits)
    plan, thumbnail_plan = plan_transcode(probe, PROFILES["web"]), plan_thumbnail(probe, PROFILES["web"])
    await ffmpeg.transcode(plan, source, video, lambda _out_time, _speed: None)
    output = await ffmpeg.verify(plan, probe, video, lambda _out_time, _speed: None)
    await ffmpeg.thumbnail(thumbnail_plan, source, thumbnail)
    await ffmpeg.verify_thumbnail(thumbnail_plan, thumbnail)
    assert output.video.pixel_format == "yuv420p"
    assert bool(output.audio) == bool(probe.audio)
    if name in UPRIGHT:
        assert (output.video.width, output.video.height) == UPRIGHT[name]


def _expectations(folder: Path) -> dict[str, str]:
    words = [line.split() for line in (folder / "EXPECT").read_text().splitlines()]
    return {name: ending for name, ending, *_ in words}
