"""The compose program itself accepts the file. Skipped where there is none; it needs no Docker engine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.files import COMPOSE_FILE, ENVIRONMENT_EXAMPLE, PASSWORDS, services, variables


def _compose_command() -> list[str] | None:
    if program := shutil.which("docker-compose"):
        return [program]
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    return None


COMMAND = _compose_command()
pytestmark = pytest.mark.skipif(
    COMMAND is None,
    reason="neither docker-compose nor `docker compose` is installed (Debian: apt install docker-compose)",
)


def config(environment_file: Path) -> subprocess.CompletedProcess[str]:
    """Run ``config`` with nothing but the file's variables."""
    assert COMMAND is not None
    inherited = {name: value for name, value in os.environ.items() if name not in {*variables(), "RUSHES_MEDIA_SLOTS"}}
    return subprocess.run(
        [*COMMAND, "--env-file", str(environment_file), "-f", str(COMPOSE_FILE), "config"],
        capture_output=True,
        text=True,
        check=False,
        env=inherited,
    )


def environment_file(folder: Path, *, without: str | None = None) -> Path:
    """The example, filled in as its comments say, perhaps with one password forgotten."""
    text = ENVIRONMENT_EXAMPLE.read_text()
    for name in PASSWORDS:
        if name != without:
            text = text.replace(f"{name}=\n", f"{name}=of{name.replace('_', '').lower()}\n")
    made = folder / "env"
    made.write_text(text)
    return made


def test_the_filled_in_example_is_all_that_the_file_needs(tmp_path: Path) -> None:
    result = config(environment_file(tmp_path))
    assert result.returncode == 0, result.stderr
    resolved = yaml.safe_load(result.stdout)["services"]
    assert set(resolved) == set(services())
    assert resolved["control-worker"]["environment"]["DATABASE_URL"] == (
        "postgresql://rushes:ofpostgresrushespassword@postgres:5432/rushes"
    )
    assert resolved["temporal"]["environment"]["POSTGRES_PWD"] == "ofpostgrestemporalpassword"


@pytest.mark.parametrize(("said", "has_a_way_out"), [("", False), ("RUSHES_STORAGE_INTERNAL=false\n", True)])
def test_media_workers_have_a_way_out_for_a_bucket_that_lies_there(
    tmp_path: Path, said: str, has_a_way_out: bool
) -> None:
    file = environment_file(tmp_path)
    file.write_text(file.read_text() + said)
    networks = yaml.safe_load(config(file).stdout)["networks"]
    assert networks["storage"]["internal"] is not has_a_way_out
    assert networks["temporal"]["internal"]
    assert networks["database"]["internal"]


@pytest.mark.parametrize("forgotten", PASSWORDS)
def test_a_forgotten_password_is_refused_with_a_sentence_that_says_what_to_do(tmp_path: Path, forgotten: str) -> None:
    result = config(environment_file(tmp_path, without=forgotten))
    assert result.returncode != 0
    assert f"set {forgotten} in .env, see deploy/env.example" in result.stderr
