"""The way to Temporal, for the few commands that speak with it and not with the api."""

from temporalio.client import Client

from cli.errors import CommandFailed, ExitCode
from cli.where import Service
from runs.answers import unavailable_if_silent
from runs.records import TemporalRefuses, TemporalUnavailable
from temporal_client import connect


async def connected(service: Service) -> Client:
    """A client of the service's Temporal.

    Raises:
        TemporalRefuses: It answers, and serves nobody with this key or certificate.
        TemporalUnavailable: It does not answer.
    """
    address, namespace = service.temporal_place
    async with unavailable_if_silent(not_found_is_an_answer=False):
        if service.own_temporal is None:
            return await connect()
        return await Client.connect(address, namespace=namespace)


async def temporal_of(service: Service) -> Client:
    """The same, for a command that can do nothing without.

    Raises:
        CommandFailed: There is none.
    """
    address, namespace = service.temporal_place
    try:
        return await connected(service)
    except TemporalRefuses as refusal:
        raise CommandFailed(f"{refusal} ({address}, namespace {namespace})", ExitCode.UNAVAILABLE) from refusal
    except TemporalUnavailable as error:
        raise CommandFailed(
            f"Temporal does not answer at {address} (namespace {namespace}). Start the stack with `make up`, or "
            "set TEMPORAL_ADDRESS to where Temporal is.",
            ExitCode.UNAVAILABLE,
        ) from error
