"""The api for tests: over a real database and real storage, with Temporal as the test wants it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.options import ApiOptions
from api.services import Services
from database.engine import Database
from fetching.addresses import AddressRules
from ingest.importing import ImportLimits
from ingest.rules import ResumableLimits, UploadLimits
from storage.disk import DiskStorage
from storage.protocol import Storage
from tests.api.places import BUCKET, DISK
from tests.api.running import RecordedRuns, in_process, over_http, services_of

MEBIBYTE = 1024 * 1024


@pytest.fixture
def uploads_folder(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def storage(request: pytest.FixtureRequest, uploads_folder: Path, tmp_path: Path) -> Storage:
    """On a disk; where a test asks for it (``tests.api.places``), in a bucket as well."""
    if getattr(request, "param", DISK) == BUCKET:
        in_a_bucket: Storage = request.getfixturevalue("bucket_storage")
        return in_a_bucket
    return DiskStorage(uploads_folder, tmp_path / "scratch")


@pytest.fixture
def runs() -> RecordedRuns:
    return RecordedRuns()


@pytest.fixture
def services(database: Database, storage: Storage, runs: RecordedRuns) -> Services:
    return services_of(database, storage, runs)


@pytest.fixture
def options() -> ApiOptions:
    return ApiOptions(
        version="0.0.0",
        limits=UploadLimits(
            allowed_extensions=(".mp4", ".mov", ".avi"),
            max_bytes=8 * MEBIBYTE,
            timeout_seconds=30,
            lease_seconds=30,
            most_open=100,
            profiles={"web": "For everybody.", "archive": "For later."},
            default_profile="web",
        ),
        imports=ImportLimits(enabled=True, addresses=AddressRules()),
        resumable=ResumableLimits(max_bytes=64 * MEBIBYTE, lease_seconds=1.0, expires_seconds=3600, spare_bytes=0),
        reconcile_interval_seconds=3600,
        sweep_interval_seconds=3600,
        temporal_address="127.0.0.1:7233",
        temporal_namespace="default",
    )


@pytest.fixture
async def client(services: Services, options: ApiOptions) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to the application in this process, without a socket."""
    async with in_process(services, options) as client:
        yield client


@pytest.fixture
async def http(services: Services, options: ApiOptions) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to the application through a real server on loopback."""
    async with over_http(services, options) as client:
        yield client
