"""What the groups of settings have in common, and values of one kind that several of them have."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE: Final = 1024 * 1024
GIBIBYTE: Final = 1024 * MEBIBYTE


class SettingsGroup(BaseSettings):
    """Fields that are read from the environment, each by the name ``RUSHES_`` and its own."""

    model_config = SettingsConfigDict(
        env_prefix="RUSHES_", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _are_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    for network in networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise ValueError(f'{network} is not a network; write ["10.20.0.0/16"], without host bits') from error
    return networks


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
"""A place that stays the same whatever folder a process goes to; ``~`` is the user's home."""

Networks = Annotated[tuple[str, ...], AfterValidator(_are_networks)]
"""Such as ``10.20.0.0/16``."""
