"""The dashboard and the alerts go by metrics that exist; each alert has its runbook; the rules do what they say."""

import asyncio
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from temporalio.client import Client

from database.engine import Database
from runs.workers import WORKER_HEARTBEAT
from storage.disk import DiskStorage
from telemetry.exposition import new_registry
from telemetry.requests import RequestMetrics, RoundMetrics
from telemetry.sdk import measured_runtime
from telemetry.standing import Standing, Told
from telemetry.steps import StepMetrics
from telemetry.videos import VideoMetrics
from tests.api.running import RecordedRuns
from tests.end_to_end.service import Service
from tests.fixtures.clips import Clips
from tests.fixtures.prometheus import Prometheus
from tests.fixtures.stack import make_home
from tests.runbooks.every import Walked
from tests.runbooks.situations import SITUATIONS
from tests.runbooks.stage import Stage
from tests.runbooks.stage import expressions as expressions_here

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "deploy" / "monitoring"
_NAME: Final = re.compile(r"\b(?:rushes|temporal)_[a-z0-9_]+")
_UNIT: Final = re.compile(r"_(bytes|seconds|ratio)$")
_OF_HISTOGRAM: Final = ("", "_bucket", "_count", "_sum")


@cache
def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    """Every query of the dashboard and of the alerts."""
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (rule["expr"] for rule in alerts())


@pytest.fixture
async def exposition(database: Database, tmp_path: Path, temporal_client: Client) -> str:
    """What api and worker tell Prometheus together."""
    registry = new_registry()
    for measured in (RequestMetrics, RoundMetrics, StepMetrics, VideoMetrics):
        measured(registry)
    runtime = measured_runtime(registry, worker_heartbeat=WORKER_HEARTBEAT)
    address = temporal_client.service_client.config.target_host
    await Client.connect(address, namespace=temporal_client.namespace, runtime=runtime)
    runs = RecordedRuns(known_workers=[])
    storage = DiskStorage(tmp_path / "uploads", tmp_path / "scratch")
    now = CollectorRegistry()
    standing = Standing(database.videos, database.events, database.webhooks, runs, storage)
    now.register(Told(await standing.metrics()))
    return (generate_latest(registry) + generate_latest(now)).decode()


def test_dashboard_and_alerts_name_metrics_that_exist(exposition: str) -> None:
    families = re.findall(r"^# TYPE (\S+) ", exposition, re.MULTILINE)
    known = {family + end for family in families for end in _OF_HISTOGRAM}
    asked = {name for expression in expressions() for name in _NAME.findall(expression)}
    assert asked - known == set()
    ours = {family for family in families if family.startswith("rushes_") and not family.endswith("_created")}
    assert {name for name in ours if not any(one.startswith(name) for one in asked)} == set(), "nobody looks at these"


def test_what_one_panel_draws_is_of_one_unit_so_that_nothing_lies_flat_at_the_bottom() -> None:
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        names = {name for target in panel["targets"] for name in _NAME.findall(target["expr"])}
        plain = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in names}
        units = {found[1] if (found := _UNIT.search(name)) else "a number" for name in plain}
        assert len(units) == 1, panel["title"]


def test_what_is_up_or_away_is_said_in_words() -> None:
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
    told = [
        panel["fieldConfig"]["defaults"]["mappings"][0]["options"].keys()
        for panel in dashboard["panels"]
        if panel["type"] == "stat" and any("_up)" in target["expr"] for target in panel["targets"])
    ]
    assert [set(values) for values in told] == [{"0", "1"}]


async def test_names_and_helps_of_our_metrics_are_as_prometheus_would_have_them(promtool: str, exposition: str) -> None:
    told = re.findall(r"^(?:# (?:HELP|TYPE) )?rushes_(?!\w+_created\b).*\n", exposition, re.MULTILINE)
    process = await asyncio.create_subprocess_exec(
        *(promtool, "check", "metrics"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate("".join(told).encode())
    assert (process.returncode, said.decode()) == (0, "")


def test_every_alert_has_its_runbook_and_make_runbooks_walks_through_it() -> None:
    runbooks = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for rule in alerts():
        assert f"| `{rule['alert']}` |" in runbooks, rule["alert"]
    assert set(SITUATIONS) == set(expressions_here()) == {rule["alert"] for rule in alerts()}


async def test_a_runbook_that_was_left_out_is_not_counted_among_those_that_lead_to_the_end(
    tmp_path: Path, clips: Clips
) -> None:
    home = make_home(tmp_path)
    async with httpx.AsyncClient() as http:
        reason = "this user may not mount"
        stage = Stage(home, Service(home, http), Prometheus("nowhere"), clips, tmp_path, small_disk=reason)
        walked = Walked()
        await walked.walk("RushesDiskFull", SITUATIONS["RushesDiskFull"], stage)
    assert str(walked) == "0 of 1 runbooks lead to the end of their alert. Left out: RushesDiskFull."


def test_each_alert_is_seen_quiet_and_firing_in_that_test() -> None:
    quiet, firing = yaml.safe_load((FOLDER / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    names = {rule["alert"] for rule in alerts()}
    assert {one["alertname"] for one in quiet["alert_rule_test"] if not one["exp_alerts"]} == names
    assert {one["alertname"] for one in firing["alert_rule_test"] if one["exp_alerts"]} == names


async def test_the_rules_hold_in_prometheus_own_test(promtool: str) -> None:
    for arguments in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")):
        process = await asyncio.create_subprocess_exec(
            promtool, *arguments, cwd=FOLDER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
