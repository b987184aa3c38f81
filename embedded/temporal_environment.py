"""Temporal's own settings, as they stand in a process's environment."""

import os
from collections.abc import Mapping
from typing import Final

NAMESPACE_VARIABLE: Final = "TEMPORAL_NAMESPACE"
ADDRESS_VARIABLE: Final = "TEMPORAL_ADDRESS"
_DEFAULT_NAMESPACE: Final = "default"


def without_connection(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without Temporal's own settings: nothing meant for another server may reach the dev server."""
    kept = {name: value for name, value in environment.items() if not name.startswith("TEMPORAL_")}
    return kept | {"TEMPORAL_CONFIG_FILE": os.devnull}


def namespace_of(environment: Mapping[str, str]) -> str:
    """The namespace asked for, or Temporal's default one."""
    return environment.get(NAMESPACE_VARIABLE) or _DEFAULT_NAMESPACE
