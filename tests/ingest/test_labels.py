"""A client's file name is a label, never a path."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.labels import MAX_FILENAME_LENGTH, MAX_TITLE_LENGTH, extension_of, safe_filename, title_from


@pytest.mark.parametrize(
    ("sent", "label"),
    [
        ("clip.mp4", "clip.mp4"),
        ("../../etc/passwd.mp4", "passwd.mp4"),
        ("/absolute/clip.mp4", "clip.mp4"),
        (r"C:\Users\me\clip.mp4", "clip.mp4"),
        (r"mixed/of\both.mp4", "both.mp4"),
        ("nul\0led.mp4", "nulled.mp4"),
        ("line\r\nbreak.mp4", "linebreak.mp4"),
        ("  spaced.mp4  ", "spaced.mp4"),
        ("reversed\u202e4pm.exe", "reversed4pm.exe"),
        ("cafe\u0301.mp4", "café.mp4"),
        ("影片.mov", "影片.mov"),
        ("x" * 300 + ".mp4", "x" * 251 + ".mp4"),
    ],
)
def test_a_file_name_becomes_a_label(sent: str, label: str) -> None:
    assert safe_filename(sent) == label


@pytest.mark.parametrize("sent", ["", ".", "..", "folder/", "\0\x01", "   ", "a/.."])
def test_a_name_of_which_nothing_is_left_is_no_name(sent: str) -> None:
    assert safe_filename(sent) is None


@given(sent=st.text(max_size=400))
def test_no_name_is_a_path_or_has_control_characters_or_is_too_long(sent: str) -> None:
    label = safe_filename(sent)
    if label is not None:
        assert not set(label) & set("/\\\0\r\n")
        assert all(unicodedata.category(character) not in {"Cc", "Cs"} for character in label)
        assert 0 < len(label) <= MAX_FILENAME_LENGTH
        assert label not in {".", ".."}
        assert 0 < len(title_from(label)) <= MAX_TITLE_LENGTH


@pytest.mark.parametrize(
    ("label", "extension"),
    [("a.MP4", ".mp4"), ("a.b.mov", ".mov"), ("none", ""), (".mp4", ""), ("a.", "."), ("a.mp4.exe", ".exe")],
)
def test_the_extension_is_the_last_one_in_lower_case(label: str, extension: str) -> None:
    assert extension_of(label) == extension


@pytest.mark.parametrize(("label", "title"), [("My trip.mp4", "My trip"), ("a.b.mov", "a.b"), (".mp4", ".mp4")])
def test_the_title_is_the_name_without_its_extension(label: str, title: str) -> None:
    assert title_from(label) == title
