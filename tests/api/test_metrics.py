"""``/metrics`` of the api: what it tells, to whom, and that its labels stay few."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from api.options import ApiOptions
from api.services import Services
from contracts.status import VideoStatus
from database.engine import Database
from tests.api.accounts import bearer, key_of
from tests.api.running import RecordedRuns, in_process
from tests.database.samples import video_in

MOST_SAMPLES = 5000

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def sample(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


async def scraped(client: httpx.AsyncClient) -> Samples:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


async def test_the_service_s_standing_is_told_with_each_scrape(client: httpx.AsyncClient, database: Database) -> None:
    await video_in(database.videos, VideoStatus.READY)
    await video_in(database.videos, VideoStatus.PROCESSING)
    samples = await scraped(client)
    assert sample(samples, "rushes_videos", status="ready") == 1
    assert sample(samples, "rushes_queue_backlog_tasks", queue="video-media") == 3
    assert sample(samples, "rushes_queue_backlog_age_seconds", queue="video-media") == 12.5
    assert (sample(samples, "rushes_storage_free_bytes") or 0) > 0
    assert (sample(samples, "rushes_oldest_processing_seconds") or 0) > 0
    for dependency in ("database", "temporal", "storage"):
        assert sample(samples, "rushes_dependency_up", dependency=dependency) == 1


async def test_what_is_away_is_told_and_the_rest_stays(client: httpx.AsyncClient, runs: RecordedRuns) -> None:
    runs.away = True
    samples = await scraped(client)
    assert sample(samples, "rushes_dependency_up", dependency="temporal") == 0
    assert sample(samples, "rushes_queue_backlog_tasks", queue="video-media") is None
    assert sample(samples, "rushes_videos", status="ready") == 0


async def test_what_a_route_may_answer_counts_from_nothing_so_that_the_first_is_an_increase(
    client: httpx.AsyncClient,
) -> None:
    await client.get("/healthz")
    samples = await scraped(client)
    upload = "/api/v1/videos/upload"
    assert sample(samples, "rushes_http_refused_total", route=upload, code="no_room") == 0
    assert sample(samples, "rushes_http_refused_total", route=upload, code="unauthenticated") == 0
    assert sample(samples, "rushes_http_requests_total", method="POST", route=upload, status="500") == 0
    for outcome in ("done", "failed"):
        assert sample(samples, "rushes_rounds_total", work="sweep", outcome=outcome) == 0
    assert sample(samples, "rushes_round_findings_total", work="sweep", finding="removed") == 0
    assert len(samples) < MOST_SAMPLES, "labels are few"


async def test_requests_are_counted_by_route_and_refusals_by_code(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/videos/upload", files={"file": ("a.gif", b"x")})
    await client.post("/api/v1/videos/upload", files={"file": ("a.mp4", b"x")})
    for name in ("one", "two", "three"):
        await client.get(f"/nowhere/{name}")
    samples = await scraped(client)
    upload = {"method": "POST", "route": "/api/v1/videos/upload"}
    assert sample(samples, "rushes_http_requests_total", **upload, status="202") == 1
    assert sample(samples, "rushes_http_request_duration_seconds_count", **upload) == 2
    refused = {"route": "/api/v1/videos/upload", "code": "unsupported_extension"}
    assert sample(samples, "rushes_http_refused_total", **refused) == 1
    routes = {dict(labels)["route"] for name, labels in samples if name == "rushes_http_requests_total"}
    assert not any("nowhere" in route for route in routes), "strangers can make labels"


async def test_metrics_are_for_this_machine_and_for_administrators(
    services: Services, options: ApiOptions, database: Database
) -> None:
    async with in_process(services, options, base_url="http://rushes.example") as stranger:
        assert (await stranger.get("/metrics")).status_code == 401
    user, admin = await key_of(database, "ann"), await key_of(database, "root", is_admin=True)
    async with in_process(services, options) as client:
        assert (await client.get("/metrics")).status_code == 401
        refused = await client.get("/metrics", headers=bearer(user))
        assert (refused.status_code, refused.json()["code"]) == (403, "admins_only")
        assert (await client.get("/metrics", headers=bearer(admin))).status_code == 200
