"""The stack where PostgreSQL and Temporal are somebody else's."""

import signal
import socket
from pathlib import Path

import pytest
from temporalio.client import Client

from embedded.parts import service_environment
from settings import Settings
from tests.fixtures.stack import START_SECONDS, Home, finish
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)


async def is_up(home: Home) -> bool:
    return home.run_file is not None


async def test_a_given_database_and_temporal_are_used_and_none_is_started(
    home: Home, empty_database_url: str, temporal_client: Client
) -> None:
    address = temporal_client.service_client.config.target_host
    given = home.with_settings(
        DATABASE_URL=empty_database_url, TEMPORAL_ADDRESS=address, RUSHES_EMBEDDED_TEMPORAL="false"
    )
    process = await given.begin("up")
    try:
        await eventually(lambda: is_up(given), bool, within_seconds=START_SECONDS)
        run = given.run_file
        assert run is not None
        assert (run.database, run.temporal, run.temporal_ui) == (empty_database_url, address, "")
        assert set(run.pids) == {"stack", "api", "worker"}
        assert given.folder.stat().st_mode & 0o777 == 0o700, "other users of the machine read nothing"
        assert (await given.rushes("list")).code == 0
    finally:
        process.send_signal(signal.SIGTERM)
        ended = await finish(process)
    assert ended.code == 0, ended


async def test_a_database_that_does_not_answer_is_told_and_nothing_is_left(home: Home) -> None:
    url = "postgresql://rushes:secret@127.0.0.1:1/rushes"
    ended = await home.with_settings(DATABASE_URL=url).rushes("up")
    assert ended.code == 3
    assert "127.0.0.1:1/rushes does not answer" in ended.err
    assert "secret" not in ended.err
    assert home.run_file is None


async def test_a_temporal_that_does_not_answer_is_told_while_it_is_waited_for_and_at_the_end(
    home: Home, empty_database_url: str
) -> None:
    given = home.with_settings(
        DATABASE_URL=empty_database_url,
        TEMPORAL_ADDRESS="127.0.0.1:1",
        RUSHES_EMBEDDED_TEMPORAL="false",
        RUSHES_CONNECT_TIMEOUT_SECONDS="1.8",
    )
    ended = await given.rushes("up")
    assert ended.code == 3
    assert "Waiting for Temporal at 127.0.0.1:1 (namespace default), for 2 s now, 1.8 s at most." in ended.out
    assert "Temporal did not answer at 127.0.0.1:1" in ended.err


async def test_an_address_of_temporal_alone_does_not_keep_the_stack_from_running_its_own(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        given = home.with_settings(TEMPORAL_ADDRESS=f"127.0.0.1:{port}", RUSHES_TEMPORAL_PORT=str(port))
        ended = await given.rushes("up")
    assert ended.code == 3
    assert f"TEMPORAL_ADDRESS (127.0.0.1:{port}) is not for this stack" in ended.out
    assert "RUSHES_EMBEDDED_TEMPORAL=false" in ended.out
    assert f"Port {port} (Temporal) is taken" in ended.err


async def test_a_broken_file_of_profiles_is_told_before_anything_starts(home: Home, tmp_path: Path) -> None:
    broken = tmp_path / "own.toml"
    broken.write_text("[web]\ncrf = 99\n")
    ended = await home.with_settings(RUSHES_PROFILES=str(broken)).rushes("up")
    assert ended.code == 3
    assert str(broken) in ended.err
    assert "Traceback" not in ended.err
    assert not home.folder.exists()


def test_api_and_worker_find_the_file_of_profiles_from_any_folder() -> None:
    environment = service_environment(Settings(profiles=Path("own.toml")), port=0, database_url="postgresql://a/b")
    assert environment["RUSHES_PROFILES"] == str(Path("own.toml").absolute())


async def test_a_home_that_is_a_file_is_told(home: Home) -> None:
    home.folder.write_text("")
    ended = await home.rushes("up")
    assert ended.code == 3
    assert "RUSHES_HOME" in ended.err


async def test_uploads_that_can_not_be_there_are_told_by_their_own_setting(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = await home.with_settings(RUSHES_UPLOADS=str(tmp_path / "file" / "uploads")).rushes("up")
    assert ended.code == 3
    assert f"{tmp_path / 'file' / 'uploads'} can't hold the uploads" in ended.err
    assert "RUSHES_UPLOADS" in ended.err
    assert "RUSHES_HOME" not in ended.err
