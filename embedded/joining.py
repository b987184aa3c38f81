"""A process that joins the stack which runs on its home."""

import os
from collections.abc import Mapping
from pathlib import Path

from embedded.run_file import RunFile
from embedded.temporal_environment import ADDRESS_VARIABLE, NAMESPACE_VARIABLE, without_connection


def joined(environment: Mapping[str, str], home: Path, temporal_address: str | None) -> dict[str, str]:
    """The environment, completed by what the running stack says of itself; what is set already stays.

    Args:
        environment: Of a process that is to work for the stack.
        home: Where a stack may run.
        temporal_address: The Temporal that the environment names. Where that is another one than the stack's, the
            process works for somebody else, and nothing is added.
    """
    stack = RunFile.read(home)
    if stack is None or (temporal_address is not None and not _same(temporal_address, stack.temporal)):
        return dict(environment)
    base = dict(environment) if temporal_address is not None else without_connection(environment)
    told = {
        ADDRESS_VARIABLE: stack.temporal,
        NAMESPACE_VARIABLE: stack.namespace,
        "DATABASE_URL": stack.database,
        "RUSHES_UPLOADS": stack.uploads,
        "RUSHES_SCRATCH": stack.scratch,
        "RUSHES_STORAGE": stack.storage,
        "RUSHES_PROFILES": stack.profiles,
    }
    return base | {name: value for name, value in told.items() if value and not base.get(name)}


def join(home: Path, temporal_address: str | None) -> None:
    """Complete this process's own environment; once, before its settings count."""
    completed = joined(os.environ, home, temporal_address)
    for name in os.environ.keys() - completed.keys():
        del os.environ[name]
    os.environ.update(completed)


def _same(one: str, other: str) -> bool:
    return one.replace("localhost", "127.0.0.1") == other.replace("localhost", "127.0.0.1")
