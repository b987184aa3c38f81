"""What is signed: sessions of browsers, the tokens beside them, and links to a video.

itsdangerous makes and checks the signatures. It takes several secrets, oldest first: the last one signs and each of
them still holds, which is what lets them be changed without ending what was given out.
"""

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
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
    """Signs and checks with the secrets of the database, which it looks up every few seconds, its time with them.

    Args:
        accounts: Where the secrets are.
        clock: Seconds that only grow.
    """

    def __init__(self, accounts: Accounts, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock
        self._secrets: list[str] = []
        self._looked_up: tuple[datetime, float] | None = None

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

    async def now(self) -> datetime:
        """The time by the database's clock, by which what is signed ends: processes may have clocks that differ."""
        database_time, since = await self._look_up()
        return database_time + timedelta(seconds=self._clock() - since)

    async def _serializer(self, purpose: str) -> URLSafeSerializer:
        await self._look_up()
        return URLSafeSerializer(self._secrets, salt=f"rushes.{purpose}")

    async def _look_up(self) -> tuple[datetime, float]:
        """What time it was by the database's clock, and by ours when that was known: some seconds ago, or now."""
        if self._looked_up is None or self._clock() >= self._looked_up[1] + _KNOWN_SECONDS:
            self._secrets, database_time = await self._accounts.signing_secrets(new_signing_secret())
            self._looked_up = (database_time, self._clock())
        return self._looked_up
