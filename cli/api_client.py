"""The api, as the commands use it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from cli.errors import CommandFailed, ExitCode
from cli.views import (
    Accepted,
    CohortAccepted,
    CohortView,
    RunningList,
    RunningView,
    StepList,
    SystemView,
    VideoPage,
    VideoView,
    WebhookView,
)
from contracts.refusals import RefusalCode
from contracts.status import VideoStatus

_TIMEOUT: Final = httpx.Timeout(60, connect=5)
_PAGE_SIZE: Final = 100
NOTHING: Final[Mapping[str, str | None]] = {}
_Answer = TypeVar("_Answer", bound=BaseModel)
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class ApiRefused(CommandFailed):
    """The api answered with a problem document.

    Attributes:
        code: The problem's stable name.
        status: The HTTP status.
    """

    def __init__(self, code: str, detail: str, status: int) -> None:
        """Take what the document says."""
        super().__init__(f"{detail} ({code})")
        self.code = code
        self.status = status


class ApiUnreachable(CommandFailed):
    """Nothing answers where the api should be."""


class ApiClient:
    """Asks the api, and turns its problem documents and silence into sentences."""

    def __init__(self, base_url: str, key: str | None = None) -> None:
        """Ask the api at ``base_url``, such as ``http://127.0.0.1:8000``, with a key where there are keys."""
        self.base_url = base_url.rstrip("/")
        host = urlsplit(self.base_url).hostname or ""
        # A proxy for the outer world is of no use to an api on this machine.
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            timeout=_TIMEOUT,
            trust_env=host not in _LOOPBACK,
            headers={"Authorization": f"Bearer {key}"} if key is not None else None,
        )

    async def __aenter__(self) -> Self:
        """Nothing is asked yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._http.aclose()

    def absolute(self, path: str) -> str:
        """The whole URL of a path that the api gave."""
        return self.base_url + path

    async def import_from(
        self,
        url: str,
        *,
        title: str | None = None,
        profile: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Accepted:
        """Have a file fetched; the title and the name of the profile are the api's choice where they are None."""
        asked = {"url": url, "title": title, "profile": profile, "metadata": dict(metadata or {})}
        return await self._ask(Accepted, "POST", "/api/v1/videos/import", json=asked)

    async def video(self, video_id: str) -> VideoView:
        """One video, and how far it is."""
        return await self._ask(VideoView, "GET", f"/api/v1/videos/{video_id}")

    async def steps(self, video_id: str) -> StepList:
        """The steps of a video's newest run."""
        return await self._ask(StepList, "GET", f"/api/v1/videos/{video_id}/steps")

    async def videos(
        self, *, limit: int | None, status: VideoStatus | None = None, wanted: Mapping[str, str | None] = NOTHING
    ) -> AsyncIterator[VideoView]:
        """Videos, newest first, page by page; all of them where ``limit`` is None. ``wanted`` are more filters."""
        left = limit
        cursor: str | None = None
        while left is None or left > 0:
            asked = {"limit": str(min(left or _PAGE_SIZE, _PAGE_SIZE)), "status": status, "cursor": cursor, **wanted}
            page = await self._ask(VideoPage, "GET", "/api/v1/videos", params={k: v for k, v in asked.items() if v})
            for video in page.items:
                yield video
            left = None if left is None else left - len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return

    async def webhooks(self) -> list[WebhookView]:
        """Where events are sent."""
        answer = await self.send("GET", "/api/v1/webhooks")
        return [WebhookView.model_validate(webhook) for webhook in answer.json()]

    async def create_webhook(self, url: str, event_types: list[str], description: str) -> WebhookView:
        """Have events sent there."""
        asked = {"url": url, "event_types": event_types, "description": description}
        return await self._ask(WebhookView, "POST", "/api/v1/webhooks", json=asked)

    async def lines(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[str]:
        """Lines of an answer that goes on, as they come. Raises ``ApiRefused`` and ``ApiUnreachable``."""
        async with self._sentences(), self._http.stream("GET", path, headers=headers) as answer:
            if not answer.is_success:
                await answer.aread()
                raise _refusal(answer)
            async for line in answer.aiter_lines():
                yield line

    async def cancel(self, video_id: str) -> Accepted:
        """Ask that its processing ends."""
        return await self._ask(Accepted, "POST", f"/api/v1/videos/{video_id}/cancel")

    async def retry(self, video_id: str) -> Accepted:
        """Ask that it is processed once more."""
        return await self._ask(Accepted, "POST", f"/api/v1/videos/{video_id}/retry")

    async def retry_cohort(
        self, code: str, failed_after: datetime, *, a_minute: float, dry_run: bool
    ) -> CohortAccepted:
        """Ask that all videos are processed once more that failed for one reason since then."""
        asked = {
            "error_code": code,
            "failed_after": failed_after.isoformat(),
            "a_minute": a_minute,
            "dry_run": dry_run,
        }
        return await self._ask(CohortAccepted, "POST", "/api/v1/cohorts", json=asked)

    async def cohort(self, cohort_id: str) -> CohortView:
        """How far these are."""
        return await self._ask(CohortView, "GET", f"/api/v1/cohorts/{cohort_id}")

    async def delete(self, video_id: str) -> None:
        """Remove it and its files."""
        await self.send("DELETE", f"/api/v1/videos/{video_id}")

    async def system(self) -> SystemView:
        """How the whole service stands."""
        return await self._ask(SystemView, "GET", "/api/v1/system")

    async def running(self, limit: int) -> list[RunningView]:
        """The videos that are being processed, those first that were uploaded first."""
        asked = {"limit": str(limit)}
        return (await self._ask(RunningList, "GET", "/api/v1/system/running", params=asked)).items

    async def readiness(self) -> Mapping[str, str]:
        """What ``/readyz`` says of each dependency, whether it is ready or not."""
        async with self._sentences():
            answer = await self._http.get("/readyz")
        checks = _json(answer).get("checks")
        if not isinstance(checks, dict):
            raise _refusal(answer)
        return {str(name): str(finding) for name, finding in checks.items()}

    async def _ask(self, kind: type[_Answer], method: str, path: str, **request: Any) -> _Answer:
        answer = await self.send(method, path, **request)
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            raise CommandFailed(
                f"{self.base_url} answered {method} {path} with something that is not ours. Is another program "
                "listening there? RUSHES_API_URL tells where the api is.",
                ExitCode.UNAVAILABLE,
            ) from error

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask, and return an answer that is none of an error. Raises ``ApiRefused`` and ``ApiUnreachable``."""
        async with self._sentences():
            answer = await self._http.request(method, path, **request)
        if not answer.is_success:
            raise _refusal(answer)
        return answer

    @asynccontextmanager
    async def _sentences(self) -> AsyncIterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise ApiUnreachable(
                f"No api answers at {self.base_url}. Start it with `make up` (or `rushes up`), or set RUSHES_API_URL "
                "to where it is.",
                ExitCode.UNAVAILABLE,
            ) from error
        except httpx.TimeoutException as error:
            raise ApiUnreachable(
                f"The api at {self.base_url} does not answer in time.", ExitCode.UNAVAILABLE
            ) from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ApiUnreachable(
                f"The connection to the api at {self.base_url} broke: {str(error) or type(error).__name__}.",
                ExitCode.UNAVAILABLE,
            ) from error


def open_readable(file: Path) -> IO[bytes]:
    """Open a file that a person named.

    Raises:
        CommandFailed: It is not there, is no file, or may not be read.
    """
    try:
        if file.exists() and not file.is_file():
            raise CommandFailed(f"{file} is not a file.", ExitCode.USAGE)
        return file.open("rb")
    except FileNotFoundError as error:
        raise CommandFailed(f"There is no file {file}.", ExitCode.USAGE) from error
    except OSError as error:
        raise CommandFailed(f"{file} can't be read: {error.strerror or error}.", ExitCode.USAGE) from error


def _refusal(answer: httpx.Response) -> ApiRefused:
    problem = _json(answer)
    code = str(problem.get("code") or f"http_{answer.status_code}")
    detail = str(problem.get("detail") or problem.get("title") or f"The api answered {answer.status_code}.")
    if code == RefusalCode.UNAUTHENTICATED:
        detail = f"{detail} The command takes the key from RUSHES_API_KEY."
    return ApiRefused(code, detail, answer.status_code)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        read = json.loads(answer.content)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
