"""What a database holds, of any version: asked before all of it is replaced."""

from typing import Final

from sqlalchemy import inspect, text

from database.migrate import connection_to

_OF_PEOPLE: Final = ("videos", "users", "webhooks")
"""Tables whose rows nobody but people can make again; all others are about these."""


def rows_of_people(url: str) -> dict[str, int]:
    """How many videos, users and webhooks there are; none in a database without these tables.

    Blocks.

    Raises:
        DatabaseUnavailable: PostgreSQL does not answer.
        ValueError: The address is not one of PostgreSQL.
    """
    with connection_to(url) as connection:
        there = inspect(connection).get_table_names()
        # Names of ours, not of anybody's.
        count = "SELECT count(*) FROM {}".format
        return {name: connection.execute(text(count(name))).scalar_one() if name in there else 0 for name in _OF_PEOPLE}
