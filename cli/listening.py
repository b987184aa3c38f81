"""``rushes webhooks listen``: how events look before anything is there to take them."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Annotated, Final

import httpx
import typer
from rich.text import Text

from cli.console import messages, output
from cli.errors import CommandFailed, ExitCode, sentence_of
from cli.webhooks import Events
from cli.where import find_service
from client.errors import RushesError
from client.listening import Event
from contracts.event_types import STORED_EVENTS
from events.signing import new_secret, signed_headers

_FORWARD_SECONDS: Final = 30.0
_STORED: Final = frozenset(STORED_EVENTS)


def listen(
    event: Events = None,
    forward_to: Annotated[
        str | None,
        typer.Option(help="Send each event there as a webhook would, on this machine too.", metavar="URL"),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(
            metavar="SECRET",
            help="With --forward-to: sign with this one, as it was shown before. Default: a new one.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: each event as a line of JSON.")] = False,
) -> None:
    """Print what happens, as it happens, until Ctrl-C. Progress only where `--event video.progress` asks for it."""
    service = find_service()
    wanted = frozenset(event) if event else _STORED
    signing_secret = _checked(secret) if secret is not None else new_secret()
    if forward_to is not None:
        if httpx.URL(forward_to).scheme not in {"http", "https"}:
            raise CommandFailed("--forward-to is an address as http://127.0.0.1:3000/hook.", ExitCode.USAGE)
        messages().print(f"What is sent to {forward_to} is signed with {signing_secret}", soft_wrap=True)

    async def follow() -> None:
        async with service.api() as api, httpx.AsyncClient(timeout=_FORWARD_SECONDS, trust_env=False) as receiver:
            async for told in api.events(on_begun=_tell_begun, on_broken=_tell_broken):
                if told.type not in wanted:
                    continue
                _print(told, as_json=as_json)
                if forward_to is not None and told.id is not None:
                    await _forward(receiver, forward_to, told, signing_secret)

    asyncio.run(follow())


def _checked(secret: str) -> str:
    try:
        signed_headers("evt_0", 0, b"", [secret])
    except ValueError as error:
        raise CommandFailed("--secret is one as it was shown before: `whsec_` and base64.", ExitCode.USAGE) from error
    return secret


def _print(told: Event, *, as_json: bool) -> None:
    if as_json:
        line = {"id": told.id, "type": told.type, "data": told.data}
        output().print(json.dumps(line, ensure_ascii=False), soft_wrap=True, markup=False, highlight=False)
        return
    video = told.data
    progress = video.get("progress")
    note = video.get("error_code") or (f"{progress:.0%}" if progress is not None else "")
    now = datetime.now(UTC).astimezone()
    line_of_words = [
        f"{now:%H:%M:%S}",
        f"{told.type:<15}",
        str(video.get("id", "")),
        str(note),
        video.get("title"),
    ]
    output().print(Text("  ".join(word for word in line_of_words if word)), soft_wrap=True)


async def _forward(receiver: httpx.AsyncClient, url: str, told: Event, secret: str) -> None:
    message = {"type": told.type, "timestamp": datetime.now(UTC).isoformat(), "data": told.data}
    body = json.dumps(message, ensure_ascii=False).encode()
    headers = signed_headers(f"evt_{told.id}", int(time.time()), body, [secret])
    try:
        answer = await receiver.post(url, content=body, headers={"Content-Type": "application/json", **headers})
        said = f"answered {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = f"can't be reached: {str(error) or type(error).__name__}"
    messages().print(Text(f"          {url} {said}"), soft_wrap=True)


def _tell_begun() -> None:
    messages().print("Listening until Ctrl-C.")


def _tell_broken(why: RushesError) -> None:
    messages().print(Text(f"{sentence_of(why)} Going on from where it was.", style="yellow"), soft_wrap=True)
