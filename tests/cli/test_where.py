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


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"RUSHES_STORAGE": "videos"}, "RUSHES_STORAGE: write s3://bucket or s3://bucket/prefix;"),
        (
            {"RUSHES_STORAGE": "s3://videos", "AWS_ENDPOINT_URL": "127.0.0.1:8333"},
            "RUSHES_STORAGE: AWS_ENDPOINT_URL is '127.0.0.1:8333', no address: write it as http://127.0.0.1:8333",
        ),
        (
            {"RUSHES_ALLOWED_EXTENSIONS": ".mkv"},
            'RUSHES_ALLOWED_EXTENSIONS: not valid JSON; a list is written as ["one","two"]',
        ),
        ({"RUSHES_API_URL": "127.0.0.1:8000"}, "RUSHES_API_URL: '127.0.0.1:8000' is no address; write http://"),
        (
            {"RUSHES_API_KEY": "rushes_5a1e…A1u"},
            "RUSHES_API_KEY: has characters that no key has; write it as `rushes keys",
        ),
    ],
)
def test_a_setting_that_can_t_be_used_is_named_and_told_in_words_of_ours(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(sentence)


def test_a_key_without_a_character_is_none_and_a_line_s_end_is_not_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, key in ((" ", None), ("rushes_one\n", "rushes_one")):
        monkeypatch.setenv("RUSHES_API_KEY", given)
        found = load_settings().api_key
        assert (found.get_secret_value() if found is not None else None) == key
