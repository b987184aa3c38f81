"""What each shipped profile makes is as large, as fast and as loud as it says, and the picture that was uploaded."""

from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from media.ffmpeg import Ffmpeg
from media.profile import load_profiles
from tests.fixtures.clips import Clips
from tests.media.judges.decoding import probed
from tests.media.judges.loudness import loudness
from tests.media.judges.pictures import ssim
from tests.media.making import make

PROFILES: Final = load_profiles()
FROM_WORST: Final = ("mobile", "web", "archive")
ALIKE: Final = 0.95
LOUDNESS_TOLERANCE: Final = 1.0
BUFFER_SECONDS: Final = 2
"""The cap holds over so long, and the first frames may use all of it."""


def moving(size: str, rate: int, seconds: float) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}")


def hum(seconds: int, decibels: float) -> tuple[str, ...]:
    """Pink noise, so loud at most; as unsteady as speech."""
    noise = f"anoisesrc=color=pink:seed=7:sample_rate=48000:duration={seconds}"
    return ("-f", "lavfi", "-i", f"{noise},volume='{decibels}dB',tremolo=f=0.7:d=0.5,pan=stereo|c0=c0|c1=c0")


@pytest.fixture(scope="module")
def large(clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large, fast picture of ten bits, and sound."""
    source = tmp_path_factory.mktemp("large") / "source.mov"
    ten_bits = ("-c:v", "prores_ks", "-profile:v", "hq", "-c:a", "pcm_s24le")
    clips.draw(source, *moving("1920x1080", 60, 0.15), *hum(1, -6), *ten_bits)
    return source


@pytest.mark.parametrize(
    ("name", "size", "rate", "level", "bit_rate"),
    [
        ("web", ("1920", "1080"), "60/1", 42, 128_000),
        ("archive", ("1920", "1080"), "60/1", 50, 256_000),
        ("mobile", ("1280", "720"), "30/1", 31, 96_000),
    ],
)
async def test_a_large_fast_source_comes_out_as_the_profile_says(
    ffmpeg: Ffmpeg,
    large: Path,
    tmp_path: Path,
    name: str,
    size: tuple[str, str],
    rate: str,
    level: int,
    bit_rate: int,
) -> None:
    made = await make(ffmpeg, large, tmp_path, PROFILES[name])
    shown = ("codec_name", "profile", "pix_fmt", "bits_per_raw_sample", "width", "height", "avg_frame_rate")
    assert await probed(ffmpeg, made.video, "v:0", *shown) == ["h264", "High", "yuv420p", "8", *size, rate]
    (found,) = await probed(ffmpeg, made.video, "v:0", "level")
    assert int(found) <= level
    heard = await probed(ffmpeg, made.video, "a:0", "codec_name", "profile", "channels", "sample_rate")
    assert heard == ["aac", "LC", "2", "48000"]
    assert made.plan.sound is not None
    assert made.plan.sound.encoding.bit_rate == bit_rate


async def test_every_profile_shows_the_picture_that_was_uploaded_and_a_better_one_shows_it_better(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    source = tmp_path / "source.avi"
    clips.draw(source, *moving("640x360", 25, 2), "-c:v", "ffv1", "-pix_fmt", "yuv420p")
    likeness = []
    for name in FROM_WORST:
        folder = tmp_path / name
        folder.mkdir()
        likeness.append(await ssim(ffmpeg, (await make(ffmpeg, source, folder, PROFILES[name])).video, source))
    assert min(likeness) > ALIKE
    assert all(worse < better for worse, better in pairwise(likeness)), likeness


async def test_noise_does_not_have_the_rate_that_it_would_take(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path) -> None:
    source = tmp_path / "source.avi"
    noise = "color=gray:size=640x360:rate=30:duration=4,noise=alls=100:allf=t:all_seed=7"
    clips.draw(source, "-f", "lavfi", "-i", noise, "-c:v", "mjpeg", "-q:v", "2")
    made = await make(ffmpeg, source, tmp_path, PROFILES["mobile"])
    survey = made.probe.video.survey
    assert survey is not None
    seconds = 8 * survey.size_bytes / PROFILES["mobile"].max_bit_rate
    assert survey.seconds < seconds < survey.seconds + BUFFER_SECONDS


@pytest.mark.parametrize("decibels", [-40.0, 12.0], ids=["soft", "too loud"])
async def test_sound_is_as_loud_as_the_profile_says_whatever_it_was(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, decibels: float
) -> None:
    source = tmp_path / "source.mkv"
    clips.draw(source, *moving("64x48", 5, 12), *hum(12, decibels), "-c:v", "ffv1", "-c:a", "flac")
    profile = PROFILES["mobile"]
    heard = await loudness(ffmpeg, (await make(ffmpeg, source, tmp_path, profile)).video)
    assert heard.integrated_lufs == pytest.approx(profile.loudness_lufs, abs=LOUDNESS_TOLERANCE)
    assert heard.true_peak_dbtp < -0.5


async def test_without_a_loudness_sound_stays_as_loud_as_it_was(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path) -> None:
    source = tmp_path / "source.mkv"
    clips.draw(source, *moving("64x48", 5, 10), *hum(10, -12), "-c:v", "ffv1", "-c:a", "flac")
    before = await loudness(ffmpeg, source)
    after = await loudness(ffmpeg, (await make(ffmpeg, source, tmp_path, PROFILES["web"])).video)
    assert after.integrated_lufs == pytest.approx(before.integrated_lufs, abs=LOUDNESS_TOLERANCE)
