"""Keys of the api: how one is made, written, read, and told from a wrong one.

A key is ``rushes_`` and two parts: an id, which may be seen, and a secret of 256 random bits. Of the secret only the
SHA-256 is kept: a guess at that many bits is hopeless, so the slow hashes that passwords need would buy nothing here
and cost every request.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final, Self

from database.tables import ApiKey

_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_WRITTEN: Final = re.compile(r"rushes_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, repr=False)
class KeyText:
    """A key as its holder has it.

    Attributes:
        id: 12 hexadecimal digits.
        secret: 43 characters.
    """

    id: str
    secret: str

    @classmethod
    def new(cls) -> Self:
        """A key that nobody has."""
        return cls(secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The key that ``write`` wrote, or None where it is none."""
        matched = _WRITTEN.fullmatch(text)
        return cls(*matched.groups()) if matched else None

    def write(self) -> str:
        """The text to be sent as ``Authorization: Bearer``."""
        return f"rushes_{self.id}_{self.secret}"

    def row(self, user_name: str, *, is_admin: bool) -> ApiKey:
        """What is kept of it; when it ends is said where it is kept."""
        return ApiKey(id=self.id, user_name=user_name, is_admin=is_admin, secret_sha256=self._digest())

    def opens(self, row: ApiKey) -> bool:
        """Whether it is the key of that row."""
        return hmac.compare_digest(self._digest(), row.secret_sha256)

    def _digest(self) -> str:
        return hashlib.sha256(self.secret.encode("ascii")).hexdigest()
