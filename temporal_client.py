"""How every part reaches Temporal: address, namespace, credentials and data converter, in one place."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client, Plugin
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from contracts.search_attributes import SEARCH_ATTRIBUTES
from runs.answers import refusal_of

DEFAULT_ADDRESS: Final = "127.0.0.1:7233"
_RETRY_PAUSE_SECONDS: Final = 0.5
_SILENT_SECONDS: Final = 1.5
_TELL_AGAIN_SECONDS: Final = 5.0
_RPC_TIMEOUT: Final = timedelta(seconds=5)


class TemporalUnreachable(Exception):
    """No Temporal server answered at the address within the time given."""


async def connect(
    *,
    lazy: bool = False,
    identity: str | None = None,
    runtime: Runtime | None = None,
    plugins: Sequence[Plugin] = (),
) -> Client:
    """Return a client for the server that ``TEMPORAL_ADDRESS`` and its kin name.

    Args:
        lazy: Connect at the first call instead of now, so that an api can start while Temporal is away. A worker
            can't use a lazy client.
        identity: Who calls, as Temporal's history shows it. Default: ``pid@host``.
        runtime: What is measured, and how often workers tell of themselves. Default: that of the process.
        plugins: What is told of every call; workers of the client have them too.

    Raises:
        RuntimeError: The server did not answer; never when ``lazy``.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", DEFAULT_ADDRESS)
    return await Client.connect(**config, lazy=lazy, identity=identity, runtime=runtime, plugins=plugins)


def address_and_namespace() -> tuple[str, str]:
    """The address and namespace that ``connect`` uses, for messages to people."""
    config = ClientConfig.load_client_connect_config()
    return config.get("target_host", DEFAULT_ADDRESS), config.get("namespace", "default")


def named_address() -> str | None:
    """The address that the environment or the user's configuration file names; None where neither does."""
    return ClientConfig.load_client_connect_config().get("target_host")


async def connect_within(
    seconds: float,
    *,
    identity: str | None = None,
    waiting: Callable[[str], None] | None = None,
    runtime: Runtime | None = None,
    plugins: Sequence[Plugin] = (),
) -> Client:
    """Connect, trying again until ``seconds`` have passed.

    Args:
        seconds: How long to try.
        identity: Who calls, as Temporal's history shows it.
        waiting: Told, in a sentence and again and again, what is waited for; nothing in the first moments.
        runtime: As of ``connect``.
        plugins: The same.

    Raises:
        TemporalUnreachable: No server answered in time.
    """
    address, namespace = address_and_namespace()
    last_failure: Exception | None = None
    telling = asyncio.ensure_future(_tell(f"Temporal at {address} (namespace {namespace})", seconds, waiting))
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await connect(identity=identity, runtime=runtime, plugins=plugins)
                except (RuntimeError, RPCError) as failure:
                    last_failure = failure
                await asyncio.sleep(_RETRY_PAUSE_SECONDS)
    except TimeoutError:
        refusal = refusal_of(last_failure)
        if refusal is not None:
            raise TemporalUnreachable(f"{refusal} ({address}, namespace {namespace})") from last_failure
        raise TemporalUnreachable(
            f"Temporal did not answer at {address} (namespace {namespace}) within {seconds:g} s. Start it, or set "
            "TEMPORAL_ADDRESS to where it runs."
        ) from last_failure
    finally:
        telling.cancel()


async def _tell(awaited: str, seconds: float, waiting: Callable[[str], None] | None) -> None:
    """Until cancelled, say what is waited for; beside the attempts, as one alone may take long."""
    begun = time.monotonic()
    pause = _SILENT_SECONDS
    while waiting is not None:
        await asyncio.sleep(pause)
        waiting(f"Waiting for {awaited}, for {time.monotonic() - begun:.0f} s now, {seconds:g} s at most.")
        pause = _TELL_AGAIN_SECONDS


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
