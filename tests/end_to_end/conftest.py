"""One stack for all the tests that leave it running, and one for each test that breaks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.service import Service
from tests.fixtures.stack import Home, make_home, running


@asynccontextmanager
async def serving(home: Home) -> AsyncIterator[Service]:
    """The service on the home, until the block ends."""
    async with running(home) as run, httpx.AsyncClient(base_url=run.api, timeout=30) as http:
        yield Service(home, http)


def with_everything_allowed(folder: Path) -> Home:
    return make_home(folder).with_settings(
        RUSHES_SCRATCH=str(folder / "scratch"),
        RUSHES_ALLOWED_EXTENSIONS='[".mp4", ".mov", ".avi", ".webm", ".m4a", ".mkv"]',
        RUSHES_IMPORT_ALLOWED_ADDRESSES='["127.0.0.0/8"]',
        RUSHES_WORKER_GRACE_SECONDS="1",
        RUSHES_RECONCILE_INTERVAL_SECONDS="2",
    )


@pytest.fixture(scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A stack that tests share and leave as they found it."""
    async with serving(with_everything_allowed(tmp_path_factory.mktemp("service"))) as shared:
        yield shared


@pytest.fixture
def breakable(tmp_path: Path) -> Home:
    """A home for a stack that the test itself starts and breaks."""
    return with_everything_allowed(tmp_path)
