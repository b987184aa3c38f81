"""The wheel's PostgreSQL runs for anybody, keeps its data, ends with its parent, and says why when it can't."""

import asyncio
import os
import shutil
import signal
import stat
import sys
from pathlib import Path

import psycopg
import pytest

from embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError

PROJECT = Path(__file__).parents[2]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

START_AND_WAIT = """
import asyncio, pathlib, sys
from embedded.postgres import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False)
    await server.start()
    print(server.pid, flush=True)
    if sys.argv[2] == "wait":
        await asyncio.Event().wait()
    await server.stop()

asyncio.run(main())
"""


async def run_python(*arguments: str, wrapper: tuple[str, ...] = ()) -> asyncio.subprocess.Process:
    """Start another Python with the script above or any other."""
    return await asyncio.create_subprocess_exec(
        *wrapper,
        sys.executable,
        "-c",
        *arguments,
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def mode_of(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def is_running(pid: int) -> bool:
    """Whether the process is there and not only waiting to be reaped."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


async def wait_until_ended(pid: int) -> None:
    """Return once the process has ended; fail after 20 seconds."""
    async with asyncio.timeout(20):
        while is_running(pid):
            await asyncio.sleep(0.02)


async def remember(url: str) -> None:
    """Leave a row behind."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("CREATE TABLE remembered AS SELECT 42 AS answer")


async def recall(url: str) -> object:
    """The row that was left behind."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute("SELECT answer FROM remembered")).fetchone()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a space in its name, below one that only its owner may enter."""
    private = tmp_path / "only mine"
    private.mkdir(mode=0o700)
    return private / "post gres"


async def test_data_and_port_survive_a_restart(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    url = await server.start()
    await remember(url)
    await server.stop()
    await server.stop()
    assert server.pid is None
    assert await server.start() == url
    assert await recall(url) == (42,)
    await server.stop()
    again = EmbeddedPostgres(folder)
    assert await recall(await again.start()) == (42,)
    await again.stop()


async def test_only_the_owner_can_read_the_data_and_the_password(folder: Path) -> None:
    async with EmbeddedPostgres(folder, durable=False) as server:
        assert [mode_of(folder), mode_of(folder / "data"), mode_of(folder / "password")] == [0o700, 0o700, 0o600]
        without_password = f"postgresql://rushes@127.0.0.1:{server.port}/rushes"
        with pytest.raises(psycopg.OperationalError, match="password"):
            await psycopg.AsyncConnection.connect(without_password)


async def test_it_listens_on_the_loopback_address_only_and_on_no_socket_file(folder: Path) -> None:
    question = "SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'unix_socket_directories')"
    async with (
        EmbeddedPostgres(folder, durable=False) as server,
        await psycopg.AsyncConnection.connect(server.url(server.port)) as connection,
    ):
        found = await (await connection.execute(question)).fetchall()
    assert dict(found) == {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""}


async def test_a_killed_server_leaves_nothing_that_prevents_the_next(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    url = await server.start()
    await remember(url)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await wait_until_ended(server.pid)
    pid_file = folder / "data" / "postmaster.pid"
    assert pid_file.exists()
    # The id may be somebody else's by now, as after a restart of a container: here it is this very process.
    pid_file.write_text("\n".join([str(os.getpid()), *pid_file.read_text().splitlines()[1:]]) + "\n")
    await server.stop()
    assert await server.start() == url
    assert await recall(url) == (42,)
    await server.stop()


@needs_linux
async def test_a_second_server_on_the_same_folder_is_refused(folder: Path) -> None:
    async with EmbeddedPostgres(folder, durable=False) as server:
        with pytest.raises(EmbeddedPostgresError, match=r"is running on .*RUSHES_HOME"):
            await EmbeddedPostgres(folder, patience_seconds=0.2).start()
        await remember(server.url(server.port))


@needs_linux
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
async def test_it_never_outlives_the_process_that_started_it(folder: Path, ending: signal.Signals) -> None:
    parent = await run_python(START_AND_WAIT, str(folder), "wait")
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert is_running(pid)
    parent.send_signal(ending)
    await parent.communicate()
    await wait_until_ended(pid)
    assert not (folder / "data" / "postmaster.pid").exists(), "it was shut down, not killed"


@needs_root
async def test_an_ordinary_user_can_run_it() -> None:
    # The test's own folder is root's alone, so this one is made beside it.
    folder = Path("/tmp") / f"rushes of nobody {os.getpid()}"  # noqa: S108 - removed below
    wrapper = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    try:
        if (await (await run_python("import embedded.postgres", wrapper=wrapper)).wait()) != 0:
            pytest.skip("other users can't read the project")
        user = await run_python(START_AND_WAIT, str(folder / "postgres"), "stop", wrapper=wrapper)
        output, failure = await user.communicate()
        assert user.returncode == 0, failure.decode()
        assert not is_running(int(output))
        with pytest.raises(EmbeddedPostgresError, match="belongs to user id 65534, and this is user id 0"):
            await EmbeddedPostgres(folder / "postgres").start()
    finally:
        shutil.rmtree(folder)


@needs_root
async def test_root_without_user_namespaces_is_told_of_database_url(folder: Path) -> None:
    forbid = "echo 0 > /proc/sys/user/max_user_namespaces"
    wrapper = ("unshare", "--user", "--map-root-user", "sh", "-c", f'{forbid} && exec "$@"', "sh")
    if await (await asyncio.create_subprocess_exec(*wrapper, "true", stderr=asyncio.subprocess.DEVNULL)).wait() != 0:
        pytest.skip("user namespaces can't be forbidden here")
    refused = await run_python(START_AND_WAIT, str(folder), "stop", wrapper=wrapper)
    _, failure = await refused.communicate()
    assert refused.returncode != 0
    assert "user namespaces, which would let it, are not permitted here" in failure.decode()
    assert "DATABASE_URL" in failure.decode()


async def test_data_of_another_major_version_is_refused_and_kept(folder: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    await server.prepare()
    (folder / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 16, and this is 18.*pg_dump.*move the folder"):
        await server.start()
    assert (folder / "data" / "base").exists()


async def test_a_lost_password_is_told(folder: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    await server.prepare()
    (folder / "password").unlink()
    with pytest.raises(EmbeddedPostgresError, match="password is missing"):
        await server.start()


async def test_preparing_that_was_killed_halfway_begins_anew(folder: Path) -> None:
    (folder / "data.part").mkdir(parents=True)
    (folder / "data.part" / "PG_VERSION").write_text("18\n")
    async with EmbeddedPostgres(folder, durable=False) as server:
        await remember(server.url(server.port))


async def test_a_folder_that_others_may_read_is_closed_and_used(folder: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    await server.prepare()
    (folder / "data").chmod(0o755)
    await server.start()
    assert mode_of(folder / "data") == 0o700
    await server.stop()


async def test_a_port_that_is_taken_is_told_with_the_servers_own_words(folder: Path) -> None:
    async with EmbeddedPostgres(folder / "first", durable=False) as first:
        second = EmbeddedPostgres(folder / "second", durable=False)
        with pytest.raises(EmbeddedPostgresError, match="could not bind"):
            await second.start(first.port)
        assert second.pid is None


async def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("in the way")
    with pytest.raises(EmbeddedPostgresError, match="RUSHES_HOME"):
        await EmbeddedPostgres(tmp_path / "postgres").start()


async def test_a_server_that_hangs_is_stopped_all_the_same(folder: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    await server.start()
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await server.stop(grace_seconds=0.1)
    assert not is_running(pid)
