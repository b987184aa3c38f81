"""What another user of the machine reads of a stack, and of what it works on: ``python -m tests.figures.others``."""

import argparse
import asyncio
import json
import os
import socket
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from contracts.errors import StorageFailed
from storage.disk import DiskStorage
from tests.end_to_end.service import Service
from tests.figures.stage import a_folder, a_service, drawn_clips, tell
from tests.fixtures.clips import Clip
from tests.storage.test_private_folder import SOMEBODY_ELSE, uses

Attempt = Callable[[Path], object]


def _connect(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


ON_FOLDERS: Final[Sequence[Attempt]] = (
    os.listdir,
    lambda path: (path / "theirs").write_bytes(b"x"),
    lambda path: path.rename(path.with_name("theirs")),
    lambda path: path.chmod(0o777),
)
ON_FILES: Final[Sequence[Attempt]] = (
    Path.read_bytes,
    lambda path: path.open("r+b").close(),
    lambda path: path.rename(path.with_name("theirs")),
    lambda path: path.chmod(0o666),
    lambda path: os.link(path, f"/tmp/theirs-{os.getpid()}"),  # noqa: S108  as anybody may
    Path.unlink,
)
ON_SOCKETS: Final[Sequence[Attempt]] = (_connect, Path.unlink)


def attempts_on(path: Path, mode: int) -> Iterator[Attempt]:
    """What somebody would try with it."""
    if stat.S_ISDIR(mode):
        yield from ON_FOLDERS
    elif stat.S_ISSOCK(mode):
        yield from ON_SOCKETS
    elif path.is_relative_to("/proc"):
        yield Path.read_bytes
    else:
        yield from ON_FILES


def try_all(user_id: int, told: Sequence[tuple[str, int]]) -> Counter[str]:
    """Become that user, and try all; how many attempts were refused, and how many came to something."""
    os.setgroups([])
    os.setresgid(user_id, user_id, user_id)
    os.setresuid(user_id, user_id, user_id)
    outcomes = Counter[str]()
    for name, mode in told:
        for attempt in attempts_on(Path(name), mode):
            try:
                attempt(Path(name))
            except PermissionError:
                outcomes["refused"] += 1
            except (FileNotFoundError, ProcessLookupError):
                outcomes["gone"] += 1
            else:
                outcomes[f"open {name}"] += 1
    return outcomes


async def as_somebody_else(paths: Sequence[Path]) -> Counter[str]:
    """The same in a process of its own, of another user."""
    told = await asyncio.to_thread(_modes, paths)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.figures.others", "--as", str(SOMEBODY_ELSE)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    answered, _ = await process.communicate(json.dumps(told).encode())
    return Counter(json.loads(answered))


def _modes(paths: Sequence[Path]) -> list[tuple[str, int]]:
    return [(str(path), path.lstat().st_mode) for path in paths if os.path.lexists(path)]


def below(folder: Path) -> list[Path]:
    """The folder, and all that is in it."""
    return [folder, *folder.rglob("*")]


async def tell_home(service: Service, scratch: Path) -> None:
    """All paths of a stack that is encoding, and what its processes were started with."""
    home = service.home.folder
    of_home, of_scratch = below(home), below(scratch)
    assert any(path.is_file() for path in of_scratch), "it works there"
    processes = [
        Path(f"/proc/{pid}/{name}") for pid in service.run.pids.values() for name in ("environ", "maps", "mem")
    ]
    for what, paths in (("RUSHES_HOME", of_home), ("what is worked on below /tmp", of_scratch), ("", processes)):
        outcomes = await as_somebody_else(paths)
        tried = outcomes.total() - outcomes["gone"]
        assert (outcomes["refused"], tried) == (tried, tried), outcomes
        of_what = (
            f"{what}: {len(paths)} paths" if what else f"environment and memory of {len(service.run.pids)} processes"
        )
        came_to = tried - outcomes["refused"]
        tell(f"{of_what}, {tried} attempts of another user to read or change them: {came_to} came to anything")


async def tell_made_before(everybody_s: Path, uploads: Path) -> None:
    """Scratch that somebody else has made, in several forms, is refused by whatever comes first."""
    refused = 0
    forms = ("the folder", "one above it", "a link to their folder", "a link to ours")
    for form in forms:
        theirs, ours = everybody_s / form, everybody_s / f"ours of {form}"
        scratch = theirs / "video_processing" if form == "one above it" else theirs
        if form.startswith("a link"):
            ours.mkdir()
            if "their" in form:
                os.chown(ours, SOMEBODY_ELSE, SOMEBODY_ELSE)
            theirs.symlink_to(ours)
        else:
            scratch.mkdir(parents=True)
        os.chown(theirs, SOMEBODY_ELSE, SOMEBODY_ELSE, follow_symlinks=False)
        for use in uses(DiskStorage(uploads, scratch)).values():
            try:
                await use()
            except StorageFailed:
                refused += 1
        assert not list(scratch.iterdir())
    tried = len(forms) * len(uses(DiskStorage(uploads, everybody_s)))
    assert refused == tried
    tell(
        f"scratch that somebody else made before, in {len(forms)} forms, by whatever uses it first: {refused} "
        f"of {tried} refused"
    )


async def measure() -> None:
    """Start a stack where everybody may look, and tell."""
    clips = await drawn_clips()
    with a_folder() as folder:
        folder.chmod(0o755)  # so that nothing but the home itself keeps others out
        everybody_s = folder / "tmp"
        everybody_s.mkdir()
        everybody_s.chmod(0o1777)
        readable = folder / "readable"
        readable.write_text("by everybody")
        outcomes = await as_somebody_else([readable])
        assert outcomes[f"open {readable}"], "whoever tries comes as far as the home"
        scratch = everybody_s / "video_processing"
        changed = {"RUSHES_SCRATCH": str(scratch), "RUSHES_MEDIA_SLOTS": "1"}
        async with a_service(folder / "one", lambda home: home.with_settings(**changed)) as service:
            await service.encoding(await service.upload(clips.path(Clip.LONG_540P)))
            await tell_home(service, scratch)
        await tell_made_before(everybody_s, folder / "uploads")


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.others", description=__doc__)
    parser.add_argument("--as", type=int, metavar="USER", dest="user_id", help="try, as this user, what stdin names")
    user_id = parser.parse_args().user_id
    if user_id is not None:
        tell(json.dumps(try_all(user_id, json.load(sys.stdin))))
    elif os.geteuid() == 0:
        asyncio.run(measure())
    else:
        tell("other users of the machine: only root can be one of them, so nothing was tried")


if __name__ == "__main__":
    main()
