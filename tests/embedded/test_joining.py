"""A second process on a stack's home knows the stack from run.json; what is set already stays."""

import os
from pathlib import Path

import pytest

from embedded.joining import joined
from embedded.run_file import RunFile

RUN = RunFile(
    api="http://127.0.0.1:8000",
    temporal="127.0.0.1:7233",
    temporal_ui="",
    database="postgresql://rushes:secret@127.0.0.1:5432/rushes",
    uploads="/home/uploads",
    pids={"stack": os.getpid()},
    namespace="films",
    scratch="/home/scratch",
    storage="",
    profiles="/home/own.toml",
)
TOLD = {
    "DATABASE_URL": RUN.database,
    "RUSHES_UPLOADS": "/home/uploads",
    "RUSHES_SCRATCH": "/home/scratch",
    "RUSHES_PROFILES": "/home/own.toml",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    RUN.write(tmp_path)
    return tmp_path


def test_everything_comes_from_the_stack_and_credentials_of_another_temporal_stay_out(home: Path) -> None:
    told = joined({"HOME": "/root", "TEMPORAL_API_KEY": "of another"}, home, None)
    temporal = {"TEMPORAL_ADDRESS": RUN.temporal, "TEMPORAL_NAMESPACE": "films", "TEMPORAL_CONFIG_FILE": os.devnull}
    assert told == TOLD | temporal | {"HOME": "/root"}


def test_what_is_set_stays(home: Path) -> None:
    assert joined({"RUSHES_SCRATCH": "/mine"}, home, None)["RUSHES_SCRATCH"] == "/mine"


@pytest.mark.parametrize("address", ["127.0.0.1:7233", "localhost:7233"])
def test_the_stack_s_temporal_given_by_hand_is_still_the_stack(home: Path, address: str) -> None:
    told = joined({"TEMPORAL_ADDRESS": address}, home, address)
    assert told == TOLD | {"TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": "films"}


def test_a_worker_for_another_temporal_gets_nothing_of_the_stack(home: Path) -> None:
    given = {"TEMPORAL_ADDRESS": "elsewhere:7233"}
    assert joined(given, home, "elsewhere:7233") == given


def test_without_a_stack_nothing_is_added(tmp_path: Path) -> None:
    assert joined({"HOME": "/root"}, tmp_path, None) == {"HOME": "/root"}
