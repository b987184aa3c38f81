"""The ``rushes`` commands, against the whole service."""

import json
import re
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from contracts.status import VideoStatus
from database.engine import Database
from tests.database.samples import video_in
from tests.fixtures.clips import Clips
from tests.fixtures.stack import Home, finish, make_home
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)


async def test_uploaded_videos_are_listed_newest_first(stack: Home, ready_video: str, failed_video: str) -> None:
    listed = json.loads((await stack.rushes("list", "--json")).out)
    ids = [video["id"] for video in listed]
    assert ids.index(failed_video) < ids.index(ready_video)
    only_ready = json.loads((await stack.rushes("list", "--status", "ready", "--all", "--json")).out)
    assert failed_video not in [video["id"] for video in only_ready]
    by_metadata = json.loads((await stack.rushes("list", "--metadata", "order=4711", "--title", "two", "--json")).out)
    assert [(video["id"], video["metadata"]) for video in by_metadata] == [(ready_video, {"order": "4711"})]
    assert json.loads((await stack.rushes("list", "--error-code", "cancelled", "--json")).out) == []
    for wrong in (
        "list --error-code storage_faild",
        "retry --code storage_faild",
        "reprocess --where code=storage_faild",
    ):
        refused = await stack.rushes(*wrong.split())
        assert (refused.code, "There is storage_failed" in " ".join(refused.err.split())) == (2, True), refused
    assert len(json.loads((await stack.rushes("list", "--limit", "1", "--json")).out)) == 1


async def test_what_is_called_seen_and_kept_of_a_video_is_changed(stack: Home, ready_video: str) -> None:
    changed = await stack.rushes("edit", ready_video, "--title", "Two seconds anew", "--metadata", "shelf=9", "--json")
    told = json.loads(changed.out)
    assert (told["title"], told["metadata"]) == ("Two seconds anew", {"order": "4711", "shelf": "9"})
    back = await stack.rushes(
        "edit", ready_video[:8], "--title", "Two seconds", "--visibility", "public", "--metadata", "shelf="
    )
    assert back.out == f"Changed {ready_video}: Two seconds, public, order=4711\n"
    assert (await stack.rushes("edit", ready_video, "--visibility", "private")).code == 0
    nothing = await stack.rushes("edit", ready_video)
    assert (nothing.code, "Say what is to change" in nothing.err) == (2, True)


async def test_a_list_is_of_one_user(stack: Home, ready_video: str) -> None:
    found = json.loads((await stack.rushes("list", "--user", "local", "--all", "--json")).out)
    assert ready_video in [video["id"] for video in found]
    assert (await stack.rushes("list", "--user", "nobody")).err == "There are no such videos.\n"


async def test_a_list_is_of_videos_since_and_until(stack: Home, ready_video: str) -> None:
    assert ready_video not in (await stack.rushes("list", "--all", "--until", "1h")).out
    assert ready_video in (await stack.rushes("list", "--all", "--since", "2026-01-01", "--until", "2126-01-01")).out
    wrong = await stack.rushes("list", "--since", "yesterday")
    assert (wrong.code, "--since is a date such as 2026-03-01" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("list", "--status", "done"), "Invalid value for '--status': 'done' is not one of 'uploading', 'processing',"),
        (("edit", "0123", "--visibility", "all"), "Invalid value for '--visibility': 'all' is not one of 'private',"),
        (("worker", "--queue", "fast"), "Invalid value for '--queue': 'fast' is not one of 'video-control',"),
    ],
)
async def test_what_can_not_be_chosen_is_told_with_what_can_in_words_of_ours(
    home: Home, command: tuple[str, ...], told: str
) -> None:
    refused = await home.with_settings(COLUMNS="200").rushes(*command)
    assert (refused.code, told in refused.err) == (2, True), refused.err


async def test_the_list_for_people_has_id_status_and_title(stack: Home, ready_video: str, failed_video: str) -> None:
    lines = (await stack.rushes("list")).out.splitlines()
    assert re.split(r"\s{2,}", lines[0].strip()) == ["ID", "Status", "Uploaded", "Step or reason", "Title"]
    assert any(line.startswith(f"{ready_video}  ready ") and line.rstrip().endswith("Two seconds") for line in lines)
    assert any(line.startswith(f"{failed_video}  error ") and "invalid_media" in line for line in lines)


