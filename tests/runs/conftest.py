"""Runs as the api and the command line speak with them."""

import pytest
from temporalio.client import Client

from runs.client import TemporalRuns


@pytest.fixture
def runs(temporal_client: Client) -> TemporalRuns:
    """On a real server."""
    return TemporalRuns(temporal_client)
