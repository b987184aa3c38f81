"""Whether the service lives, can take uploads, and how it stands."""

import httpx
import pytest

from api.services import Services
from contracts.errors import DatabaseUnavailable, StorageFailed
from tests.api.running import RecordedRuns


class Away:
    """A dependency that is away."""

    async def ping(self, timeout_seconds: float) -> None:
        assert timeout_seconds > 0
        raise DatabaseUnavailable("PostgreSQL does not answer.")

    async def check(self) -> None:
        raise StorageFailed("The disk is read-only.")


async def test_a_living_process_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_service_with_everything_is_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": "ok", "storage": "ok", "temporal": "ok"}}


async def test_a_service_without_temporal_still_takes_uploads(client: httpx.AsyncClient, runs: RecordedRuns) -> None:
    runs.away = True
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["temporal"] == "Temporal does not answer."


@pytest.mark.parametrize("dependency", ["database", "storage"])
async def test_a_service_that_can_not_take_uploads_is_not_ready(
    client: httpx.AsyncClient, services: Services, dependency: str
) -> None:
    object.__setattr__(services, dependency, Away())
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    checks = answer.json()["checks"]
    assert checks.pop(dependency) == answer.json()["detail"]
    assert set(checks.values()) == {"ok"}
    assert (await client.get("/healthz")).status_code == 200


async def test_the_system_tells_videos_queues_versions_limits_and_profiles(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/videos/upload", files={"file": ("a.mp4", b"x")})
    system = (await client.get("/api/v1/system")).json()
    assert system == {
        "videos": {"uploading": 0, "processing": 1, "ready": 0, "error": 0},
        "queues": [
            {"name": "video-control", "backlog": 0, "pollers": ["1@host"]},
            {"name": "video-media", "backlog": 3, "pollers": []},
        ],
        "temporal": {"address": "127.0.0.1:7233", "namespace": "default", "reachable": True, "ui_url": None},
        "versions": {"rushes": "0.0.0", "temporal": "1.32.0"},
        "limits": {"allowed_extensions": [".mp4", ".mov", ".avi"], "max_upload_bytes": 8 * 1024 * 1024},
        "profiles": [
            {"name": "archive", "description": "For later.", "is_default": False},
            {"name": "web", "description": "For everybody.", "is_default": True},
        ],
    }


async def test_the_system_is_told_without_temporal(client: httpx.AsyncClient, runs: RecordedRuns) -> None:
    runs.away = True
    answer = await client.get("/api/v1/system")
    assert answer.status_code == 200
    assert (answer.json()["queues"], answer.json()["versions"]["temporal"]) == (None, None)
    assert answer.json()["temporal"]["reachable"] is False
