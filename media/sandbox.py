"""What a program that reads strangers' files may do on this machine: as little as the place allows.

Each call of ffmpeg and ffprobe goes through here. It gets no environment, no new privileges and limits in every case.
Around that is the strongest of two layers that works: bubblewrap, in which there is nothing but the files that the call
is about; or Landlock with a filter of system calls, where user namespaces are not allowed, as in most containers.
"""

import asyncio
import os
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from media import confined
from media.bubblewrap import LIBRARIES, bubblewrap_missing, code_within, complaint, within_bubblewrap
from media.disk import refusals_told
from media.lifeline import lifeline
from media.process import ProcessResult, guard, run_process
from media.shell_limits import limited, not_limited
from media.system_calls import system_call_filter
from threads.files import off_loop

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

_NO_SCRIPT: Final = 2
_NO_SCRIPT_COMPLAINT: Final = f"can't open file '{confined.__file__}'"
"""How Python says that the script is not there, as while a new version is installed."""


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
        pixels: Largest picture that it decodes, width times height; None for as large as any.
    """

    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    seconds: float = READING_SECONDS
    file_bytes: int = _FEWEST_FILE_BYTES
    pixels: int | None = None


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

    async def run(
        self,
        arguments: Sequence[str],
        access: Access,
        *,
        on_line: Callable[[str], None] | None = None,
        on_complaint: Callable[[str], None] | None = None,
        on_start: Callable[[int], None] | None = None,
    ) -> ProcessResult:
        """Run a program within, to its end, as ``run_process`` does.

        Args:
            arguments: The program's path and its arguments.
            access: What it is for. The files that it writes are made before, as it may make none itself.
            on_line: As for ``run_process``.
            on_complaint: As for ``run_process``.
            on_start: As for ``run_process``.

        Raises:
            SandboxFailed: The program was not started at all.
            StorageFailed: The files that it writes can't be made.
        """
        if not guard():
            raise SandboxFailed("setpriv of util-linux is not installed")
        if access.writes:
            await off_loop(_make, access.writes)
        async with lifeline() as held:
            with self._filter() as descriptor:
                result = await run_process(
                    self._command(arguments, access, descriptor),
                    on_line=on_line,
                    on_complaint=on_complaint,
                    on_start=on_start,
                    pass_descriptors=() if descriptor is None else (descriptor,),
                    lifeline=held,
                    # Killed with us while it makes the namespace, bubblewrap would leave there what waits for ever.
                    asks_itself=self.layer is Layer.BUBBLEWRAP,
                )
        return self.ended(result)

    def _command(self, arguments: Sequence[str], access: Access, descriptor: int | None) -> list[str]:
        within = [_absolute(arguments[0]), *arguments[1:]]
        reads, writes = _all(access.reads), _all(access.writes)
        if self.layer is Layer.BUBBLEWRAP:
            within = within_bubblewrap(within, reads, writes, descriptor)
        elif self.layer is Layer.LANDLOCK:
            within = _within_landlock(within, reads, writes)
        return [*_limits(access, has_lifeline=self.layer is not Layer.BUBBLEWRAP), *within]

    @contextmanager
    def _filter(self) -> Iterator[int | None]:
        """For bubblewrap, which reads the filter of system calls to its end, so that each call has its own."""
        filtering = system_call_filter() if self.layer is Layer.BUBBLEWRAP else None
        if filtering is None:
            yield None
            return
        descriptor = os.memfd_create("filter")
        try:
            os.write(descriptor, filtering)
            os.lseek(descriptor, 0, os.SEEK_SET)
            yield descriptor
        finally:
            os.close(descriptor)

    def ended(self, result: ProcessResult) -> ProcessResult:
        """How the program within ended.

        Raises:
            SandboxFailed: It was not started at all.
        """
        code, said = result.return_code, result.stderr_tail
        complained = not_limited(code, said)
        if self.layer is Layer.BUBBLEWRAP:
            complained = complained or complaint(code, said)
            result = replace(result, return_code=code_within(code))
        elif self.layer is Layer.LANDLOCK:
            not_confined = code == confined.FAILED_WITH and said.startswith(confined.FAILURE)
            if not_confined or (code == _NO_SCRIPT and _NO_SCRIPT_COMPLAINT in said):
                complained = said.strip()
        if complained is not None:
            raise SandboxFailed(complained)
        return result


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
    if sandbox.layer is Layer.BUBBLEWRAP and bubblewrap_missing():
        return "it is not installed"
    for program in programs:
        try:
            async with asyncio.timeout(_TRIAL_SECONDS):
                result = await sandbox.run([str(program), "-version"], Access(seconds=_TRIAL_SECONDS))
        except (SandboxFailed, OSError, TimeoutError) as error:
            return str(error) or type(error).__name__
        if result.return_code != 0:
            return f"{program} ended with {result.return_code} {result.stderr_tail.strip()}"
    return None


def _within_landlock(command: Sequence[str], reads: Sequence[str], writes: Sequence[str]) -> list[str]:
    filtering = system_call_filter()
    runs = [command[0], *(path for path in LIBRARIES if Path(path).exists())]
    options = [f"--run={path}" for path in runs]
    options += [f"--read={path}" for path in ("/dev/urandom", *reads)]
    options += [f"--write={path}" for path in ("/dev/null", *writes)]
    options += [] if filtering is None else [f"--filter={filtering.hex()}"]
    return [sys.executable, "-I", "-S", confined.__file__, *options, "--", *command]


def _limits(access: Access, *, has_lifeline: bool) -> list[str]:
    return limited(
        processor_seconds=_allowed(resource.RLIMIT_CPU, max(1, int(access.seconds * (os.cpu_count() or 1)))),
        file_bytes=_allowed(resource.RLIMIT_FSIZE, max(_FEWEST_FILE_BYTES, access.file_bytes)),
        open_files=_allowed(resource.RLIMIT_NOFILE, _OPEN_FILES),
        has_lifeline=has_lifeline,
    )


def _allowed(limit: int, most: int) -> int:
    """That much, or as much as this process is allowed itself."""
    allowed = resource.getrlimit(limit)[1]
    return most if allowed == resource.RLIM_INFINITY else min(most, allowed)


def _make(paths: Iterable[Path]) -> None:
    for path in paths:
        with refusals_told(path.parent):
            path.touch()


def _absolute(path: str | Path) -> str:
    return str(Path(path).absolute())


def _all(paths: Sequence[Path]) -> list[str]:
    return list(dict.fromkeys(map(_absolute, paths)))
