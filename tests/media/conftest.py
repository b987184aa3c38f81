"""Assertions of the shared checks are explained like those of tests."""

import pytest

pytest.register_assert_rewrite("tests.media.making", "tests.media.rows", "tests.media.judges")
