"""What an upload may be, whichever door it comes through."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode, Refused
from contracts.storage_keys import original_key
from database.records import NewVideo
from ingest.labels import extension_of, title_from

NO_BYTES: Final = "The file has no bytes. Look whether it was copied to its end, and send it again."
"""What is said of an empty file."""

_IDEMPOTENCY_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True)
class UploadLimits:
    """What is accepted.

    Attributes:
        allowed_extensions: With their dots, in lower case.
        max_bytes: Largest file.
        most_open_of_one: How many of them may be one user's.
        too_large_advice: What to do about a larger one, as a sentence.
        timeout_seconds: Longest time from the first byte to the last.
        lease_seconds: How long a row outlives the process that takes its upload, from its first moment on.
        most_open: How many uploads a process takes at a time.
        profiles: Name of each encoding profile, and for whom it is.
        default_profile: Which of them an upload gets that names none.
    """

    allowed_extensions: tuple[str, ...]
    max_bytes: int
    timeout_seconds: float
    lease_seconds: float
    most_open: int
    profiles: Mapping[str, str]
    default_profile: str
    most_open_of_one: int = 750
    too_large_advice: str = "Send larger ones by tus, as `rushes upload` does, or have RUSHES_MAX_UPLOAD_BYTES raised."

    def describe(self, user_id: str, filename: str) -> NewVideo:
        """The row of an upload that begins.

        Raises:
            Refused: Files with this extension are not accepted.
        """
        extension = extension_of(filename)
        if extension not in self.allowed_extensions:
            raise Refused(
                RefusalCode.UNSUPPORTED_EXTENSION,
                f"The file's name must end in one of {', '.join(self.allowed_extensions)}. The setting "
                "RUSHES_ALLOWED_EXTENSIONS allows others.",
            )
        video_id = uuid4()
        return NewVideo(
            id=video_id,
            user_id=user_id,
            title=title_from(filename),
            original_filename=filename,
            original_key=original_key(str(video_id), extension),
            profile=self.default_profile,
            upload_expires_seconds=self.lease_seconds,
        )

    def check_size(self, size_bytes: int) -> None:
        """Raise ``Refused`` for a file that is larger than accepted."""
        if size_bytes > self.max_bytes:
            raise Refused(
                RefusalCode.TOO_LARGE, f"A file may have at most {self.max_bytes} bytes here. {self.too_large_advice}"
            )

    def checked_profile(self, name: str) -> str | None:
        """The name of a profile that there is; None for an empty one. Raises ``Refused``."""
        name = name.strip()
        if name and name not in self.profiles:
            known = ", ".join(sorted(self.profiles))
            raise Refused(ErrorCode.UNKNOWN_PROFILE, f"There is no profile {name!r}. There are: {known}.")
        return name or None


@dataclass(frozen=True)
class ResumableLimits:
    """What an upload over several requests may be.

    Attributes:
        max_bytes: Largest file.
        lease_seconds: How long a request that does not write keeps others from it.
        expires_seconds: How long an upload may rest before it is forgotten.
        spare_bytes: What is to stay free on a disk.
        reserved_seconds: How long an upload that rests has its room reserved.
    """

    max_bytes: int
    lease_seconds: float
    expires_seconds: float
    spare_bytes: int
    reserved_seconds: float = 3600

    @property
    def rested_left_seconds(self) -> float:
        """How long before it is forgotten an upload has no room reserved any more: its bytes put its end off."""
        return max(0.0, self.expires_seconds - self.reserved_seconds)


def checked_idempotency_key(key: str | None) -> str | None:
    """The key as it is. Raises ``Refused`` for one that can't be kept."""
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Refused(
            RefusalCode.INVALID_IDEMPOTENCY_KEY, "An Idempotency-Key has 1 to 255 printable ASCII characters."
        )
    return key
