"""Fixtures shared by every test; each kind has a module of its own in ``tests/fixtures``."""

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.media",
    "tests.fixtures.temporal",
    "tests.fixtures.stack",
    "tests.fixtures.bucket",
    "tests.fixtures.chromium",
]
