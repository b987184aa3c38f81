"""A service with a Prometheus beside it, and an operator who does what a runbook says."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from embedded.ports import Ports
from media.ffmpeg import Ffmpeg
from tests.end_to_end.service import Service
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.commands import Finished
from tests.fixtures.prometheus import Prometheus, scraping
from tests.fixtures.stack import Home, finish, make_home, running
from tests.waiting import eventually

_RULES: Final = Path(__file__).resolve().parents[2] / "deploy" / "monitoring" / "alerts.yml"
_PATIENCE_SECONDS: Final = 180.0
_READ_SECONDS: Final = 6
"""An api that waits for something that hangs answers within five."""

_DISK_BYTES: Final = 5_040_000_000
"""A little more than what is too little: one film more is one too many. It uses no memory before it is filled."""

SHORTENED: Final[Mapping[str, tuple[str, str]]] = {
    "RushesQueueOld": ("> 1800", "> 5"),
    "RushesVideoStuck": ("> 43200", "> 10"),
    "RushesOurFailures": ("[1h]", "[30s]"),
    "RushesStepFails": ("[15m]", "[30s]"),
    "RushesReconcilerStands": ("> 600", "> 10"),
    "RushesWebhooksWait": ("> 21600", "> 15"),
    "RushesApiErrors": ("[5m]", "[30s]"),
}
"""What of an alert's expression is hours or minutes, and here is seconds, as nobody waits for twelve hours. All else of
every expression is as it stands, and none is waited for beyond its being true (``for``)."""


def expressions() -> dict[str, str]:
    """Of each alert, as it is asked here."""
    groups = yaml.safe_load(_RULES.read_text(encoding="utf-8"))["groups"]
    found: dict[str, str] = {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}
    for alert, (written, here) in SHORTENED.items():
        assert written in found[alert], f"{alert} has no {written} any more"
        found[alert] = found[alert].replace(written, here)
    return found


@dataclass(frozen=True)
class Stage:
    """What a situation is brought about with.

    Attributes:
        home: Of the stack.
        service: The same, asked over HTTP.
        prometheus: Reads api and worker every few seconds.
        clips: Small videos.
        folder: For files of the situation.
        small_disk: Why the originals are on no small disk of their own; empty where they are.
    """

    home: Home
    service: Service
    prometheus: Prometheus
    clips: Clips
    folder: Path
    small_disk: str

    @cached_property
    def expressions(self) -> dict[str, str]:
        """Of each alert, as it is asked here."""
        return expressions()

    @property
    def uploads(self) -> Path:
        """Where originals and published files are."""
        return Path(self.service.run.uploads)

    @cached_property
    def long_clip(self) -> Path:
        """One that is encoded for some seconds."""
        return self.clips.path(Clip.FORTY_SECONDS)

    async def fires(self, alert: str) -> None:
        """Wait until the alert's expression is true."""
        await self._until(alert, is_true=True)

    async def ends(self, alert: str) -> None:
        """Wait until it is true no more."""
        await self._until(alert, is_true=False)

    async def _until(self, alert: str, *, is_true: bool) -> None:
        began = time.monotonic()

        def enough(found: list[Any]) -> bool:
            return bool(found) == is_true

        asked = self.prometheus.ask
        found = await eventually(lambda: asked(self.expressions[alert]), enough, within_seconds=_PATIENCE_SECONDS)
        passed = f"{time.monotonic() - began:.0f} s"
        values = ", ".join(f"{_labels(one['metric'])} {float(one['value'][1]):g}".strip() for one in found)
        say(f"  [{alert} {f'is true: {values}' if is_true else 'is over'}, after {passed}]")

    async def rushes(self, *arguments: str, code: int = 0) -> str:
        """Run a ``rushes`` command of the runbook; returns all that it wrote."""
        ended = await self.home.rushes(*arguments)
        return _told("rushes", arguments, ended, code)

    async def temporal(self, *arguments: str) -> str:
        """Run a ``temporal`` command of the runbook."""
        process = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("temporal")), *arguments),
            env={**self.home.environment, "TEMPORAL_ADDRESS": self.service.run.temporal},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return _told("temporal", arguments, await finish(process), 0)

    def log(self, name: str) -> str:
        """What the log of a part of the stack says."""
        return (self.home.folder / "logs" / f"{name}.log").read_text(encoding="utf-8")

    @contextmanager
    def hung(self, name: str) -> Iterator[int]:
        """A part of the stack hangs; gives its process, which goes on at the end of the block if it is still there."""
        pid = self.service.run.pids[name]
        say(f"  ({name}, process {pid}, hangs)")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield pid
        finally:
            if self.service.run.pids[name] == pid:
                os.kill(pid, signal.SIGCONT)

    async def end_process(self, name: str, pid: int) -> None:
        """``kill -9``, and the stack starts it again."""
        say(f"  $ kill -9 {pid}")
        os.kill(pid, signal.SIGKILL)

        async def now() -> int:
            return self.service.run.pids.get(name, pid)

        await eventually(now, lambda found: found != pid, within_seconds=_PATIENCE_SECONDS)

    @asynccontextmanager
    async def one_more_worker(self, *arguments: str) -> AsyncIterator[None]:
        """``rushes worker``, beside that of the stack, until the block ends."""
        say(f"  $ rushes worker {' '.join(arguments)}")
        process = await self.home.with_settings(RUSHES_METRICS_PORT=str(_free_port())).begin("worker", *arguments)
        draining = asyncio.create_task(process.communicate())
        try:
            yield
        finally:
            process.terminate()
            await draining

    @contextmanager
    def file_in_the_way(self, folder: Path) -> Iterator[Path]:
        """A file where a folder should be, until it is removed; then what was there is there again."""
        away = folder.with_name(f"{folder.name} put away")
        has_been = folder.exists()
        if has_been:
            folder.rename(away)
        folder.write_text("a file")
        say(f"  (a file is where the folder {folder.name} should be)")
        try:
            yield folder
        finally:
            if folder.is_file():
                folder.unlink()
            if has_been:
                for one in folder.glob("*"):  # made meanwhile
                    one.rename(away / one.name)
                if folder.exists():
                    folder.rmdir()
                away.rename(folder)


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    """A stack with little room, one slot for ffmpeg and short pauses, and its Prometheus, until the block ends."""
    clips = Clips((await Ffmpeg.locate()).ffmpeg_path, folder)
    disk = folder / "disk"
    with _small_disk(disk) as missing:
        port = _free_port()
        home = make_home(folder).with_settings(
            RUSHES_UPLOADS=str(disk / "uploads"),
            RUSHES_SCRATCH=str(folder / "scratch"),
            RUSHES_METRICS_PORT=str(port),
            RUSHES_MEDIA_SLOTS="1",
            RUSHES_WORKER_GRACE_SECONDS="1",
            RUSHES_RECONCILE_INTERVAL_SECONDS="2",
        )
        async with running(home) as run, httpx.AsyncClient(base_url=run.api, timeout=30) as http:
            jobs = {"rushes-api": run.api.removeprefix("http://"), "rushes-worker": f"127.0.0.1:{port}"}
            async with scraping(folder / "prometheus", jobs, every_seconds=_READ_SECONDS, rules=_RULES) as prometheus:
                yield Stage(home, Service(home, http), prometheus, clips, folder, missing)


@contextmanager
def _small_disk(folder: Path) -> Iterator[str]:
    folder.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "rushes", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        yield f"this user may not mount a small disk: {mounted.stderr.decode().strip()}"
        return
    try:
        yield ""
    finally:
        subprocess.run(["/bin/umount", "--lazy", folder], check=True)


def say(line: str) -> None:
    """A line of the transcript."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _free_port() -> int:
    return Ports().free(purpose="metrics")


def _labels(metric: Mapping[str, str]) -> str:
    return " ".join(value for name, value in sorted(metric.items()) if name not in {"__name__", "instance", "job"})


def _told(program: str, arguments: tuple[str, ...], ended: Finished, code: int) -> str:
    say(f"  $ {program} {' '.join(arguments)}")
    said = ended.out + ended.err
    for line in said.splitlines():
        say(f"  {line}".rstrip())
    assert ended.code == code, f"{program} {' '.join(arguments)} ended with {ended.code}"
    return said
