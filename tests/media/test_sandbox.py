"""What a program that reads a stranger's file may do: on each layer nothing but read that file and write its output."""

import asyncio
import os
import resource
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.errors import StorageFailed, TranscodeFailed
from media import confined
from media.ffmpeg import Bounds, Ffmpeg
from media.process import ProcessResult
from media.programs import find_programs
from media.sandbox import Access, Layer, Sandbox, SandboxFailed, SandboxMissing, fault_of, find_sandbox
from media.system_calls import system_call_filter
from tests.fixtures.clips import Clip, Clips
from tests.media.exploited import ATTEMPTS, exploited
from tests.media.making import make
from tests.media.probing import WEB
from tests.media.processes import children_of

PYTHON = Path(sys.base_prefix)
ALL_FAIL_ANYWAY = {"read its own environment"}
"""What has to fail even where nothing is around the program."""


@pytest.fixture(scope="module", params=[Layer.BUBBLEWRAP, Layer.LANDLOCK])
async def layer(request: pytest.FixtureRequest, ffmpeg: Ffmpeg) -> Layer:
    """Each layer that works here."""
    layer = Layer(request.param)
    fault = await fault_of(Sandbox(layer), (ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path))
    if fault is not None:
        pytest.skip(f"{layer} does not work here: {fault}")
    return layer


@dataclass(frozen=True)
class Prey:
    """What an exploited program would like to have."""

    source: Path
    target: Path
    other: Path
    server: socket.socket
    local: Path

    async def attacked(self, layer: Layer) -> list[str]:
        """What the stand-in says that it achieved."""
        access = Access(reads=(self.source, PYTHON), writes=(self.target,))
        port = self.server.getsockname()[1]
        command = exploited(self.source, self.target, self.other, port=port, worker=os.getpid(), local=self.local)
        result = await Sandbox(layer).run(command, access)
        assert result.return_code == 0, result.stderr_tail
        return result.stdout.splitlines()


@pytest.fixture
def prey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prey]:
    monkeypatch.setenv("CANARY", "a secret")
    (tmp_path / "source").write_text("the upload")
    (tmp_path / "other").write_text("another video")
    local = tmp_path / "socket"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as listening:
        server.setblocking(False)
        listening.bind(str(local))
        listening.listen()
        yield Prey(tmp_path / "source", tmp_path / "target", tmp_path / "other", server, local)


async def test_a_program_that_a_file_has_taken_over_achieves_nothing(layer: Layer, prey: Prey) -> None:
    before = prey.other.stat()
    assert await prey.attacked(layer) == ["done"]
    assert prey.target.read_text() == prey.source.read_text() == "the upload"
    assert (prey.other.read_text(), prey.other.stat().st_mode) == ("another video", before.st_mode)
    assert not prey.target.with_name("target.more").exists()
    with pytest.raises(BlockingIOError):
        prey.server.accept()


async def test_what_it_tries_is_possible_where_nothing_is_around_it(prey: Prey) -> None:
    achieved = await prey.attacked(Layer.LIMITS)
    assert achieved[-1] == "done"
    assert not ALL_FAIL_ANYWAY & set(achieved)
    # Who is not root, or is in a container, can do less.
    assert {"read /etc/passwd", "read another video", "connect to a port", "start another program"} <= set(achieved)
    assert set(achieved) <= {*ATTEMPTS, "done"}


async def test_a_video_is_made_within(layer: Layer, clips: Clips, tmp_path: Path) -> None:
    confined = Ffmpeg(await find_programs(None, None), sandbox=Sandbox(layer))
    made = await make(confined, clips.path(Clip.CARD), tmp_path, WEB)
    assert made.video.stat().st_size > 0
    assert made.thumbnail.read_bytes().startswith(b"\xff\xd8\xff")


async def test_a_signal_that_ended_the_program_is_seen_through_the_layer(layer: Layer) -> None:
    sandbox, access = Sandbox(layer), Access(reads=(PYTHON,))
    command = [sys.executable, "-I", "-S", "-c", "import ctypes; ctypes.string_at(0)"]
    assert (await sandbox.run(command, access)).return_code == -11


async def test_the_processor_time_of_what_ran_within_is_known_afterwards(layer: Layer) -> None:
    def waited_for() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = waited_for()
    busy = [sys.executable, "-I", "-S", "-c", "import time\nwhile time.process_time() < 0.3: pass"]
    await Sandbox(layer).run(busy, Access(reads=(PYTHON,)))
    assert waited_for() - before > 0.29


async def test_a_sandbox_that_is_not_set_up_says_nothing_of_the_file(layer: Layer, tmp_path: Path) -> None:
    sandbox, gone = Sandbox(layer), Access(reads=(tmp_path / "gone",))
    with pytest.raises(SandboxFailed, match="gone"):
        await sandbox.run(["/bin/true"], gone)
    with pytest.raises(TranscodeFailed, match="could not be confined"):
        await Ffmpeg(await find_programs(None, None), sandbox=sandbox).read(["/bin/true"], gone)


