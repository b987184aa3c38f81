"""``rushes demo``: a video through the whole pipeline, and nothing left behind."""

import os
import re
import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded.lock import HomeLock
from embedded.run_file import is_alive
from tests.fixtures.clips import Clips
from tests.fixtures.stack import Home, finish
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)


async def nothing_runs_on(home: Home) -> None:
    """Every process of a stack holds its home's lock; who can take it is alone."""
    lock = HomeLock(home.folder)
    await lock.acquire(within_seconds=5)
    lock.release()
    assert not (home.folder / "run.json").exists()


async def test_a_video_becomes_ready_and_everything_is_stopped(home: Home, clips: Clips) -> None:
    ended = await home.rushes("demo", str(clips.path("short_with_sound")))
    assert ended.code == 0, ended
    for step in (
        "validate_video",
        "create_thumbnail",
        "join_streams",
        "verify_output",
        "publish_files",
        "mark_ready",
    ):
        assert f"{step:<17} completed in" in ended.out
    assert re.search(r"^Status +ready$", ended.out, re.MULTILINE)
    assert re.search(r"^Page +http://.*/videos/", ended.out, re.MULTILINE)
    assert re.search(r"^Duration +2\.0 s$", ended.out, re.MULTILINE)
    assert re.search(r"^Workflow +http://.*/namespaces/default/workflows/video-", ended.out, re.MULTILINE)
    assert re.search(r"^API docs +http://.*/docs$", ended.out, re.MULTILINE)
    (published,) = (home.folder / "uploads" / "processed").glob("*/video.mp4")
    assert (published.parent / "thumbnail.jpg").stat().st_size > 0
    assert str(published) in ended.out
    await nothing_runs_on(home)


async def test_a_file_that_is_no_video_ends_with_its_code_and_reason(stack: Home, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("These are my notes.\n" * 100)
    ended = await stack.rushes("demo", str(text))
    assert ended.code == 1, ended
    assert "(invalid_media)" in ended.out


async def test_a_video_that_is_not_there_is_told_before_anything_starts(home: Home, tmp_path: Path) -> None:
    ended = await home.rushes("demo", str(tmp_path / "no such.mp4"))
    assert (ended.code, ended.err) == (2, f"There is no file {tmp_path / 'no such.mp4'}.\n")
    assert not home.folder.exists()


async def test_a_video_whose_name_is_not_taken_is_refused_before_anything_starts(home: Home, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("These are my notes.")
    ended = await home.rushes("demo", str(tmp_path / "notes.txt"))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("notes.txt does not end in .mp4, .mov, .avi. RUSHES_ALLOWED_EXTENSIONS")


@pytest.mark.parametrize(
    ("setting", "purpose"),
    [
        ("RUSHES_PORT", "the api"),
        ("RUSHES_TEMPORAL_PORT", "Temporal"),
        ("RUSHES_TEMPORAL_UI_PORT", "Temporal's Web UI"),
    ],
)
async def test_a_taken_port_is_told_with_its_setting_and_nothing_is_left(
    home: Home, setting: str, purpose: str
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        ended = await home.with_settings(**{setting: str(port)}).rushes("up")
    assert ended.code == 3
    assert f"Port {port} ({purpose}) is taken" in ended.err
    assert setting in ended.err
    await nothing_runs_on(home)


async def test_a_signal_while_the_stack_starts_leaves_nothing(home: Home) -> None:
    process = await home.begin("demo")
    await eventually(lambda: log_is_there(home, "temporal"), bool)
    process.send_signal(signal.SIGINT)
    ended = await finish(process)
    assert ended.code == 128 + signal.SIGINT
    await nothing_runs_on(home)


async def test_a_signal_in_mid_encode_leaves_nothing_and_the_next_start_has_the_history_and_finishes_the_video(
    home: Home, clips: Clips
) -> None:
    """No process outlives that one, either, which is killed."""
    process = await home.begin("demo", str(clips.path("long_540p")))
    assert process.stdout is not None
    while b"encode_chunk" not in await process.stdout.readline():
        assert not process.stdout.at_eof()
    process.send_signal(signal.SIGHUP)
    assert (await finish(process)).code == 128 + signal.SIGHUP
    await nothing_runs_on(home)

    process = await home.begin("up")
    try:
        await eventually(lambda: is_up(home), bool, within_seconds=60)
        await eventually(lambda: statuses(home), lambda found: found == ["ready"], within_seconds=90)
        was_done = {"claim_video": 1, "validate_video": 1}
        assert await attempts_of_the_first_steps(home) == was_done, "and is not done again"
        run = home.run_file
        assert run is not None
    finally:
        process.kill()
        await process.communicate()
    await eventually(lambda: all_gone(list(run.pids.values())), bool)


async def test_a_dead_worker_is_started_again_and_run_json_tells_its_new_pid(stack: Home) -> None:
    run = stack.run_file
    assert run is not None
    os.kill(run.pids["worker"], signal.SIGKILL)
    await eventually(lambda: another_worker(stack, run.pids["worker"]), bool, within_seconds=30)


async def test_a_second_stack_on_the_same_home_is_told_the_first_one_s_pid(stack: Home) -> None:
    run = stack.run_file
    assert run is not None
    ended = await stack.rushes("up")
    assert ended.code == 3
    assert f"A stack already runs on {stack.folder} (process {run.pids['stack']})" in ended.err
    assert stack.run_file is not None


async def test_a_demo_uses_the_running_stack_and_leaves_it(stack: Home, clips: Clips) -> None:
    ended = await stack.rushes("demo", str(clips.path("short_with_sound")))
    assert ended.code == 0, ended
    assert "Using the stack that runs on" in ended.out
    assert stack.run_file is not None


async def log_is_there(home: Home, name: str) -> bool:
    return (home.folder / "logs" / f"{name}.log").exists()


async def is_up(home: Home) -> bool:
    return home.run_file is not None


async def all_gone(pids: list[int]) -> bool:
    return not any(is_alive(pid) for pid in pids)


async def another_worker(home: Home, pid: int) -> bool:
    run = home.run_file
    return run is not None and run.pids.get("worker", pid) != pid


async def videos(home: Home) -> list[dict[str, Any]]:
    run = home.run_file
    assert run is not None
    async with httpx.AsyncClient(base_url=run.api, trust_env=False) as client:
        found: list[dict[str, Any]] = (await client.get("/api/v1/videos")).json()["items"]
    return found


async def statuses(home: Home) -> list[str]:
    return [video["status"] for video in await videos(home)]


async def attempts_of_the_first_steps(home: Home) -> dict[str, int]:
    """Of the only video's run: they were through when the stack was stopped."""
    run = home.run_file
    assert run is not None
    (video,) = await videos(home)
    async with httpx.AsyncClient(base_url=run.api, trust_env=False) as client:
        steps = (await client.get(f"/api/v1/videos/{video['id']}/steps")).json()["steps"]
    return {step["activity"]: step["attempts"] for step in steps[:2]}
