"""The way to Temporal, for the few commands that speak with it and not with the api."""

from temporalio.client import Client
from temporalio.service import RPCError

from cli.errors import CommandFailed, ExitCode
from cli.where import Service
from temporal_client import connect


async def temporal_of(service: Service) -> Client:
    """A client of the service's Temporal.

    Raises:
        CommandFailed: It does not answer.
    """
    address, namespace = service.temporal_place
    try:
        if service.own_temporal is None:
            return await connect()
        return await Client.connect(address, namespace=namespace)
    except (RuntimeError, RPCError) as error:
        raise CommandFailed(
            f"Temporal does not answer at {address} (namespace {namespace}). Start the stack with `make up`, or "
            "set TEMPORAL_ADDRESS to where Temporal is.",
            ExitCode.UNAVAILABLE,
        ) from error
