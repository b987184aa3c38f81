"""What strangers' names do to a terminal that shows them: ``python -m tests.figures.terminals``."""

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from tests.end_to_end.service import Service
from tests.figures.stage import a_folder, a_service, tell

_SEQUENCES: Final = (
    *("\x1b]0;pwned\x07", "\x1b]2;pwned\x1b\\", "\x1b]52;c;cm0gLXJm\x07", "\x1b]8;;http://evil\x1b\\x\x1b]8;;\x1b\\"),
    *("\x1b[2J\x1b[H", "\x1b[1A\x1b[2K", "\x1b[8m", "\x1b[?1049h", "\x1b[6n", "\x1b[21t", "\x1bc", "\x1b#8", "\x1bZ"),
    *('\x1bP$q"p\x1b\\', "\x1b_G\x1b\\", "\x1b^x\x1b\\", "\x1bX\x1b\\", "\x9b2J", "\x9d0;pwned\x9c", "\x90x\x9c"),
    *(
        "over\rwritten",
        "x\b\b\b\b",
        "\x07" * 5,
        "\x0e\x0f",
        "x\x85y",
        "x\u2028y\u2029z",
        "\u202egpj.4pm",
        "\u2066x\u2069",
    ),
)
STRINGS: Final = (
    *_SEQUENCES,
    "a".join(chr(code) for code in (*range(1, 9), *range(11, 32))),
    "a".join(chr(code) for code in range(127, 160)),
    "a".join("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u2067\u2068"),
)
_STEERING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_OURS: Final = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r\n")
"""Colours, and a cursor that is hidden; of a stranger's sequences of this kind the beginning is written out."""
_COMMANDS: Final = (
    *(("list",), ("list", "--json"), ("status",), ("doctor",), ("webhooks", "list"), ("webhooks", "list", "--json")),
    *(("verify",), ("sweep", "--dry-run"), ("users", "list"), ("cohorts", "list")),
)


async def named(service: Service, text: str) -> tuple[str, int]:
    """Have the service know it in every way that is open to a stranger; a video's id, and how many were refused."""
    name = text.replace("\\", "") + ".mp4"
    http, metadata = service.http, json.dumps({"made by": text, f"k{text}": "v"})
    refused = 0
    uploaded: httpx.Response | None = None
    for fields in ({"title": text, "metadata": metadata}, {"metadata": json.dumps({"made by": text})}, {}):
        answer = await http.post("/api/v1/videos/upload", data=fields, files={"file": (name, b"x")})
        refused += answer.status_code != httpx.codes.ACCEPTED
        uploaded = answer if answer.is_success else uploaded
    assert uploaded is not None, (text, answer.text)
    asked: Sequence[tuple[str, str, dict[str, Any]]] = (
        ("POST", "/api/v1/webhooks", {"json": {"url": "http://127.0.0.1:9/x", "description": text}}),
        ("POST", "/api/v1/webhooks", {"json": {"url": f"http://127.0.0.1:9/{text}"}}),
        ("POST", "/api/v1/videos/import", {"json": {"url": f"http://127.0.0.1:9/{text}.mp4"}}),
        ("GET", f"/web/{quote(text)}", {}),
        ("GET", f"/api/v1/videos/{quote(text)}", {}),
        ("GET", f"/api/v1/videos?title={quote(text)}", {}),
    )
    for method, path, content in asked:
        refused += not (await http.request(method, path, **content)).is_success
    return str(uploaded.json()["video_id"]), refused


def steering(shown: str) -> list[str]:
    """What would steer a terminal, beside our own colours."""
    return _STEERING.findall(_OURS.sub("", shown))


async def tell_shown(service: Service, folder: Path) -> None:
    """Name, show, and count."""
    made = [await named(service, text) for text in STRINGS]
    refused = sum(count for _, count in made)
    colours = {name: value for name, value in service.home.environment.items() if name != "NO_COLOR"}
    homes = [service.home, type(service.home)(folder, colours).with_settings(FORCE_COLOR="1", TERM="xterm-256color")]
    for video_id, _ in made:
        await service.ended(video_id)
    shows = [("show", video_id) for video_id, _ in made]
    shown = []
    for number, home in enumerate(homes):
        for command in (*_COMMANDS, *shows[number::2]):
            ended = await home.rushes(*command)
            shown.append(ended.out + ended.err)
    assert any("\\u001b]52" in text for text in shown), "they are shown, written out"
    logs = [path.read_text(errors="replace") for path in (service.home.folder / "logs").iterdir()]
    assert any("\\u001b]0;pwned" in text for text in logs), "they are in the logs, written out"
    found = [steering(text) for text in (*shown, *logs)]
    assert [one for one in found if one] == []
    tell(
        f"{len(STRINGS)} strings that steer a terminal in 9 places each (titles, names, metadata, webhooks, imports, "
        f"addresses), {refused} of which were refused: {len(shown)} runs of {len(_COMMANDS) + 1} commands, in colour "
        f"and without, and {len(logs)} logs, {sum(map(len, (*shown, *logs))) / 1024:.0f} KiB: "
        f"{sum(map(len, found))} bytes that steer"
    )


async def measure() -> None:
    """Start a stack whose logs are for people, and tell."""
    with a_folder() as folder:
        for_people = {"RUSHES_LOG_FORMAT": "console", "RUSHES_ALLOWED_EXTENSIONS": '[".mp4"]'}
        async with a_service(folder, lambda home: home.with_settings(**for_people)) as service:
            await tell_shown(service, service.home.folder)


if __name__ == "__main__":
    asyncio.run(measure())
