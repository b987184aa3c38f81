"""No key leads out of its folder."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.storage_keys import processed_folder, work_folder
from storage.keys import MOST_NAME_BYTES, InvalidKey, path_below

FOLDER = Path("/srv/uploads")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../secret",
        "originals/../../secret",
        "originals//x.mp4",
        "originals/",
        "originals/.",
        "originals/.hidden",
        "originals/a\x00b",
        "originals/a\nb",
        "originals\\x.mp4",
        "originals/\udcff.mp4",
        "originals/" + "a" * (MOST_NAME_BYTES + 1),
        "originals/" + "ä" * (MOST_NAME_BYTES // 2 + 1),
    ],
)
def test_a_key_that_is_not_plain_names_is_refused(key: str) -> None:
    with pytest.raises(InvalidKey):
        path_below(FOLDER, key)


@pytest.mark.parametrize("video_id", ["", "..", "a/b/", "/", ".moving"])
def test_an_id_that_is_not_one_name_names_no_folder(video_id: str) -> None:
    for folder in (work_folder(video_id), processed_folder(video_id)):
        with pytest.raises(InvalidKey):
            path_below(FOLDER, folder.removesuffix("/"))


def test_an_ordinary_key_is_a_path_below_the_folder() -> None:
    assert path_below(FOLDER, "originals/4b2c.mp4") == Path("/srv/uploads/originals/4b2c.mp4")


@given(st.text(alphabet=st.characters() | st.sampled_from("./\\\x00 "), max_size=40))
def test_whatever_the_key_the_path_stays_below_the_folder(key: str) -> None:
    try:
        path = path_below(FOLDER, key)
    except InvalidKey:
        return
    assert path.is_relative_to(FOLDER)
    assert ".." not in path.parts
    assert str(path.relative_to(FOLDER)) == key
