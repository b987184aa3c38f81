"""PostgreSQL's clock, which all processes have in common: times that rows tell are compared by it.

How old a file is goes by its storage's clock and that of who asks; whether it may go is for the row to say.
"""

from datetime import datetime
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def database_now(session: AsyncSession) -> datetime:
    """When this transaction began."""
    return cast("datetime", await session.scalar(select(func.now())))
