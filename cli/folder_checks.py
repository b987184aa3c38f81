"""What ``rushes doctor`` finds out about the folders that are written to, without waiting for a disk that hangs."""

import asyncio
import json
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli import folder_trial
from cli.findings import Finding, Verdict
from contracts.sizes import size_text

SECONDS: Final = 10.0
"""How long a disk is waited for."""

_UPLOADS_THAT_FIT: Final = 10
"""Fewer of the largest uploads than this, with what is made of them, and the disk counts as nearly full."""


@dataclass(frozen=True)
class Folder:
    """A folder, as far as its disk told.

    Attributes:
        subject: What it is called.
        path: Where it is, or is to be.
        place: It, or the nearest one above it that is there.
        refusal: Why that can't be written to; None where it can.
        free_bytes: Of its disk.
        is_full: Whether it is refused for want of room.
    """

    subject: str
    path: Path
    place: Path
    refusal: str | None
    free_bytes: int
    is_full: bool = False


async def look_at(subject: str, path: Path, seconds: float = SECONDS) -> Folder:
    """Try it, in a process that is left behind where its disk hangs. Raises ``TimeoutError`` then."""
    trial = _begun(path)
    told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    threading.Thread(target=_listen, args=(trial, told), daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            found = json.loads(await told)
    finally:
        trial.kill()  # which it heeds when the disk is back
    return Folder(subject, path, Path(found["place"]), found["refusal"], found["free_bytes"], found["is_full"])


def _begun(path: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        (sys.executable, "-I", folder_trial.__file__, str(path.absolute())),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _listen(trial: "subprocess.Popen[bytes]", told: "asyncio.Future[bytes]") -> None:
    said, _ = trial.communicate()
    with suppress(RuntimeError):  # nobody waits any more
        told.get_loop().call_soon_threadsafe(lambda: None if told.done() else told.set_result(said))


def silent(subject: str, path: Path, seconds: float = SECONDS) -> Finding:
    """That its disk says nothing."""
    found = f"{path} does not answer within {seconds:g} s"
    mend = (
        "Look whether its disk hangs: the network or the server behind a mount, `dmesg`. What waits for it goes on "
        "once it is back."
    )
    return Finding(subject, Verdict.FAIL, found, mend)


def check_writable(folder: Folder) -> Finding:
    """Whether this user can write there, or make the folder where it is missing."""
    if folder.refusal is not None:
        to_another = f"Give this user the folder, or set RUSHES_{folder.subject.upper()} to another one."
        mend = _make_room(folder.subject) if folder.is_full else to_another
        return Finding(folder.subject, Verdict.FAIL, f"{folder.path} can't be written to: {folder.refusal}", mend)
    may = "written to" if folder.place == folder.path.absolute() else "made"
    return Finding(folder.subject, Verdict.OK, f"{folder.path} can be {may}")


def check_space(folder: Folder, largest_upload_bytes: int, largest_resumable_bytes: int) -> Finding:
    """Whether the disk has room for some of the largest uploads by the form and what is made of them.

    Of the largest by tus it is only said: a disk is seldom so large, and what does not fit is refused at its beginning.
    """
    subject, free = folder.subject, folder.free_bytes
    found = f"{size_text(free)} free"
    mend = _make_room(subject)
    name = f"{subject}' disk" if subject.endswith("s") else f"{subject}'s disk"
    if free < 2 * largest_upload_bytes:
        return Finding(name, Verdict.FAIL, f"{found}, too little for the largest upload", mend)
    if free < 2 * _UPLOADS_THAT_FIT * largest_upload_bytes:
        return Finding(name, Verdict.WARN, f"{found}, which is soon full", mend)
    if free < 2 * largest_resumable_bytes:
        found += f": enough for an upload of {size_text(free // 2)}, larger ones may be refused"
    return Finding(name, Verdict.OK, found)


def _make_room(subject: str) -> str:
    return f"Delete videos (`rushes delete ID`), or set RUSHES_{subject.upper()} to a folder on another disk."
