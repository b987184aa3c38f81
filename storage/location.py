"""Where the files live, as ``RUSHES_STORAGE`` says it: ``s3://bucket/prefix``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"(?:[A-Za-z0-9!_.*'()\-]+/)*")
_SCHEME: Final = "s3://"
_LIKE_A_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:/")
_ENDPOINT: Final = re.compile(r"https?://[^/?#\s]+(?:/[^?#\s]*)?")


@dataclass(frozen=True)
class BucketLocation:
    """A place in a bucket.

    Attributes:
        bucket: Its name.
        prefix: What every key in it begins with: empty, or ending in a slash.
    """

    bucket: str
    prefix: str

    def __str__(self) -> str:
        """As it is written in a setting."""
        return f"{_SCHEME}{self.bucket}/{self.prefix}".removesuffix("/")


@dataclass(frozen=True)
class StoragePlace:
    """Where the files live, as the settings say.

    Attributes:
        bucket: A bucket, or None for folders of this machine.
        uploads: Folder of originals and published files; not used with a bucket.
        scratch: Folder of work files; with a bucket, of this machine's copies alone.
        copies_bytes: How much of a bucket is kept on this machine at most.
    """

    bucket: BucketLocation | None
    uploads: Path
    scratch: Path
    copies_bytes: int

    def __str__(self) -> str:
        """For people: the bucket, or the two folders."""
        return str(self.bucket) if self.bucket is not None else f"{self.uploads} and {self.scratch}"


def parse_bucket_location(text: str) -> BucketLocation:
    """Read ``s3://bucket`` or ``s3://bucket/prefix``.

    Raises:
        ValueError: It is neither; the message says what to write.
    """
    if not text.startswith(_SCHEME):
        raise ValueError("write s3://bucket or s3://bucket/prefix; without it, files live in folders of this machine")
    bucket, _, prefix = text.removeprefix(_SCHEME).partition("/")
    prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"{bucket!r} can't be the name of a bucket: 3 to 63 small letters, digits, dots and hyphens")
    if not _PREFIX.fullmatch(prefix) or ".." in prefix:
        raise ValueError(f"the prefix {prefix!r} has characters that not every bucket takes")
    return BucketLocation(bucket, prefix)


def names_a_bucket(place: str) -> bool:
    """Whether a place is meant as one, also where it is misspelt, as ``s3:/bucket`` is; else it is a folder."""
    return _LIKE_A_SCHEME.match(place) is not None


def endpoint_of(environment: Mapping[str, str]) -> str | None:
    """Address of the S3 server that the environment names, or None for Amazon's.

    Raises:
        ValueError: It is no address; the message says what to write.
    """
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if address := environment.get(name):
            if not _ENDPOINT.fullmatch(address):
                raise ValueError(f"{name} is {address!r}, no address: write it as http://127.0.0.1:8333")
            return address
    return None
