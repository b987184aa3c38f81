"""How a bucket is named."""

import pytest

from storage.location import BucketLocation, parse_bucket_location


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("s3://videos", BucketLocation("videos", "")),
        ("s3://videos/", BucketLocation("videos", "")),
        ("s3://my.videos/team/one", BucketLocation("my.videos", "team/one/")),
        ("s3://videos/team/", BucketLocation("videos", "team/")),
    ],
)
def test_bucket_and_prefix_are_read(text: str, location: BucketLocation) -> None:
    assert parse_bucket_location(text) == location
    assert parse_bucket_location(str(location)) == location


@pytest.mark.parametrize(
    "text", ["videos", "/videos", "gs://videos", "s3://", "s3://Videos", "s3://v/a b", "s3://vid/../a"]
)
def test_what_is_no_bucket_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"s3://|bucket|prefix"):
        parse_bucket_location(text)
