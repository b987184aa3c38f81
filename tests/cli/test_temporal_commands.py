"""Runs as Temporal has them: by its own command and Web UI, and by ``rushes replay``."""

import asyncio
import re
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from temporalio.client import Client

from cli.errors import CommandFailed, ExitCode
from cli.replay import read_history
from tests.fixtures.stack import RUSHES, Home
from tests.workflows.details import current_details

pytestmark = pytest.mark.timeout(120)

HISTORIES = Path(__file__).resolve().parent.parent / "histories"


async def test_temporal_and_curl_are_told_of_another_home_by_the_first_lines_of_status(
    stack: Home, ready_video: str
) -> None:
    lines = (await stack.rushes("status")).out.splitlines()[:2]
    api = re.fullmatch(r"Rushes +\S+ at (\S+)", lines[0])
    temporal = re.fullmatch(r"Temporal +\S+ at (\S+), namespace (\S+)", lines[1])
    assert api is not None
    assert temporal is not None
    told = {"TEMPORAL_ADDRESS": temporal[1], "TEMPORAL_NAMESPACE": temporal[2]}
    listing = await asyncio.create_subprocess_exec(
        *(str(RUSHES.with_name("temporal")), "workflow", "list", "--query", f"WorkflowId = 'video-{ready_video}'"),
        env={**stack.environment, **told},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await listing.communicate()
    assert f"video-{ready_video}" in out.decode()
    async with httpx.AsyncClient(trust_env=False) as curl:
        assert (await curl.get(f"{api[1]}/readyz")).json()["status"] == "ready"


async def test_the_web_ui_tells_in_words_how_a_run_stands(stack: Home, ready_video: str, failed_video: str) -> None:
    run = stack.run_file
    assert run is not None
    client = await Client.connect(run.temporal)
    assert await current_details(client.get_workflow_handle(f"video-{ready_video}")) == "**Ready**"
    failed = await current_details(client.get_workflow_handle(f"video-{failed_video}"))
    assert failed.startswith("**Error** `invalid_media`: ")


async def test_replay_of_a_finished_video_is_deterministic(stack: Home, ready_video: str) -> None:
    replayed = await stack.rushes("replay", ready_video[:8])
    assert (replayed.code, replayed.out.split(":")[0]) == (0, "deterministic"), replayed


async def test_replay_reads_the_temporal_cli_s_file(stack: Home, ready_video: str, tmp_path: Path) -> None:
    assert ready_video
    assert (await stack.rushes("replay", str(HISTORIES / "ready_copied.json"))).code == 0
    changed = tmp_path / "changed.json"
    text = (HISTORIES / "ready_copied.json").read_text()
    assert "validate_video" in text
    changed.write_text(text.replace("validate_video", "inspect_video"))
    replayed = await stack.rushes("replay", str(changed))
    assert (replayed.code, replayed.out.split(":")[0]) == (1, "diverges"), replayed
    assert "validate_video" in replayed.err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"events": []}', '{"events": [{"eventId": "x"}]}'])
def test_replay_refuses_a_file_that_is_no_history(tmp_path: Path, text: str) -> None:
    file = tmp_path / "history.json"
    file.write_text(text)
    with pytest.raises(CommandFailed, match=re.escape(str(file))) as refused:
        read_history(file)
    assert refused.value.exit_code == ExitCode.USAGE


async def test_replay_of_a_video_without_a_workflow_says_so(stack: Home) -> None:
    replayed = await stack.rushes("replay", str(uuid4()))
    assert replayed.code == 1
    assert "Temporal has no workflow" in replayed.err
