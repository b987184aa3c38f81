"""Commands that look at files look where the running stack has them."""

from pathlib import Path

import pytest

from cli.where import service_of
from settings import Settings, SettingsError, load_settings
from tests.embedded.test_joining import RUN


def test_the_files_are_those_of_the_running_stack() -> None:
    place = service_of(Settings(), RUN).settings.place
    assert (place.bucket, place.uploads, place.scratch) == (None, Path("/home/uploads"), Path("/home/scratch"))


def test_a_place_that_the_settings_name_goes_first() -> None:
    own = Settings(uploads=Path("/own"), storage="s3://own-bucket/a")
    place = service_of(own, RUN).settings.place
    assert (str(place.bucket), place.uploads) == ("s3://own-bucket/a", Path("/own"))


def test_a_place_that_is_none_is_told_in_words_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHES_STORAGE", "videos")
    with pytest.raises(SettingsError, match=r"^RUSHES_STORAGE: write s3://bucket or s3://bucket/prefix;"):
        load_settings()
