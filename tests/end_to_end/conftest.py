"""One stack for all the tests that leave it running, and one for each test that breaks it.

The shared one is there twice, with its files on a disk and in a bucket: ``each_service``. ``service``, and those that
are broken, have them on a disk; with ``RUSHES_TEST_STORAGE=bucket`` in a bucket.
"""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from storage.location import BucketLocation, parse_bucket_location
from tests.end_to_end.service import Service
from tests.fixtures.bucket import BUCKET, BucketServer
from tests.fixtures.stack import Home, make_home, running

STORAGE_VARIABLE: Final = "RUSHES_TEST_STORAGE"


@asynccontextmanager
async def serving(home: Home) -> AsyncIterator[Service]:
    """The service on the home, until the block ends."""
    storage = home.environment.get("RUSHES_STORAGE")
    bucket = parse_bucket_location(storage) if storage else None
    async with running(home) as run, httpx.AsyncClient(base_url=run.api, timeout=30) as http:
        yield Service(home, http, bucket)


def with_everything_allowed(folder: Path) -> Home:
    return make_home(folder).with_settings(
        RUSHES_SCRATCH=str(folder / "scratch"),
        RUSHES_ALLOWED_EXTENSIONS='[".mp4", ".mov", ".avi", ".webm", ".m4a", ".mkv"]',
        RUSHES_IMPORT_ALLOWED_ADDRESSES='["127.0.0.0/8"]',
        RUSHES_WORKER_GRACE_SECONDS="1",
        RUSHES_RECONCILE_INTERVAL_SECONDS="2",
    )


def in_the_bucket(home: Home, server: BucketServer) -> Home:
    """The same home, its files below a prefix of its own."""
    prefix = BucketLocation(BUCKET, f"{secrets.token_hex(8)}/")
    return home.with_settings(RUSHES_STORAGE=str(prefix), **server.environment)


@pytest.fixture(scope="session")
async def service_on_a_disk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A stack that tests share and leave as they found it."""
    async with serving(with_everything_allowed(tmp_path_factory.mktemp("service"))) as shared:
        yield shared


@pytest.fixture(scope="session")
async def service_in_a_bucket(
    tmp_path_factory: pytest.TempPathFactory, shared_bucket_server: BucketServer
) -> AsyncIterator[Service]:
    """Another one, of which a second worker can take half of the work, and an upload is soon taken over."""
    home = with_everything_allowed(tmp_path_factory.mktemp("service in a bucket")).with_settings(
        RUSHES_MEDIA_SLOTS="1", RUSHES_UPLOAD_LEASE_SECONDS="2"
    )
    async with serving(in_the_bucket(home, shared_bucket_server)) as shared:
        yield shared


@pytest.fixture(scope="session", params=["service_on_a_disk", "service_in_a_bucket"])
def each_service(request: pytest.FixtureRequest) -> Service:
    """Both, one after the other."""
    shared: Service = request.getfixturevalue(request.param)
    return shared


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest) -> Service:
    """That on a disk, or in a bucket where it was asked for."""
    name = "service_in_a_bucket" if os.environ.get(STORAGE_VARIABLE) == "bucket" else "service_on_a_disk"
    shared: Service = request.getfixturevalue(name)
    return shared


def breakable_home(folder: Path, request: pytest.FixtureRequest) -> Home:
    """A home for a stack that is broken."""
    home = with_everything_allowed(folder)
    if os.environ.get(STORAGE_VARIABLE) == "bucket":
        return in_the_bucket(home, request.getfixturevalue("shared_bucket_server"))
    return home


@pytest.fixture(scope="session")
def harmed_home(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Home:
    """Of ``harmed``, which can't ask for the bucket's server by itself: its event loop runs already."""
    return breakable_home(tmp_path_factory.mktemp("harmed"), request)


@pytest.fixture(scope="session")
async def harmed(harmed_home: Home) -> AsyncIterator[Service]:
    """A stack whose worker and api are killed and stopped, and started again each time.

    It has one chunk in hand at most.
    """
    impatient = {"RUSHES_STALL_SECONDS": "2", "RUSHES_UPLOAD_LEASE_SECONDS": "2"}
    async with serving(harmed_home.with_settings(RUSHES_MEDIA_SLOTS="1", **impatient)) as service:
        yield service
