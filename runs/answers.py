"""What it means that Temporal does not do as asked: it is away, which passes, or refuses, which somebody must mend."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final

from temporalio.service import RPCError, RPCStatusCode

from runs.records import TemporalRefuses, TemporalUnavailable

_MEND: Final[Mapping[RPCStatusCode, str]] = MappingProxyType(
    {
        RPCStatusCode.INVALID_ARGUMENT: "If it is about a search attribute, `rushes doctor` prints the command that "
        "registers those of this service.",
        RPCStatusCode.UNAUTHENTICATED: "Check TEMPORAL_API_KEY, or the client certificate.",
        RPCStatusCode.PERMISSION_DENIED: "Give this API key or certificate the right to write in the namespace.",
        RPCStatusCode.NOT_FOUND: "Check TEMPORAL_NAMESPACE: there has to be such a namespace.",
        RPCStatusCode.FAILED_PRECONDITION: "Look into Temporal's log.",
        RPCStatusCode.UNIMPLEMENTED: "The server is older than this service needs, or something else answers there.",
    }
)
"""Statuses of gRPC that stay as they are until somebody does something."""

_TO_EVERYTHING: Final = {RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.NOT_FOUND}


@asynccontextmanager
async def unavailable_if_silent(*, not_found_is_an_answer: bool = True) -> AsyncIterator[None]:
    """Raise ``TemporalUnavailable`` when the server is away, and ``TemporalRefuses`` when it says no.

    Args:
        not_found_is_an_answer: Whether ``NOT_FOUND`` is about a run, and left to the caller; else it is a refusal.
    """
    try:
        yield
    except RPCError as error:
        if not_found_is_an_answer and error.status is RPCStatusCode.NOT_FOUND:
            raise
        mend = _MEND.get(error.status)
        if mend is not None:
            sentence = f"Temporal refuses: {error.message.rstrip('.')}. {mend}"
            raise TemporalRefuses(sentence, to_everything=error.status in _TO_EVERYTHING) from error
        raise TemporalUnavailable(f"Temporal does not answer: {error.message}") from error
    except RuntimeError as error:  # a lazy client that could not connect
        raise TemporalUnavailable(f"Temporal does not answer: {error}") from error
