"""What the figures were measured on and with."""

import os
import platform
import re
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from bench.errors import NotMeasured
from bench.result import Machine
from bench.tools import judging_ffmpeg, run
from embedded.postgres import MAJOR_VERSION
from embedded.programs import find_program
from media.ffmpeg import Ffmpeg

_KIBI: Final = 1024
_PACKAGES: Final = ("rushes", "temporalio", "fastapi", "uvicorn", "celery", "redis")


def this_machine() -> Machine:
    """The machine, as the kernel describes it."""
    processor = re.search(r"^model name\s*: (.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB$", _read("/proc/meminfo"), re.MULTILINE)
    return Machine(
        processor=processor[1] if processor else platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=int(memory[1]) * _KIBI if memory else 0,
        kernel=f"{platform.system()} {platform.release()}",
    )


async def versions(ffmpeg: Ffmpeg) -> dict[str, str]:
    """Of every program that may take part; what is not there is left out."""
    found = {"python": platform.python_version(), "ffmpeg": ffmpeg.version, "postgresql": MAJOR_VERSION}
    for package in _PACKAGES:
        try:
            found[f"{package} (client)" if package == "redis" else package] = version(package)
        except PackageNotFoundError:
            continue
    asked = {
        "temporal server": ([str(find_program("temporal")), "--version"], r"Server (\S+?)[,)]"),
        "redis-server": ([shutil.which("redis-server") or "", "--version"], r"v=(\S+)"),
        "ffmpeg for VMAF": ([str(judging_ffmpeg() or ""), "-version"], r"version (\S+)"),
        "commit": (["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"], r"(\S+)"),
    }
    for name, (command, pattern) in asked.items():
        if (told := await _ask(command, pattern)) is not None:
            found[name] = told
    return found


async def _ask(command: list[str], pattern: str) -> str | None:
    if not command[0]:
        return None
    try:
        match = re.search(pattern, (await run(command)).out)
    except NotMeasured:
        return None
    return match[1] if match else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
