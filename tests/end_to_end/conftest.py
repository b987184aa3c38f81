"""One stack for all the tests that leave it running, and one for each test that breaks it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.service import Service
from tests.fixtures.stack import START_SECONDS, Home, make_home
from tests.waiting import eventually


@asynccontextmanager
async def running(home: Home) -> AsyncIterator[Service]:
    """``rushes up`` on the home until the block ends."""
    process = await home.begin("up")
    try:
        await eventually(lambda: _is_up(home, process), bool, within_seconds=START_SECONDS)
        run = home.run_file
        assert run is not None
        async with httpx.AsyncClient(base_url=run.api, timeout=30) as http:
            yield Service(home, http)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()


async def _is_up(home: Home, process: asyncio.subprocess.Process) -> bool:
    if process.returncode is not None:
        out, err = await process.communicate()
        pytest.fail(f"rushes up ended with {process.returncode}:\n{out.decode()}{err.decode()}")
    return home.run_file is not None


def with_everything_allowed(folder: Path) -> Home:
    return make_home(folder).with_settings(
        RUSHES_SCRATCH=str(folder / "scratch"),
        RUSHES_ALLOWED_EXTENSIONS='[".mp4", ".mov", ".avi", ".webm", ".m4a", ".mkv"]',
        RUSHES_WORKER_GRACE_SECONDS="1",
        RUSHES_RECONCILE_INTERVAL_SECONDS="2",
    )


@pytest.fixture(scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A stack that tests share and leave as they found it."""
    async with running(with_everything_allowed(tmp_path_factory.mktemp("service"))) as shared:
        yield shared


@pytest.fixture
def breakable(tmp_path: Path) -> Home:
    """A home for a stack that the test itself starts and breaks."""
    return with_everything_allowed(tmp_path)
