"""How PostgreSQL is reached: by which address, what a connection is made with, and what it means when it fails."""

from typing import Any, Final

from sqlalchemy import URL, make_url
from sqlalchemy import exc as sqlalchemy_errors

from contracts.errors import DatabaseUnavailable

CONNECT_TIMEOUT_SECONDS: Final = 4
"""How long one connection may take to be made."""


def parse_url(url: str) -> URL:
    """The address for SQLAlchemy, with the driver that is used here.

    Raises:
        ValueError: It is not an address of PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except sqlalchemy_errors.ArgumentError as error:
        raise ValueError("The database's address must read postgresql://user:password@host:port/name.") from error
    if parsed.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError(f"The database must be PostgreSQL (postgresql://…), not {parsed.drivername}.")
    return parsed.set(drivername="postgresql+psycopg")


def connection_arguments() -> dict[str, Any]:
    """What every connection is made with: short waits, so that a network that went away is noticed."""
    return {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": "rushes",
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,  # milliseconds
    }


def unavailable(url: URL, error: BaseException) -> DatabaseUnavailable:
    """The error to raise when PostgreSQL at ``url`` failed with ``error``; it never has the password."""
    cause = error.orig if isinstance(error, sqlalchemy_errors.DBAPIError) and error.orig is not None else error
    reason = next(iter(str(cause).strip().splitlines()), "") or "no answer in time"
    place = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
    return DatabaseUnavailable(f"PostgreSQL at {place} does not answer: {reason}")
