"""Commands that look at files look where the running stack has them."""

from pathlib import Path

from cli.where import service_of
from settings import Settings
from tests.embedded.test_joining import RUN


def test_the_files_are_those_of_the_running_stack() -> None:
    place = service_of(Settings(), RUN).settings.place
    assert (place.bucket, place.uploads, place.scratch) == (None, Path("/home/uploads"), Path("/home/scratch"))


def test_a_place_that_the_settings_name_goes_first() -> None:
    own = Settings(uploads=Path("/own"), storage="s3://own-bucket/a")
    place = service_of(own, RUN).settings.place
    assert (str(place.bucket), place.uploads) == ("s3://own-bucket/a", Path("/own"))