def test_an_exit_code_of_ffmpegs_own_is_not_taken_for_a_signal() -> None:
    no_room = ProcessResult(256 - 28, "", "")
    assert Sandbox(Layer.BUBBLEWRAP).ended(no_room) == no_room
    assert Sandbox(Layer.BUBBLEWRAP).ended(ProcessResult(137, "", "")).return_code == -9
    assert Sandbox(Layer.LANDLOCK).ended(ProcessResult(137, "", "")).return_code == 137


def test_a_script_that_is_not_there_while_a_version_is_installed_is_not_taken_for_ffmpegs_own_failure() -> None:
    said = f"python: can't open file '{confined.__file__}': [Errno 2] No such file or directory"
    with pytest.raises(SandboxFailed, match="can't open"):
        Sandbox(Layer.LANDLOCK).ended(ProcessResult(2, "", said))


LOOKS_AROUND = """
import os, resource
told = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(dict(os.environ), told["NoNewPrivs"], resource.getrlimit(resource.RLIMIT_CORE)[1])
print([resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU)])
print(len(os.listdir("/proc/self/fd")), open("/proc/self/oom_score_adj").read().strip())
"""


async def test_limits_and_an_empty_environment_are_there_without_any_layer() -> None:
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", LOOKS_AROUND]
    access = Access(seconds=7, file_bytes=3_072_000)
    held = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(held, True)
    try:
        result = await Sandbox().run(command, access)
    finally:
        os.close(held)
    environment, limits, around = result.stdout.splitlines()
    assert environment in {"{} 1 0", "{'LC_CTYPE': 'C.UTF-8'} 1 0"}, "Python itself sets the one"
    assert limits == str([3_072_000, 256, 7 * (os.cpu_count() or 1)])
    assert around == "4 1000", "three and the one by which they are counted"


async def test_a_file_that_the_disk_does_not_let_it_write_is_the_storages_failure(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    cleared = tmp_path / "cleared by somebody"
    with pytest.raises(StorageFailed, match="cleared by somebody"):
        await Sandbox().run((str(ffmpeg.ffmpeg_path), "-version"), Access(writes=(cleared / "video.mp4",)))


async def test_a_file_that_grows_beyond_its_limit_ends_the_program(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    flood = [sys.executable, "-c", f"open({str(tmp_path / 'flood')!r}, 'wb').write(bytes(9_000_000))"]
    result = await ffmpeg.read(flood, Access(writes=(tmp_path / "flood",), file_bytes=2_000_000))
    assert result.return_code != 0
    assert (tmp_path / "flood").stat().st_size <= 2_000_000


@pytest.mark.parametrize(
    ("program", "access", "bounds", "why"),
    [
        ("while True: pass", Access(seconds=0.5), Bounds(), "took too long"),
        ("held = b'x' * 300_000_000; import time; time.sleep(600)", Access(), Bounds(None, 200_000_000), "memory"),
        (
            "held = b'x' * 300_000_000; import time; time.sleep(600)",
            Access(),
            Bounds(reading_bytes=200_000_000),
            "memory",
        ),
    ],
    ids=["time", "memory", "memory of a look"],
)
async def test_who_takes_too_much_is_ended_and_the_failure_counts(
    ffmpeg: Ffmpeg, program: str, access: Access, bounds: Bounds, why: str
) -> None:
    before = children_of(os.getpid())
    watched = Ffmpeg(await find_programs(ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path), bounds=bounds)
    with pytest.raises(TranscodeFailed, match=why) as failure:
        await asyncio.wait_for(watched.read([sys.executable, "-c", program], access), 30)
    assert failure.value.counted
    assert children_of(os.getpid()) == before


async def test_what_works_here_is_found_and_what_is_required_is_not_done_without(
    ffmpeg: Ffmpeg, layer: Layer, tmp_path: Path
) -> None:
    programs = (ffmpeg.ffmpeg_path, ffmpeg.ffprobe_path)
    assert (await find_sandbox("off", programs)).layer is Layer.LIMITS
    for mode in ("auto", "required"):
        assert (await find_sandbox(mode, programs)).layer in {Layer.BUBBLEWRAP, layer}
    nothing_starts = (tmp_path / "nothing",)
    assert (await find_sandbox("auto", nothing_starts)).layer is Layer.LIMITS
    with pytest.raises(SandboxMissing, match="RUSHES_SANDBOX=required"):
        await find_sandbox("required", nothing_starts)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_fits_into_the_kernel(machine: str) -> None:
    program = system_call_filter(machine)
    assert program is not None
    assert len(program) % 8 == 0
    assert 100 < len(program) // 8 < 4096


def test_a_machine_whose_numbers_are_not_known_has_no_filter() -> None:
    assert system_call_filter("m68k") is None
