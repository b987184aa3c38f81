"""What is signed: sessions of browsers, the tokens beside them, and links to a video.

itsdangerous makes and checks the signatures. It takes several secrets, oldest first: the last one signs and each of
them still holds, which is what lets them be changed without ending what was given out.
"""

import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from itsdangerous import BadData, URLSafeSerializer

from database.accounts import Accounts

LONGEST_LINK: Final = timedelta(days=7)
_KNOWN_SECONDS: Final = 5.0
_SECRET_BYTES: Final = 32


def new_signing_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(_SECRET_BYTES)


class Signer:
    """Signs and checks with the secrets of the database, which it looks up every few seconds.

    Args:
        accounts: Where the secrets are.
        clock: Seconds that only grow.
    """

    def __init__(self, accounts: Accounts, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock
        self._secrets: list[str] = []
        self._known_until = 0.0

    async def sign(self, purpose: str, content: Any) -> str:
        """Text that only ``read`` with the same purpose takes; of characters that need no quoting in a URL.

        Args:
            purpose: What it is for; a text that was signed for another purpose is refused.
            content: Anything that JSON can say. It can be read by whoever has the text.
        """
        return str((await self._serializer(purpose)).dumps(content))

    async def read(self, purpose: str, text: str) -> Any:
        """What was signed; None where the text is not what ``sign`` made for this purpose."""
        try:
            return (await self._serializer(purpose)).loads(text)
        except BadData:
            return None

    async def _serializer(self, purpose: str) -> URLSafeSerializer:
        if self._clock() >= self._known_until:
            self._secrets = await self._accounts.signing_secrets(new_signing_secret())
            self._known_until = self._clock() + _KNOWN_SECONDS
        return URLSafeSerializer(self._secrets, salt=f"rushes.{purpose}")
