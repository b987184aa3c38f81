"""What a writer of an upload leaves in a bucket for the next one: an object that stands beside the upload's parts."""

import json
from dataclasses import dataclass
from typing import Final

from storage.bucket_records import Part

TAIL: Final = ".tail-"


def tail_key(key: str, end: int) -> str:
    """Of the tail that ends after so many bytes of the file."""
    return f"{key}{TAIL}{end}"


@dataclass(frozen=True)
class Tail:
    """What was kept of an upload.

    Attributes:
        upload_id: Of the multipart upload; None where no part was put yet.
        parts: Those that hold the file's first bytes, as this writer put them.
        rest: The bytes after them, too few for a part.
    """

    upload_id: str | None
    parts: tuple[Part, ...]
    rest: bytes | memoryview

    def content(self) -> bytes:
        """As it stands in the bucket: a line of JSON, then the rest."""
        parts = [[part.number, part.etag, part.size_bytes, part.is_md5] for part in self.parts]
        return json.dumps({"upload_id": self.upload_id, "parts": parts}).encode() + b"\n" + self.rest

    @classmethod
    def read(cls, content: bytes) -> "Tail":
        """What ``content`` made."""
        end = content.index(b"\n")
        told = json.loads(content[:end])
        return cls(told["upload_id"], tuple(Part(*part) for part in told["parts"]), memoryview(content)[end + 1 :])
