"""``rushes doctor``: what it looks at, and what it says where something is missing."""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.checks import check_sandboxes
from cli.findings import Verdict
from cli.folder_checks import Folder, check_space, check_writable, look_at, silent
from contracts.worker_identity import WorkerIdentity
from runs.records import WorkerState
from tests.fixtures.small_disk import NoMounts, mounted
from tests.fixtures.stack import Home

pytestmark = pytest.mark.timeout(120)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


async def test_doctor_finds_a_running_stack_well(stack: Home) -> None:
    told = await stack.rushes("doctor")
    assert told.code == 0, told
    for subject in (
        "ffmpeg",
        "Sandbox",
        "Sandbox here",
        "Profiles",
        "Temporal",
        "Search attributes",
        "Queue video-media",
        "Queue webhooks",
        "Database",
        "Tables",
        "Uploads",
        "Api",
    ):
        assert re.search(rf"^(ok|warn) +{subject} ", told.out, re.MULTILINE), subject


async def test_doctor_tells_programs_what_it_found(stack: Home) -> None:
    findings = json.loads((await stack.rushes("doctor", "--json")).out)
    found = {finding["subject"]: finding for finding in findings}
    assert {"subject": "Tables", "verdict": "ok"}.items() <= found["Tables"].items()
    assert "no new privileges" in found["Sandbox here"]["found"], "which protections are on"
    layer = found["Sandbox here"]["found"].partition(":")[0]
    assert stack.run_file is not None
    worker = stack.run_file.pids["worker"]
    assert re.fullmatch(rf"{layer} at .*:{worker}\b.*", found["Sandbox"]["found"]), "as the worker tells it"


def test_what_is_around_ffmpeg_is_told_of_the_workers_that_run_it() -> None:
    busy = WorkerState("video-media", "m1", 7, "", "", 1, 0, NOW, NOW, is_stopping=False, sandbox="landlock")
    polling = WorkerIdentity("video-media", "m2", 9, sandbox="bubblewrap")
    of_control = WorkerIdentity("video-control", "m2", 9)
    (found,) = check_sandboxes([polling, of_control], [busy])
    assert (found.verdict, found.found) == (Verdict.OK, "bubblewrap at m2:9; landlock at m1:7")
    (weak,) = check_sandboxes([polling, WorkerIdentity("video-media", "m3", 1, sandbox="limits")], [busy])
    assert (weak.verdict, weak.found) == (Verdict.WARN, "bubblewrap at m2:9; landlock at m1:7; limits at m3:1")
    assert check_sandboxes([of_control], []) == []


async def test_doctor_says_how_to_mend_what_is_missing(home: Home, tmp_path: Path) -> None:
    old = tmp_path / "ffmpeg"
    old.write_text("#!/bin/sh\necho not ffmpeg\n")
    old.chmod(0o755)
    profiles = tmp_path / "profiles.toml"
    profiles.write_text("[web]\nmax_short_side = 7\n")
    settings = {"RUSHES_FFMPEG": str(old), "RUSHES_PROFILES": str(profiles), "TEMPORAL_ADDRESS": "127.0.0.1:1"}
    told = await home.with_settings(**settings).rushes("doctor")
    assert told.code == 1
    for subject in ("ffmpeg", "Profiles", "Temporal", "Database"):
        assert re.search(rf"^fail +{subject} ", told.out, re.MULTILINE), subject
    assert "DATABASE_URL" in told.out
    assert "TEMPORAL_ADDRESS" in told.out


async def test_a_folder_is_tried_where_it_is_or_is_to_be(tmp_path: Path) -> None:
    there, to_come = await look_at("Uploads", tmp_path), await look_at("Scratch", tmp_path / "to" / "come")
    assert check_writable(there).found == f"{tmp_path} can be written to"
    assert check_writable(to_come).found == f"{tmp_path}/to/come can be made"
    assert check_space(there, 1, 1).verdict is Verdict.OK
    assert not os.listdir(tmp_path)  # noqa: PTH208
    full = Folder("Uploads", tmp_path, tmp_path, "No space left on device", 0)
    assert [check_writable(full).verdict, check_space(full, 1, 1).verdict] == [Verdict.FAIL] * 2


async def test_a_folder_whose_disk_hangs_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = tmp_path / "hangs.py"
    hangs.write_text("import signal\nfor number in (2, 15):\n signal.signal(number, signal.SIG_IGN)\nsignal.pause()")
    monkeypatch.setattr("cli.folder_trial.__file__", str(hangs))
    with pytest.raises(TimeoutError):
        await look_at("Uploads", tmp_path, seconds=0.5)
    told = silent("Uploads", tmp_path)
    assert (told.verdict, told.found) == (Verdict.FAIL, f"{tmp_path} does not answer within 10 s")
    assert "Look whether its disk hangs" in told.mend


async def test_a_folder_on_a_full_disk_can_not_be_written_to_though_an_empty_file_can_be_made_there(
    tmp_path: Path,
) -> None:
    try:
        with mounted(tmp_path / "disk", 1) as disk:
            assert check_writable(await look_at("Uploads", disk.folder)).verdict is Verdict.OK
            with disk.full():
                found = check_writable(await look_at("Uploads", disk.folder))
    except NoMounts as error:
        pytest.skip(f"this user may not mount a small disk: {error}")
    assert (found.verdict, found.found) == (Verdict.FAIL, f"{disk.folder} can't be written to: No space left on device")
    assert found.mend.startswith("Delete videos (`rushes delete ID`)")
