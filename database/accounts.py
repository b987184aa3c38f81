"""Every query on users, their keys and what links are signed with. Each method is one transaction."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import cast

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from database.quotas import Usage, usage_of
from database.records import UserLimits
from database.tables import ApiKey, SigningSecret, User, utc_now

_SIGNING_LOCK = 0x5255_5348  # any number that nobody else's advisory lock has


class Accounts:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    # Keys

    async def have_keys(self) -> bool:
        """Whether a key was ever made. A key that was revoked counts: its end must not open the door to everybody."""
        async with self._transaction() as session:
            return await session.scalar(select(col(ApiKey.id)).limit(1)) is not None

    async def add_key(self, key: ApiKey) -> None:
        """Keep a new key, and its user where there was none of that name."""
        async with self._transaction() as session:
            await session.execute(_user_insert(key.user_name))
            session.add(key)

    async def holder(self, key_id: str) -> tuple[ApiKey, User] | None:
        """The key with its user; None when there is no such key, or it holds no longer by the database's clock."""
        query = (
            select(ApiKey, User)
            .join(User, col(User.name) == col(ApiKey.user_name))
            .where(
                col(ApiKey.id) == key_id,
                col(ApiKey.revoked_at).is_(None),
                or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > func.now()),
            )
        )
        async with self._transaction() as session:
            found = (await session.execute(query)).one_or_none()
        return (found[0], found[1]) if found is not None else None

    async def keys(self) -> list[ApiKey]:
        """All keys that were ever made, oldest first."""
        async with self._transaction() as session:
            return list(await session.scalars(select(ApiKey).order_by(col(ApiKey.created_at), col(ApiKey.id))))

    async def revoke_key(self, key_id: str) -> ApiKey | None:
        """End a key at once; one that has ended already stays as it is. None when there is no such key."""
        ended = func.coalesce(col(ApiKey.revoked_at), utc_now())
        change = update(ApiKey).where(col(ApiKey.id) == key_id).values(revoked_at=ended).returning(ApiKey)
        async with self._transaction() as session:
            return cast("ApiKey | None", await session.scalar(change))

    # Users

    async def users(self) -> list[tuple[User, Usage]]:
        """All users by name, and what each uses."""
        async with self._transaction() as session:
            users = list(await session.scalars(select(User).order_by(col(User.name))))
            return [(user, await usage_of(session, user.name)) for user in users]

    async def user(self, name: str) -> tuple[UserLimits, Usage]:
        """The limits of a user, none where nobody set any, and what is used of them."""
        async with self._transaction() as session:
            user = await session.get(User, name)
            return UserLimits.of(user), await usage_of(session, name)

    async def set_limits(self, name: str, limits: dict[str, int | None]) -> bool:
        """Set those limits of ``UserLimits`` that are named, and make the user where there was none of that name.

        Returns:
            Whether the user was made.
        """
        async with self._transaction() as session:
            made = await session.scalar(_user_insert(name).returning(col(User.name)))
            if limits:
                await session.execute(update(User).where(col(User.name) == name).values(limits))
        return made is not None

    # What is signed with

    async def signing_secrets(self, first: str) -> list[str]:
        """The secrets that hold by the database's clock, oldest first: the last one signs.

        Where there is none, ``first`` is kept.
        """
        holding = (
            select(col(SigningSecret.secret))
            .where(or_(col(SigningSecret.retires_at).is_(None), col(SigningSecret.retires_at) > func.now()))
            .order_by(col(SigningSecret.id))
        )
        async with self._transaction() as session:
            secrets = list(await session.scalars(holding))
            if not secrets:
                await session.execute(select(func.pg_advisory_xact_lock(_SIGNING_LOCK)))
                secrets = list(await session.scalars(holding))
            if not secrets:
                session.add(SigningSecret(secret=first))
                secrets = [first]
        return secrets

    async def rotate_signing(self, new: str, old_holds: timedelta) -> None:
        """Sign with ``new`` from now on; what was signed before holds for so long."""
        old_until = func.now() + old_holds
        async with self._transaction() as session:
            await session.execute(select(func.pg_advisory_xact_lock(_SIGNING_LOCK)))
            still = or_(col(SigningSecret.retires_at).is_(None), col(SigningSecret.retires_at) > old_until)
            await session.execute(update(SigningSecret).where(still).values(retires_at=old_until))
            session.add(SigningSecret(secret=new))


def _user_insert(name: str) -> Insert:
    return insert(User).values(name=name, created_at=utc_now()).on_conflict_do_nothing()
