"""A database that knew the storage when it was empty, for sweeps that take whatever no row speaks of."""

from datetime import UTC, datetime


async def always() -> datetime:
    """Since ever."""
    return datetime.min.replace(tzinfo=UTC)