async def test_a_shell_completes_ids_with_those_that_begin_so_and_says_nothing_where_no_service_is(
    stack: Home, ready_video: str, tmp_path: Path
) -> None:
    words = {"_RUSHES_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": f"rushes show {ready_video[:6]}"}
    offered = await Home(stack.folder, {**stack.environment, **words}).rushes()
    assert (offered.code, offered.err) == (0, "")
    assert f'"{ready_video}":"Two seconds"' in offered.out
    nowhere = make_home(tmp_path)
    silent = await Home(nowhere.folder, {**nowhere.environment, **words}).rushes()
    assert (silent.code, silent.err) == (0, "")
    assert "Two seconds" not in silent.out
    assert ready_video not in silent.out


async def test_a_unique_beginning_of_an_id_is_enough_and_a_list_in_a_pipe_has_whole_ones(
    stack: Home, ready_video: str, failed_video: str
) -> None:
    lines = (await stack.with_settings(COLUMNS="80").rushes("list")).out.splitlines()
    line = next(line for line in lines if line.startswith(failed_video))
    assert "invalid_media" in line
    shown = json.loads((await stack.rushes("show", ready_video[:8], "--json")).out)
    assert shown["id"] == ready_video
    assert {step["queue"] for step in shown["steps"]} == {"video-control", "video-media"}
    assert all(step["scheduled_at"] for step in shown["steps"])
    assert "(video_not_found)" in (await stack.rushes("show", f"{uuid4()}"[:12])).err


async def test_all_files_are_sent_before_one_is_waited_for(stack: Home, clips: Clips) -> None:
    ended = await stack.rushes("upload", "--wait", "--json", str(clips.path("silent")), str(clips.path("silent")))
    assert ended.code == 0, ended
    assert [video["status"] for video in json.loads(ended.out)] == ["ready", "ready"]
    assert ended.err.rindex("Uploading") < ended.err.index("Ready")


async def test_the_version_is_told_without_a_service(home: Home) -> None:
    told = await home.rushes("--version")
    assert (told.code, told.out.startswith("rushes ")) == (0, True)


@pytest.mark.parametrize("arguments", [("list", "--help"), ("no-such-command",), ("list",)], ids=" ".join)
async def test_a_command_that_tests_fork_ends_and_says_as_one_that_is_started(
    home: Home, arguments: tuple[str, ...]
) -> None:
    assert await home.rushes(*arguments) == await finish(await home.begin(*arguments))


async def test_show_tells_the_row_and_every_step(stack: Home, ready_video: str) -> None:
    shown = await stack.rushes("show", ready_video)
    assert shown.code == 0
    for fact in (r"Title +Two seconds", r"Status +ready", r"Picture +320x240", r"Video +http://.*/video\.mp4"):
        assert re.search(f"^{fact}$", shown.out, re.MULTILINE), fact
    assert "✓  join_streams" in shown.out
    told = json.loads((await stack.rushes("show", ready_video, "--json")).out)
    assert told["status"] == "ready"
    assert [step["state"] for step in told["steps"]] == ["completed"] * len(told["steps"])


async def test_an_import_that_is_refused_says_why(stack: Home) -> None:
    refused = await stack.rushes("import", "http://169.254.169.254/a.mp4")
    assert (refused.code, refused.out) == (1, "")
    assert "(address_refused)" in refused.err
    assert "(invalid_url)" in (await stack.rushes("import", "file:///etc/passwd")).err


async def test_what_makes_no_sense_is_refused_with_its_code(stack: Home, ready_video: str) -> None:
    cancelled = await stack.rushes("cancel", ready_video)
    assert (cancelled.code, cancelled.out) == (1, "")
    assert "(not_cancellable)" in cancelled.err
    retried = await stack.rushes("retry", ready_video)
    assert retried.code == 1
    assert "(not_retryable)" in retried.err


async def test_an_unknown_id_and_a_malformed_one_are_told_apart(stack: Home) -> None:
    unknown = await stack.rushes("show", str(uuid4()))
    assert unknown.code == 1
    assert "(video_not_found)" in unknown.err
    assert (await stack.rushes("show", "seven")).code == 2


async def test_a_failed_video_can_be_retried_and_waited_for(stack: Home, failed_video: str) -> None:
    retried = await stack.rushes("retry", "--wait", failed_video)
    assert retried.code == 1
    assert "(invalid_media)" in retried.err
    assert re.search(r"^Attempt +2$", (await stack.rushes("show", failed_video)).out, re.MULTILINE)


async def test_a_wrong_extension_is_refused_in_the_api_s_words(stack: Home, tmp_path: Path) -> None:
    picture = tmp_path / "picture.gif"
    picture.write_bytes(b"GIF89a")
    ended = await stack.rushes("upload", str(picture))
    assert (ended.code, ended.out) == (1, "")
    assert "(unsupported_extension)" in ended.err


