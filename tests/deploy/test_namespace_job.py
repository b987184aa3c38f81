"""deploy/temporal/namespace.sh, run against a real Temporal server."""

import asyncio
import os
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from contracts.search_attributes import SEARCH_ATTRIBUTES
from temporal_client import missing_search_attributes
from tests.deploy.files import ROOT

SCRIPT = ROOT / "deploy" / "temporal" / "namespace.sh"


async def run_job(client: Client, namespace: str, retention: str) -> subprocess.CompletedProcess[str]:
    """Run the script as the compose file's job does, with the CLI that is installed here."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TEMPORAL_ADDRESS": client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": namespace,
        "RETENTION": retention,
    }
    return await asyncio.to_thread(
        subprocess.run, ["sh", str(SCRIPT)], capture_output=True, text=True, check=False, env=environment, timeout=100
    )


async def retention(client: Client, namespace: str) -> timedelta:
    answer = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    return answer.config.workflow_execution_retention_ttl.ToTimedelta()


async def test_the_job_makes_the_namespace_with_its_retention_and_every_search_attribute(
    temporal_client: Client,
) -> None:
    namespace = f"deploy-{uuid.uuid4().hex}"
    result = await run_job(temporal_client, namespace, "72h")
    assert result.returncode == 0, result.stderr
    assert await retention(temporal_client, namespace) == timedelta(hours=72)
    client = await Client.connect(temporal_client.service_client.config.target_host, namespace=namespace)
    assert await missing_search_attributes(client) == []


async def test_the_job_may_run_again_and_then_follows_the_setting(temporal_client: Client) -> None:
    namespace = f"deploy-{uuid.uuid4().hex}"
    for hours in (24, 48):
        result = await run_job(temporal_client, namespace, f"{hours}h")
        assert result.returncode == 0, result.stderr
        assert await retention(temporal_client, namespace) == timedelta(hours=hours)


def test_the_job_registers_the_search_attributes_of_the_contract_and_no_others() -> None:
    line = next(line for line in SCRIPT.read_text().splitlines() if line.startswith("SEARCH_ATTRIBUTES="))
    assert line.split('"')[1].split() == [key.name for key in SEARCH_ATTRIBUTES]
