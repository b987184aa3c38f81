"""A second worker beside ``rushes up``: it joins by one command, or refuses where it would break videos."""

import json
import signal
from pathlib import Path

import pytest
from temporalio.client import Client

from contracts.worker_identity import WorkerIdentity
from runs.client import TemporalRuns
from tests.end_to_end.service import Service
from tests.fixtures.stack import Home, finish
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)
OF_FOLDERS = ("RUSHES_SCRATCH", "RUSHES_UPLOADS")


@pytest.fixture
def service(service_on_a_disk: Service) -> Service:
    """In a bucket there are no folders to be shared."""
    return service_on_a_disk


async def workers(service: Service) -> dict[int, WorkerIdentity]:
    """Who serves the queues, by process."""
    queues = await TemporalRuns(await Client.connect(service.run.temporal)).queues()
    read = [WorkerIdentity.read(poller) for queue in queues for poller in queue.pollers]
    return {worker.pid: worker for worker in read if worker is not None}


async def test_a_second_worker_on_the_same_home_needs_no_setting_and_sees_the_same_files(service: Service) -> None:
    told = {name: value for name, value in service.home.environment.items() if name not in OF_FOLDERS}
    process = await Home(service.home.folder, told).begin("worker", "--label", "second")
    try:
        found = await eventually(lambda: workers(service), lambda found: process.pid in found)
    finally:
        process.send_signal(signal.SIGTERM)
        ended = await finish(process)
    assert ended.code == 0, ended
    second, first = found[process.pid], found[service.run.pids["worker"]]
    assert (second.label, second.storage) == ("second", first.storage)


@pytest.mark.parametrize("elsewhere", [OF_FOLDERS[:1], OF_FOLDERS])
async def test_a_worker_with_other_folders_refuses_to_start_and_says_which(
    service: Service, tmp_path: Path, elsewhere: tuple[str, ...]
) -> None:
    settings = {name: str(tmp_path / name.lower()) for name in elsewhere}
    ended = await service.home.with_settings(TEMPORAL_ADDRESS=service.run.temporal, **settings).rushes(
        "worker", "--queue", "video-media"
    )
    last = json.loads(ended.err.splitlines()[-1])
    assert (ended.code, last["event"]) == (1, "worker_cannot_start")
    assert f":{service.run.pids['worker']} storage=" in last["reason"]
    assert str(tmp_path / "rushes_scratch") in last["reason"]
