"""What a bucket tells of its objects."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class StoredObject:
    """An object as it stands.

    Attributes:
        size_bytes: Its size.
        etag: Changes with its content.
        modified: When it was written, by the server's clock.
    """

    size_bytes: int
    etag: str
    modified: datetime


@dataclass(frozen=True)
class Part:
    """A part of an object on its way.

    Attributes:
        number: Its place, from 1.
        etag: As the server answered it.
        size_bytes: Its size.
        is_md5: Whether the ETag is known to be the MD5 of its content; where a server encrypts, it is not.
    """

    number: int
    etag: str
    size_bytes: int
    is_md5: bool = False


@dataclass(frozen=True)
class PutParts:
    """An object that is put in parts, and does not stand yet.

    Attributes:
        key: Under which it will stand.
        upload_id: By which the server knows it.
    """

    key: str
    upload_id: str
