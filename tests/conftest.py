"""Fixtures shared by every test; each kind has a module of its own in ``tests/fixtures``."""

import pytest

# Assertions of shared checks are explained like those of tests; said here, before any folder's tests import them.
pytest.register_assert_rewrite("tests.media.making", "tests.media.rows", "tests.media.judges")

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.media",
    "tests.fixtures.temporal",
    "tests.fixtures.stack",
    "tests.fixtures.bucket",
    "tests.fixtures.chromium",
    "tests.fixtures.prometheus",
    "tests.fixtures.sharing",
]

_LONGEST = ("soak", "end_to_end", "failpoints", "web", "hostile", "media")
"""Folders whose files take longest: they go first, so that no process is left with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files, not the tests within one."""

    def place(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return _LONGEST.index(folder) if folder in _LONGEST else len(_LONGEST)

    items.sort(key=place)
