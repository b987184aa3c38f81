"""A Temporal that refuses to start runs is told of by /readyz, by doctor and in the log: once, with what to do."""

from collections.abc import Collection
from dataclasses import replace

import grpc
import pytest
from structlog.testing import capture_logs
from temporalio.client import Client

from api.options import ApiOptions
from api.services import Services
from cli.checks import check_temporal
from cli.findings import Verdict
from cli.where import Service
from runs.client import TemporalRuns
from settings import Settings
from temporal_client import TemporalUnreachable, connect, connect_within
from tests.api.running import in_process
from tests.fixtures.refusing_temporal import REFUSAL, START, RefusingTemporal, refusing_temporal
from tests.waiting import eventually

UPLOAD = "/api/v1/videos/upload"
KEY = grpc.StatusCode.UNAUTHENTICATED, "Check TEMPORAL_API_KEY"
PERMISSION = grpc.StatusCode.PERMISSION_DENIED, "the right to write in the namespace"
REFUSED: list[tuple[grpc.StatusCode, str, Collection[str] | None]] = [
    (*KEY, {START}),
    (*PERMISSION, {START}),
    (*KEY, None),
    (*PERMISSION, None),
]


def reached(server: RefusingTemporal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("TEMPORAL_API_KEY", "a-key")
    monkeypatch.setenv("TEMPORAL_TLS", "false")


@pytest.mark.parametrize(("status", "mend", "refused"), REFUSED)
async def test_a_bad_key_and_a_missing_permission_are_told_once_until_they_are_mended(
    services: Services,
    options: ApiOptions,
    temporal_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    status: grpc.StatusCode,
    mend: str,
    refused: Collection[str] | None,
) -> None:
    async with refusing_temporal(temporal_client, status, refused) as server:
        reached(server, monkeypatch)
        runs = TemporalRuns(await connect(lazy=True))
        async with in_process(replace(services, runs=runs), options) as client:
            with capture_logs() as logs:
                ready = await client.get("/readyz")
                for name in ("a.mp4", "b.mp4"):
                    assert (await client.post(UPLOAD, files={"file": (name, b"x")})).status_code == 202
            assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
            assert REFUSAL.rstrip(".") in ready.json()["detail"]
            assert mend in ready.json()["detail"]
            assert [log["reason"] for log in logs if log["log_level"] == "error"] == [ready.json()["detail"]]

            findings = [finding async for finding in check_temporal(Service(Settings(), None))]
            failed = [finding for finding in findings if finding.verdict is Verdict.FAIL and "refuses" in finding.found]
            assert [finding.subject for finding in failed] == ["Temporal" if refused is None else "Runs"]
            assert mend in failed[0].found

            server.refused = ()
            await eventually(lambda: client.get("/readyz"), lambda answer: answer.status_code == 200)


async def test_a_worker_with_a_bad_key_says_so_and_not_that_nobody_answers(
    temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with refusing_temporal(temporal_client, KEY[0], None) as server:
        reached(server, monkeypatch)
        with pytest.raises(TemporalUnreachable, match=KEY[1]):
            await connect_within(0.5)
