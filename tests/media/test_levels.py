"""What is encoded plays on the devices that its profile is for: within their level of H.264, sides and bit rate."""

from pathlib import Path

import pytest

from media.ffmpeg import Ffmpeg
from media.levels import level_of
from media.planning import plan
from media.profile import Profile, load_profiles
from tests.fixtures.clips import Clips
from tests.media.judges.decoding import probed
from tests.media.making import make
from tests.media.probing import WEB, a_probe, a_profile, a_video

PROFILES = load_profiles()
OLD_PHONE = a_profile(max_level=3.1, max_short_side=1080, preset="veryslow", max_bit_rate=50_000_000)


@pytest.mark.parametrize(
    ("profile", "shown", "rate", "planned"),
    [
        (WEB, (5120, 2160), 30.0, (4096, 1728)),
        (WEB, (16000, 120), 30.0, (4096, 30)),
        (WEB, (2160, 5120), 30.0, (1728, 4096)),
        (WEB, (4096, 2160), 60.0, (4096, 2160)),
        (PROFILES["archive"], (5120, 2160), 30.0, (4706, 1984)),
        (PROFILES["mobile"], (2560, 1080), 60.0, (1706, 720)),
        (PROFILES["mobile"], (3840, 1080), 30.0, (1920, 540)),
        (a_profile(max_level=4.0), (1920, 1080), 60.0, (1360, 764)),
        (a_profile(max_level=4.19), (1920, 1080), 30.0, (1920, 1080)),
        (a_profile(max_level=1.0), (16000, 4), 60.0, (384, 2)),
        (a_profile(max_level=1.0, max_frame_rate=240.0), (2, 4000), 240.0, (2, 94)),
    ],
)
def test_a_picture_that_needs_a_higher_level_than_the_profile_s_is_scaled_down(
    profile: Profile, shown: tuple[int, int], rate: float, planned: tuple[int, int]
) -> None:
    picture = plan(a_probe(a_video(codec="hevc", width=shown[0], height=shown[1], rate=rate)), profile).picture
    assert (picture.width, picture.height) == planned


@pytest.mark.parametrize(
    ("profile", "bit_rate", "references"),
    [(WEB, 20_000_000, None), (OLD_PHONE, 8_750_000, 5), (a_profile(preset="veryslow"), 20_000_000, None)],
)
def test_bit_rate_and_references_are_the_profile_s_where_the_level_allows_them(
    profile: Profile, bit_rate: int, references: int | None
) -> None:
    encoding = plan(a_probe(a_video(codec="hevc")), profile).picture.encoding
    assert (encoding.max_bit_rate, encoding.references) == (bit_rate, references)


@pytest.mark.parametrize(
    ("profile", "size", "rate"),
    [
        (WEB, "5120x2160", 60),
        (PROFILES["archive"], "5120x2160", 30),
        (PROFILES["mobile"], "2560x1080", 60),
        (OLD_PHONE, "1920x1080", 60),
        (a_profile(max_level=1.1, preset="slower"), "640x480", 25),
    ],
    ids=["web", "archive", "mobile", "an old phone", "an older one"],
)
async def test_a_large_picture_comes_out_within_the_profile_s_level(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, profile: Profile, size: str, rate: int
) -> None:
    source = tmp_path / "large.mov"
    clips.draw(source, "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration=0.1", "-c:v", "mjpeg")
    made = await make(ffmpeg, source, tmp_path, profile)
    codec, name, level, pixels = await probed(ffmpeg, made.video, "v:0", "codec_name", "profile", "level", "pix_fmt")
    assert (codec, name, pixels) == ("h264", "High", "yuv420p")
    assert int(level) <= round(10 * level_of(profile).number)
    assert max(made.probe.video.display_size) <= (profile.max_long_side or level_of(profile).max_side)
    assert min(made.probe.video.display_size) <= profile.max_short_side
