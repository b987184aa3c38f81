"""Who asks: found by a key, by a browser's session, or, while there is no key at all, by being on this machine."""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from accounts.keys import KeyText
from accounts.request_rate import RequestRates
from accounts.signing import Signer
from contracts.refusals import RefusalCode, Refused
from database.accounts import Accounts
from database.tables import ApiKey, User

LOCAL_USER: Final = "local"
SESSION_LIFE: Final = timedelta(hours=12)

NO_KEY_SECONDS: Final = 1.0
"""So long it is remembered that there is no key: every request asks, and each answer would cost a query."""

_SESSION: Final = "session"
_CSRF: Final = "csrf"


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        user_id: Whose videos are made.
        is_admin: Whether everybody's videos are seen.
        key_id: Of the key, or None where there is none yet.
    """

    user_id: str
    is_admin: bool = False
    key_id: str | None = None

    @property
    def sees(self) -> str | None:
        """Whose videos may be seen and changed: this user's, or None for everybody's."""
        return None if self.is_admin else self.user_id


@dataclass(frozen=True)
class Session:
    """What a browser gets in place of a key.

    Attributes:
        token: For the cookie.
        csrf_token: To be sent as a header with whatever changes anything: another site can't read it.
        expires_at: When the session ends.
    """

    token: str
    csrf_token: str
    expires_at: datetime


class Callers:
    """Tells who asks.

    Args:
        accounts: The keys.
        signer: Of sessions.
    """

    def __init__(self, accounts: Accounts, signer: Signer) -> None:
        self._accounts = accounts
        self._signer = signer
        self._rates = RequestRates()
        self._keys_exist = False
        self._no_key_until = 0.0

    async def keys_exist(self) -> bool:
        """Whether a key was ever made; ``NO_KEY_SECONDS`` later nobody comes in without one."""
        if not self._keys_exist and time.monotonic() >= self._no_key_until:
            self._keys_exist = await self._accounts.have_keys()
            self._no_key_until = time.monotonic() + NO_KEY_SECONDS
        return self._keys_exist

    async def of_key(self, text: str) -> Caller:
        """The holder of a key.

        Raises:
            Refused: It is no key, or holds no longer.
            QuotaExceeded: The user asks too often.
        """
        key = KeyText.read(text.strip())
        found = await self._accounts.holder(key.id) if key is not None else None
        if key is None or found is None or not key.opens(found[0]):
            raise Refused(RefusalCode.UNAUTHENTICATED, "The key is unknown, was revoked, or has expired.")
        return self._counted(*found)

    async def of_session(self, token: str, csrf_token: str | None, *, changes: bool) -> Caller:
        """The holder of a session.

        Args:
            token: Of the cookie.
            csrf_token: Of the header, or None.
            changes: Whether the request may change anything; others may come without the token, and not with another
                session's: a page would take the answer for its own user's.

        Raises:
            Refused: The session is none of ours, has ended, or its key holds no longer; or the token is missing, or
                another session's.
            QuotaExceeded: The user asks too often.
        """
        said = await self._signer.read(_SESSION, token)
        if said is None or said["until"] < (await self._signer.now()).timestamp():
            raise _ended()
        told = None if csrf_token is None else await self._signer.read(_CSRF, csrf_token)
        if told != said["nonce"] and (changes or csrf_token is not None):
            raise Refused(
                RefusalCode.CSRF_REFUSED,
                "A request that changes something with a session needs its token as X-CSRF-Token, and none may "
                "have another's. GET /api/v1/session tells it.",
            )
        found = await self._accounts.holder(said["key"])
        if found is None:
            raise _ended()
        return self._counted(*found)

    async def begin_session(self, caller: Caller) -> Session:
        """A session of the caller, who came with a key."""
        expires_at = await self._signer.now() + SESSION_LIFE
        nonce = secrets.token_urlsafe(16)
        content = {"key": caller.key_id, "nonce": nonce, "until": expires_at.timestamp()}
        return Session(await self._signer.sign(_SESSION, content), await self._signer.sign(_CSRF, nonce), expires_at)

    async def csrf_token_of(self, token: str) -> str:
        """The token that belongs to a session, which a page asks for after it was loaded anew.

        Raises:
            Refused: The session is none of ours.
        """
        said = await self._signer.read(_SESSION, token)
        if said is None:
            raise _ended()
        return await self._signer.sign(_CSRF, said["nonce"])

    def _counted(self, key: ApiKey, user: User) -> Caller:
        if user.max_requests_a_second is not None:
            self._rates.take(user.name, user.max_requests_a_second)
        return Caller(user.name, key.is_admin, key.id)


def _ended() -> Refused:
    return Refused(RefusalCode.UNAUTHENTICATED, "The session has ended. Sign in again.")
