"""How every part reaches Temporal: address, namespace, credentials and data converter, in one place."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from contracts.temporal_names import SEARCH_ATTRIBUTES

DEFAULT_ADDRESS: Final = "127.0.0.1:7233"
_RETRY_PAUSE_SECONDS: Final = 0.5
_RPC_TIMEOUT: Final = timedelta(seconds=5)


class TemporalUnreachable(Exception):
    """No Temporal server answered at the address within the time given."""


async def connect(*, lazy: bool = False, identity: str | None = None) -> Client:
    """Return a client for the server that ``TEMPORAL_ADDRESS`` and its kin name.

    Args:
        lazy: Connect at the first call instead of now, so that an api can start while Temporal is away. A worker
            can't use a lazy client.
        identity: Who calls, as Temporal's history shows it. Default: ``pid@host``.

    Raises:
        RuntimeError: The server did not answer; never when ``lazy``.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", DEFAULT_ADDRESS)
    return await Client.connect(**config, lazy=lazy, identity=identity)


def address_and_namespace() -> tuple[str, str]:
    """The address and namespace that ``connect`` uses, for messages to people."""
    config = ClientConfig.load_client_connect_config()
    return config.get("target_host", DEFAULT_ADDRESS), config.get("namespace", "default")


async def connect_within(seconds: float, *, identity: str | None = None) -> Client:
    """Connect, trying again until ``seconds`` have passed.

    Raises:
        TemporalUnreachable: No server answered in time.
    """
    last_failure: Exception | None = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await connect(identity=identity)
                except (RuntimeError, RPCError) as failure:
                    last_failure = failure
                await asyncio.sleep(_RETRY_PAUSE_SECONDS)
    except TimeoutError:
        address, namespace = address_and_namespace()
        raise TemporalUnreachable(
            f"Temporal did not answer at {address} (namespace {namespace}) within {seconds:g} s. Start it, or set "
            "TEMPORAL_ADDRESS to where it runs."
        ) from last_failure


async def missing_search_attributes(client: Client) -> list[str]:
    """Names of our search attributes that the client's namespace does not know yet.

    Raises:
        RPCError: Temporal does not answer, or forbids the question.
    """
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=_RPC_TIMEOUT
    )
    return [key.name for key in SEARCH_ATTRIBUTES if key.name not in known.custom_attributes]


async def register_search_attributes(client: Client) -> list[str]:
    """Make our search attributes known to the client's namespace; those that are there already stay.

    Returns:
        The names that were added.

    Raises:
        RPCError: Temporal does not answer, or this caller may not register attributes (on Temporal Cloud the
            console does it).
    """
    missing = await missing_search_attributes(client)
    if missing:
        await add_search_attributes(client, missing)
    return missing


async def add_search_attributes(client: Client, names: Sequence[str]) -> None:
    """Add Keyword search attributes of these names to the client's namespace. Raises ``RPCError``."""
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes=dict.fromkeys(names, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD),
        ),
        timeout=_RPC_TIMEOUT,
    )
