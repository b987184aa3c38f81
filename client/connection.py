"""Requests to the api: answers as models, problem documents and silence as ``RushesError``."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import TypeAdapter, ValidationError

from client.errors import CONNECTION_LOST, FOREIGN_ANSWER, UNREACHABLE, RushesError

_TIMEOUT: Final = httpx.Timeout(60, connect=5)
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_Answer = TypeVar("_Answer")


class Connection:
    """Connections to one api.

    Args:
        base_url: Where the api is, such as ``http://127.0.0.1:8000``.
        key: Who asks, where there are keys.

    Attributes:
        base_url: Where the api is, without a slash at its end.
        caller: Who asks, as a digest of the key and the api that tells nothing of the key; None without one.
    """

    def __init__(self, base_url: str, key: str | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        told = f"{self.base_url}\n{key}".encode()
        self.caller = hashlib.sha256(told).hexdigest() if key is not None else None
        host = urlsplit(self.base_url).hostname or ""
        # A proxy for the outer world is of no use to an api on this machine.
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            timeout=_TIMEOUT,
            trust_env=host not in _LOOPBACK,
            headers={"Authorization": f"Bearer {key}"} if key is not None else None,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def ask(self, kind: type[_Answer], method: str, path: str, **request: Any) -> _Answer:
        """Ask, and read the answer as a ``kind``; what the api added to it since is passed over.

        Raises:
            RushesError: It was refused, there is no api, or what answers is none.
        """
        answer = await self.send(method, path, **request)
        try:
            return TypeAdapter(kind).validate_json(answer.content)
        except ValidationError as error:
            raise self.foreign(method, path) from error

    def foreign(self, method: str, path: str) -> RushesError:
        """For a success that no api of Rushes would have answered."""
        return RushesError(
            FOREIGN_ANSWER,
            f"{self.base_url} answered {method} {path} with something that is not ours. Is another program "
            "listening there?",
        )

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask, and return an answer that is none of an error. Raises ``RushesError``."""
        answer = await self.send_anyway(method, path, **request)
        if not answer.is_success:
            raise refusal_of(answer)
        return answer

    async def send_anyway(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask, and return whatever is answered. Raises ``RushesError`` where nothing is."""
        async with self._errors():
            return await self._http.request(method, path, **request)

    @asynccontextmanager
    async def stream(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """An answer whose content is still to come, redirects followed. Raises ``RushesError``, in the block too."""
        async with self._errors(), self._http.stream("GET", path, headers=headers, follow_redirects=True) as answer:
            if not answer.is_success:
                await answer.aread()
                raise refusal_of(answer)
            yield answer

    @asynccontextmanager
    async def _errors(self) -> AsyncIterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise RushesError(UNREACHABLE, f"No api answers at {self.base_url}.") from error
        except httpx.TimeoutException as error:
            raise RushesError(CONNECTION_LOST, f"The api at {self.base_url} does not answer in time.") from error
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise RushesError(CONNECTION_LOST, f"The connection to the api at {self.base_url} broke: {why}.") from error
        except httpx.RequestError as error:  # redirects without end, content that is not packed as it says
            raise RushesError(
                FOREIGN_ANSWER,
                f"{self.base_url} answered with something that is not ours: {error}. Is that the api's address?",
            ) from error


def refusal_of(answer: httpx.Response) -> RushesError:
    """What an answer of an error says."""
    problem = json_of(answer)
    code = str(problem.get("code") or f"http_{answer.status_code}")
    detail = str(problem.get("detail") or problem.get("title") or f"The api answered {answer.status_code}.")
    told = answer.headers.get("Retry-After", "")
    return RushesError(code, detail, status=answer.status_code, retry_after=float(told) if told.isdecimal() else None)


def json_of(answer: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object; empty where it is none."""
    try:
        read = json.loads(answer.content)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
