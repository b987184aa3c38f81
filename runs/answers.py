"""What it means that Temporal does not do as asked: it is away, which passes, or refuses, which somebody must mend."""

import re
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

_OF_A_CONNECTION: Final = re.compile(r'code: (Unauthenticated|PermissionDenied), message: "([^"]*)"')
"""What the SDK says of a connection at whose first question the server refused: it has these words and no status."""
_STATUS_OF: Final = {
    "Unauthenticated": RPCStatusCode.UNAUTHENTICATED,
    "PermissionDenied": RPCStatusCode.PERMISSION_DENIED,
}


def refusal_of(error: BaseException | None) -> TemporalRefuses | None:
    """What somebody has to mend, where that is what the SDK's error is about."""
    if isinstance(error, RPCError):
        return _refusal(error.status, error.message)
    told = _OF_A_CONNECTION.search(str(error)) if isinstance(error, RuntimeError) else None
    return _refusal(_STATUS_OF[told[1]], told[2]) if told is not None else None


def _refusal(status: RPCStatusCode, message: str) -> TemporalRefuses | None:
    mend = _MEND.get(status)
    if mend is None:
        return None
    return TemporalRefuses(f"Temporal refuses: {message.rstrip('.')}. {mend}", to_everything=status in _TO_EVERYTHING)


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
        raise refusal_of(error) or TemporalUnavailable(f"Temporal does not answer: {error.message}") from error
    except RuntimeError as error:  # a lazy client that could not connect
        raise refusal_of(error) or TemporalUnavailable(f"Temporal does not answer: {error}") from error
