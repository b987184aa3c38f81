"""Which tables this version knows, told by the names of its migrations: only who migrates loads them."""

import functools
from pathlib import Path
from typing import Final

VERSIONS_FOLDER: Final = Path(__file__).parent / "migrations" / "versions"


@functools.cache
def known_revisions() -> tuple[str, ...]:
    """Every revision that this version can bring a database to, the one that it needs last."""
    return tuple(sorted(path.name.split("_")[1] for path in VERSIONS_FOLDER.glob("revision_*.py")))


def are_older(revision: str | None) -> bool:
    """Whether tables at this revision have to be migrated first.

    Those of a later version have not: it adds what is new first, so that this one works on while it is replaced.
    """
    return revision is None or (revision in known_revisions() and revision != known_revisions()[-1])
