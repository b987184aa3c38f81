"""What docker-compose.temporal.yml promises, read from the file itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.temporal_names import WORKER_QUEUES
from embedded.postgres_programs import MAJOR_VERSION
from settings import Settings
from tests.deploy.files import (
    ENVIRONMENT_EXAMPLE,
    PASSWORDS,
    ROOT,
    compose,
    is_job,
    long_running,
    of_our_image,
    project,
    seconds,
    services,
    variables,
)

UPLOADS = "/app/uploads"
READ_BY_TEMPORAL = {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}
KEYS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
READ_BY_BOTOCORE = {"AWS_ENDPOINT_URL", "AWS_REGION", *KEYS}
WORKERS = {"control-worker": "video-control", "media-worker": "video-media"}


OUR_IMAGE = re.compile(r"rushes:\$\{(?:RUSHES_BUILD_ID|RUSHES_BUILD_ID_BEFORE):-([\d.]+)\}")


def image(service: str) -> tuple[str, str]:
    """Name and tag; of our own image the tag that it has where no variable names another."""
    written = services()[service]["image"]
    if (ours := OUR_IMAGE.fullmatch(written)) is not None:
        return "rushes", ours[1]
    name, _, tag = written.partition(":")
    return name, tag


def known_settings() -> set[str]:
    prefix = Settings.model_config.get("env_prefix", "")
    return (
        {str(field.validation_alias or f"{prefix}{name}".upper()) for name, field in Settings.model_fields.items()}
        | READ_BY_TEMPORAL
        | READ_BY_BOTOCORE
    )


def test_all_the_parts_are_there() -> None:
    assert set(services()) == {
        "postgres",
        "temporal-schema",
        "temporal",
        "temporal-namespace",
        "temporal-ui",
        "migrate",
        "api",
        "control-worker",
        "media-worker",
        "seaweedfs",
        "current-version",
        "control-worker-before",
        "media-worker-before",
    }


def test_every_long_running_service_has_a_health_check() -> None:
    checked_by_the_image = {"api"}
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    unchecked = {name for name, service in long_running().items() if "healthcheck" not in service}
    assert unchecked == checked_by_the_image


def test_every_long_running_service_is_started_again_and_every_job_is_not() -> None:
    for name, service in services().items():
        assert service["restart"] in {"unless-stopped", "no"}, name


@pytest.mark.parametrize("name", services())
def test_every_image_is_pinned_to_a_full_version(name: str) -> None:
    assert re.match(r"^\d+\.\d+(\.\d+)?(-[a-z]+)?$", image(name)[1]), services()[name]["image"]


def test_our_image_has_the_version_of_the_project() -> None:
    version = project()["project"]["version"]
    for service in of_our_image():
        assert image(service) == ("rushes", version)
        assert services()[service]["image"] == f"rushes:${{RUSHES_BUILD_ID:-{version}}}"
        assert services()[service]["environment"].get("RUSHES_BUILD_ID") == f"${{RUSHES_BUILD_ID:-{version}}}"


@pytest.mark.parametrize("name", WORKERS)
def test_workers_of_the_version_before_differ_from_the_current_ones_in_their_version_alone(name: str) -> None:
    current, before = dict(services()[name]), dict(services()[f"{name}-before"])
    assert before.pop("profiles") == ["before"]
    assert current.pop("build"), "that of before is there, and never built anew"
    tag = f"${{RUSHES_BUILD_ID_BEFORE:-{image(name)[1]}}}"
    assert (before.pop("image"), before["environment"]["RUSHES_BUILD_ID"]) == (f"rushes:{tag}", tag)
    del current["image"]
    before["environment"] = before["environment"] | {"RUSHES_BUILD_ID": current["environment"]["RUSHES_BUILD_ID"]}
    assert before == current


def test_a_job_makes_the_version_of_the_workers_current() -> None:
    job = services()["current-version"]
    assert (is_job(job), job["command"]) == (True, ["deploy", "current"])
    assert {job["environment"]["RUSHES_DEPLOYMENT"]} == {
        services()[name]["environment"]["RUSHES_DEPLOYMENT"] for name in WORKERS
    }


def test_the_containers_run_the_temporal_and_postgresql_of_the_embedded_stack() -> None:
    temporal = Path(sys.executable).with_name("temporal")
    told = subprocess.run([temporal, "--version"], capture_output=True, text=True, check=True).stdout
    server, ui = re.findall(r"Server ([\d.]+), UI ([\d.]+)", told)[0]
    assert image("temporal")[1] == image("temporal-schema")[1] == image("temporal-namespace")[1] == server
    assert image("temporal-ui")[1] == ui
    assert image("postgres")[1].partition(".")[0] == MAJOR_VERSION


def test_no_password_has_a_default() -> None:
    secret = {name for name in variables() if "PASSWORD" in name}
    assert secret == set(PASSWORDS)
    for name in secret:
        assert variables()[name] == f":?set {name} in .env, see deploy/env.example"
    for name, service in services().items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|PWD|SECRET|KEY", key) and value is not None:
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), f"{key} of {name}"


def test_the_example_environment_has_no_secret_and_no_setting_that_nothing_reads() -> None:
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", ENVIRONMENT_EXAMPLE.read_text(), re.MULTILINE)
    assigned = dict(lines)
    assert {name: assigned[name] for name in PASSWORDS} == dict.fromkeys(PASSWORDS, "")
    passed_through = {
        name
        for service in services().values()
        for name, value in service.get("environment", {}).items()
        if value is None
    }
    assert set(assigned) - {"COMPOSE_PROJECT_NAME"} == set(variables()) | passed_through


def test_what_the_page_on_deployment_names_is_handed_on_to_the_containers() -> None:
    named = set(re.findall(r"(?:RUSHES|AWS)_[A-Z]+(?:_[A-Z]+)*", (ROOT / "docs" / "deployment.md").read_text()))
    handed_on = {name for service in of_our_image().values() for name in service.get("environment", {})}
    elsewhere = {
        "RUSHES_HOME",
        "RUSHES_WORKER_LABEL",
        "RUSHES_ALIVE_FILE",
        "RUSHES_API_KEY",
        "RUSHES_SWEEP_AGE_SECONDS",
    }
    assert named - handed_on - set(variables()) <= elsewhere


def test_the_example_environment_shows_the_defaults() -> None:
    shown = dict(re.findall(r"^#([A-Z_]+)=(.*)$", ENVIRONMENT_EXAMPLE.read_text(), re.MULTILINE))
    defaults = {name: rest.removeprefix(":-") for name, rest in variables().items() if rest.startswith(":-")}
    assert {name: shown[name] for name in defaults} == defaults


@pytest.mark.parametrize("name", of_our_image())
def test_every_setting_of_our_services_is_one_that_exists(name: str) -> None:
    assert set(services()[name]["environment"]) <= known_settings()


@pytest.mark.parametrize(("name", "queue"), WORKERS.items())
def test_workers_can_be_scaled(name: str, queue: str) -> None:
    worker = services()[name]
    assert worker["command"] == ["worker", "--queue", queue]
    assert not {"container_name", "ports", "hostname"} & set(worker)


def test_media_workers_have_neither_the_database_s_network_nor_its_password() -> None:
    media = services()["media-worker"]
    assert "database" not in media["networks"]
    assert "DATABASE_URL" not in media["environment"]
    assert media["environment"]["RUSHES_SANDBOX"] == "required"
    assert "DATABASE_URL" in services()["control-worker"]["environment"]


def test_the_workers_serve_every_queue_and_no_other_name_is_written_down() -> None:
    written = (ROOT / "docker-compose.temporal.yml").read_text()
    assert set(re.findall(r"\bvideo-[a-z]+\b", written)) == set(WORKER_QUEUES) == set(WORKERS.values())


def test_api_and_workers_share_the_uploads_volume() -> None:
    for name in ("api", *WORKERS):
        assert services()[name]["volumes"] == [f"uploads:{UPLOADS}"]
        environment = services()[name]["environment"]
        assert environment["RUSHES_UPLOADS"] == UPLOADS
        assert environment["RUSHES_SCRATCH"].startswith(f"{UPLOADS}/"), "publishing has to be a rename"
    assert "uploads" in compose()["volumes"]


@pytest.mark.parametrize("name", WORKERS)
def test_a_stopping_worker_is_given_longer_than_its_grace(name: str) -> None:
    worker = services()[name]
    grace = float(worker["environment"]["RUSHES_WORKER_GRACE_SECONDS"])
    assert seconds(worker["stop_grace_period"]) >= grace + 15


@pytest.mark.parametrize("name", services())
def test_no_service_runs_as_root_or_may_gain_rights(name: str) -> None:
    service = services()[name]
    # A volume's folder belongs to root unless its image says otherwise, which is not ours to know.
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]) or name == "seaweedfs"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] or name == "temporal-ui"


def test_ports_are_published_on_the_loopback_address_only() -> None:
    published = [port for service in services().values() for port in service.get("ports", [])]
    assert len(published) == 3
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_reads_strangers_files_has_no_way_to_the_internet() -> None:
    networks = compose()["networks"]
    assert all(networks[name].get("internal") for name in services()["media-worker"]["networks"])


def test_services_wait_for_jobs_to_be_done_and_for_services_to_be_healthy() -> None:
    for name, service in services().items():
        for needed, how in service.get("depends_on", {}).items():
            done = "service_completed_successfully" if is_job(services()[needed]) else "service_healthy"
            assert how["condition"] == done, f"{name} on {needed}"
    assert set(services()["control-worker"]["depends_on"]) == set(services()["api"]["depends_on"])


def test_the_namespace_is_made_under_the_name_that_is_used() -> None:
    named = {
        service["environment"][key]
        for service in services().values()
        for key in ("TEMPORAL_NAMESPACE", "TEMPORAL_DEFAULT_NAMESPACE")
        if key in service.get("environment", {})
    }
    assert named == {"rushes"}
