"""The files of the deployment, read for the tests."""

import functools
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
COMPOSE_FILE: Final = ROOT / "docker-compose.temporal.yml"
ENVIRONMENT_EXAMPLE: Final = ROOT / "deploy" / "env.example"
PASSWORDS: Final = ("POSTGRES_PASSWORD", "POSTGRES_TEMPORAL_PASSWORD", "POSTGRES_RUSHES_PASSWORD")

Service = dict[str, Any]


@functools.cache
def compose() -> dict[str, Any]:
    """The compose file, merge keys resolved and variables as written."""
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
    return loaded


def services() -> dict[str, Service]:
    """Every service by its name."""
    found: dict[str, Service] = compose()["services"]
    return found


def is_job(service: Service) -> bool:
    """Whether the service does one thing and ends."""
    return bool(service["restart"] == "no")


def long_running() -> dict[str, Service]:
    """The services that stay."""
    return {name: service for name, service in services().items() if not is_job(service)}


def of_our_image() -> dict[str, Service]:
    """The services that run the image of the Dockerfile."""
    return {name: service for name, service in services().items() if "build" in service}


def variables() -> dict[str, str]:
    """What the compose file takes from the environment: name, and what stands behind it (``:-8000``, ``:?message``)."""
    return dict(re.findall(r"\$\{([A-Z_]+)([^}]*)\}", COMPOSE_FILE.read_text()))


def seconds(duration: str) -> float:
    """A duration of the compose file, all of which are in whole seconds (``60s``)."""
    number, unit = duration[:-1], duration[-1]
    assert unit == "s"
    return float(number)


def project() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
