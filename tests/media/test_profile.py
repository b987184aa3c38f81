"""Profiles are data, and a file that can't be used says where and why."""

from pathlib import Path

import pytest

from contracts.processing import DEFAULT_PROFILE
from media.profile import ProfilesInvalid, load_profiles

OWN = """\
# of the operator
[own]
max_short_side = 480
max_copy_bit_rate = 1_000_000
crf = 30
max_bit_rate = 500_000
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "own.toml"


def test_the_shipped_profiles_are_there() -> None:
    profiles = load_profiles()
    assert profiles.keys() == {"web", "archive", "mobile"}
    assert DEFAULT_PROFILE in profiles
    assert all(profile.description for profile in profiles.values())


def test_a_file_of_ones_own_adds_profiles(file: Path) -> None:
    file.write_text(OWN)
    profiles = load_profiles(file)
    assert profiles.keys() == {"web", "archive", "mobile", "own"}
    assert (profiles["own"].name, profiles["own"].max_short_side) == ("own", 480)
    assert profiles["web"] == load_profiles()["web"]


def test_a_profile_of_the_same_name_takes_the_place_of_ours(file: Path) -> None:
    file.write_text(OWN.replace("[own]", "[web]"))
    assert load_profiles(file)["web"].max_short_side == 480


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('gop_seconds = "long"', "gop_seconds: Input should be a valid number"),
        ("gop_seconds = true", "gop_seconds: Input should be a valid number"),
        ('thumbnail_max_width = "640"', "thumbnail_max_width: Input should be a valid integer"),
        ("thumbnail_max_width = 640.5", "thumbnail_max_width: Input should be a valid integer"),
        ("resolution = 480", "resolution: Extra inputs are not permitted"),
        ("gop_seconds = 0.1", "gop_seconds: Input should be greater than or equal to 0.5"),
        ("audio_channels = 6", "audio_channels: Input should be 1 or 2"),
        ('preset = "quick"', "preset: Input should be 'ultrafast'"),
        ('video_encoder = "libx265"', "video_encoder: Input should be 'libx264'"),
        ("loudness_lufs = nan", "loudness_lufs: Input should be less than or equal to -5"),
        ('name = "other"', "name: a profile is named by the line in brackets alone"),
        ("chunk_seconds = 3\ngop_seconds = 4", "chunk_seconds: Input should be at least gop_seconds, which is 4"),
    ],
)
def test_a_field_that_can_not_be_used_is_named_with_its_line(file: Path, line: str, complaint: str) -> None:
    file.write_text(f"{OWN}{line}\n")
    with pytest.raises(ProfilesInvalid) as refusal:
        load_profiles(file)
    assert str(refusal.value).startswith(f"{file}, line 7: [own] {complaint}")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (OWN.replace("crf = 30\n", ""), ", line 2: [own] crf: Field required."),
        (f"{OWN}gop_seconds = 8\n", ", line 2: [own] chunk_seconds: Input should be at least gop_seconds, which is 8"),
        (OWN.replace("[own]", "[Own]"), ", line 2: [Own] name: String should match pattern"),
        (OWN.replace("[own]", '["own.4k"]'), ", line 2: [own.4k] name: String should match pattern"),
        (f"\ncrf = 20\n{OWN}", ", line 2: crf stands outside any profile; write [name] above it."),
        (OWN.replace("[own]", "[[own]]"), ", line 2: own stands outside any profile; write [name] above it."),
        (f"{OWN}crf = 31\n", ": not valid TOML: Cannot overwrite a value (at line 7, column 9)."),
        (
            f"{OWN}gop_seconds\n",
            ": not valid TOML: Expected '=' after a key in a key/value pair (at line 7, column 12).",
        ),
    ],
)
def test_what_concerns_no_single_field_is_told_by_the_line_to_mend(file: Path, text: str, complaint: str) -> None:
    file.write_text(text)
    with pytest.raises(ProfilesInvalid) as refusal:
        load_profiles(file)
    assert str(refusal.value).startswith(f"{file}{complaint}")


def test_a_file_that_can_not_be_read_is_told_with_the_setting_that_names_it(file: Path) -> None:
    with pytest.raises(ProfilesInvalid, match=r"own\.toml: .* no such file or directory\. Mend RUSHES_PROFILES"):
        load_profiles(file)
    with pytest.raises(ProfilesInvalid, match="is a directory"):
        load_profiles(file.parent)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ProfilesInvalid, match="not valid TOML"):
        load_profiles(file)
