"""PostgreSQL's clock, which all processes have in common: what is compared between them goes by it, and by no other."""

from datetime import datetime
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def database_now(session: AsyncSession) -> datetime:
    """When this transaction began."""
    return cast("datetime", await session.scalar(select(func.now())))