async def test_one_refused_file_does_not_keep_the_others_back(stack: Home, clips: Clips, tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    ended = await stack.rushes("upload", str(empty), str(clips.path("silent")))
    assert ended.code == 1
    assert "empty.mp4: " in ended.err
    assert "(file_empty)" in ended.err
    assert len(ended.out.split()) == 1


async def test_a_profile_is_asked_for_by_its_name(stack: Home, clips: Clips) -> None:
    uploaded = await stack.rushes("upload", "--profile", "mobile", str(clips.path("silent")))
    assert uploaded.code == 0, uploaded
    shown = await stack.rushes("show", uploaded.out.strip())
    assert re.search(r"^Profile +mobile$", shown.out, re.MULTILINE)
    refused = await stack.rushes("upload", "--profile", "cinema", str(clips.path("silent")))
    assert refused.code == 1
    assert "There are: archive, mobile, web. (unknown_profile)" in refused.err


async def test_show_tells_what_the_owner_of_a_ready_video_should_know(stack: Home, ready_video: str) -> None:
    assert stack.run_file is not None
    warning = [{"code": "sound_left_out", "message": "One of two sound tracks was left out."}]
    async with await psycopg.AsyncConnection.connect(stack.run_file.database) as connection:
        await connection.execute("UPDATE videos SET warnings = %s WHERE id = %s", (Jsonb(warning), ready_video))
    shown = await stack.rushes("show", ready_video)
    told = r"^Warning +One of two sound tracks was left out\. \(sound_left_out\)$"
    assert re.search(told, shown.out, re.MULTILINE), shown.out


async def test_show_says_why_there_are_no_steps_and_gives_no_address_that_leads_to_nothing(stack: Home) -> None:
    assert stack.run_file is not None
    database = Database(stack.run_file.database, pool_size=1)
    restored = await video_in(database.videos, VideoStatus.READY)
    shown = await stack.rushes("show", str(restored.id))
    told = json.loads((await stack.rushes("show", str(restored.id), "--json")).out)
    await database.videos.delete(restored.id)
    await database.dispose()
    assert re.search(r"^Steps +none: Temporal keeps them no longer or is another one since", shown.out, re.MULTILINE)
    assert re.search(rf"^Workflow +video-{restored.id}$", shown.out, re.MULTILINE), shown.out
    assert told["workflow_url"] is None


async def test_a_deleted_video_is_gone(stack: Home, clips: Clips) -> None:
    video_id = (await stack.rushes("upload", str(clips.path("silent")))).out.strip()
    asked = await stack.rushes("delete", video_id)
    assert asked.code == 2
    assert "--yes" in asked.err
    assert (await stack.rushes("delete", "--yes", video_id)).out == f"Deleted {video_id}.\n"
    assert (await stack.rushes("show", video_id)).code == 1


async def test_status_tells_videos_queues_and_processes(stack: Home, ready_video: str) -> None:
    assert ready_video
    told = await stack.rushes("status")
    assert told.code == 0
    for word in (
        "video-control",
        "video-media",
        "webhooks",
        "Processes",
        "worker",
        "Web UI",
        "ready",
        "mobile, web (default)",
    ):
        assert word in told.out
    standing = await eventually(
        lambda: stack.rushes("status", "--json"), lambda told: bool(json.loads(told.out)["workers"])
    )
    status = json.loads(standing.out)
    assert (status["videos"]["ready"] >= 1, status["last_hour"]["ready"] >= 1) == (True, True)
    media = next(worker for worker in status["workers"] if worker["queue"] == "video-media")
    assert (media["busy_slots"] + media["free_slots"] >= 2, media["version"] != "") == (True, True)


async def test_without_an_api_a_command_says_how_to_start_one(home: Home) -> None:
    told = await home.with_settings(RUSHES_PORT="1").rushes("list")
    assert (told.code, told.out) == (3, "")
    assert "No api answers at http://127.0.0.1:1." in told.err
    assert "make up" in told.err
    assert "RUSHES_API_URL" in told.err


async def test_a_wrong_setting_is_named(home: Home) -> None:
    told = await home.with_settings(RUSHES_PORT="many").rushes("up")
    assert told.code == 2
    assert told.err.startswith("RUSHES_PORT: ")
    assert not home.folder.exists()


async def test_migrate_finds_the_stack_s_database_at_head(stack: Home) -> None:
    told = await stack.rushes("migrate")
    assert told.code == 0
    assert re.fullmatch(r"The database is at revision \w+\.\n", told.out)
