"""Every query on users, their keys and what links are signed with. Each method is one transaction."""

from collections.abc import Callable, Set
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final, cast

from sqlalchemy import false, func, or_, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from database.clock import database_now
from database.quotas import Usage, usage_of
from database.records import UserLimits
from database.tables import ApiKey, SigningSecret, User

_HOLDS: Final = (
    col(ApiKey.revoked_at).is_(None),
    or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > func.now()),
)

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

    async def add_key(self, key: ApiKey, life: timedelta | None = None) -> datetime | None:
        """Keep a new key, and its user where there was none of that name.

        Args:
            key: What is kept of it.
            life: How long it holds from now on, by the database's clock; None until it is revoked.

        Returns:
            Until when it holds.
        """
        async with self._transaction() as session:
            await session.execute(_user_insert(key.user_name))
            key.created_at = await database_now(session)
            key.expires_at = None if life is None else key.created_at + life
            session.add(key)
        return key.expires_at

    async def holder(self, key_id: str) -> tuple[ApiKey, User] | None:
        """The key with its user; None when there is no such key, or it holds no longer by the database's clock."""
        query = select(ApiKey, User).join(User, col(User.name) == col(ApiKey.user_name))
        query = query.where(col(ApiKey.id) == key_id, *_HOLDS)
        async with self._transaction() as session:
            found = (await session.execute(query)).one_or_none()
        return (found[0], found[1]) if found is not None else None

    async def holding(self, key_ids: Set[str | None]) -> Set[str | None]:
        """Which of these keys hold, by their ids and the database's clock; to have none holds while there is no key."""
        any_key = select(col(ApiKey.id)).limit(1)
        async with self._transaction() as session:
            holding: set[str | None] = set(
                await session.scalars(select(col(ApiKey.id)).where(col(ApiKey.id).in_(key_ids - {None}), *_HOLDS))
            )
            if None in key_ids and await session.scalar(any_key) is None:
                holding.add(None)
        return holding

    async def keys(self) -> list[tuple[ApiKey, bool]]:
        """All keys that were ever made, oldest first, and whether each has expired by the database's clock."""
        has_expired = func.coalesce(col(ApiKey.expires_at) <= func.now(), false())
        query = select(ApiKey, has_expired).order_by(col(ApiKey.created_at), col(ApiKey.id))
        async with self._transaction() as session:
            return [(row[0], row[1]) for row in (await session.execute(query)).all()]

    async def revoke_key(self, key_id: str) -> ApiKey | None:
        """End a key at once; one that has ended already stays as it is. None when there is no such key."""
        ended = func.coalesce(col(ApiKey.revoked_at), func.now())
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

    async def signing_secrets(self, first: str) -> tuple[list[str], datetime]:
        """The secrets that hold, oldest first: the last one signs. With the time, both by the database's clock.

        Where there is none, ``first`` is kept.
        """
        holding = (
            select(col(SigningSecret.secret), func.clock_timestamp())
            .where(or_(col(SigningSecret.retires_at).is_(None), col(SigningSecret.retires_at) > func.now()))
            .order_by(col(SigningSecret.id))
        )
        async with self._transaction() as session:
            rows = (await session.execute(holding)).all()
            if not rows:
                await session.execute(select(func.pg_advisory_xact_lock(_SIGNING_LOCK)))
                rows = (await session.execute(holding)).all()
            if not rows:
                session.add(SigningSecret(secret=first))
                await session.flush()
                rows = (await session.execute(holding)).all()
        return [row[0] for row in rows], rows[0][1]

    async def rotate_signing(self, new: str, old_holds: timedelta) -> None:
        """Sign with ``new`` from now on; what was signed before holds for so long."""
        old_until = func.now() + old_holds
        async with self._transaction() as session:
            await session.execute(select(func.pg_advisory_xact_lock(_SIGNING_LOCK)))
            still = or_(col(SigningSecret.retires_at).is_(None), col(SigningSecret.retires_at) > old_until)
            await session.execute(update(SigningSecret).where(still).values(retires_at=old_until))
            session.add(SigningSecret(secret=new))


def _user_insert(name: str) -> Insert:
    return insert(User).values(name=name, created_at=func.now()).on_conflict_do_nothing()
