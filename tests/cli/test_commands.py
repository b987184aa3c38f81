"""The ``rushes`` commands, against the whole service."""

import asyncio
import json
import re
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb
from temporalio.client import Client

from cli.errors import CommandFailed, ExitCode
from cli.replay import read_history
from tests.fixtures.clips import Clips
from tests.fixtures.stack import RUSHES, Home
from tests.waiting import eventually
from tests.workflows.details import current_details

pytestmark = pytest.mark.timeout(120)

HISTORIES = Path(__file__).resolve().parent.parent / "histories"


@pytest.fixture(scope="module")
async def ready_video(stack: Home, clips: Clips) -> str:
    """Id of a video that went through."""
    ended = await stack.rushes(
        "upload", "--wait", "--title", "Two seconds", "--metadata", "order=4711", str(clips.path("short_with_sound"))
    )
    assert ended.code == 0, ended
    assert "Ready: 320x240, 2.0 s" in ended.err
    return ended.out.strip()


@pytest.fixture(scope="module")
async def failed_video(stack: Home, clips: Clips) -> str:
    """Id of a video that ended in error."""
    ended = await stack.rushes("upload", "--wait", str(clips.path("text_named_mp4")))
    assert ended.code == 1, ended
    assert "(invalid_media)" in ended.err
    return ended.out.strip()


async def test_uploaded_videos_are_listed_newest_first(stack: Home, ready_video: str, failed_video: str) -> None:
    listed = json.loads((await stack.rushes("list", "--json")).out)
    ids = [video["id"] for video in listed]
    assert ids.index(failed_video) < ids.index(ready_video)
    only_ready = json.loads((await stack.rushes("list", "--status", "ready", "--all", "--json")).out)
    assert failed_video not in [video["id"] for video in only_ready]
    by_metadata = json.loads((await stack.rushes("list", "--metadata", "order=4711", "--title", "two", "--json")).out)
    assert [(video["id"], video["metadata"]) for video in by_metadata] == [(ready_video, {"order": "4711"})]
    assert json.loads((await stack.rushes("list", "--error-code", "cancelled", "--json")).out) == []
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


async def test_a_cohort_of_ready_videos_is_counted_made_anew_and_listed(stack: Home, ready_video: str) -> None:
    fitting = ("--where", "profile=web", "--where", "metadata.order=4711", "--where", "created_after=1d")
    counted = await stack.rushes("reprocess", *fitting, "--dry-run")
    assert counted.out.startswith("1 video to be made anew with each its own profile: nothing was begun.")
    begun = await stack.rushes("reprocess", *fitting, "--rate", "6000", "--wait")
    assert "1 of 1 begun" in begun.err, begun
    cohort_id = begun.out.strip()
    listed = await eventually(lambda: stack.rushes("cohort", "list"), lambda seen: cohort_id in seen.out)
    assert "reprocess with each its own profile" in listed.out
    seen = await stack.rushes("cohort", "show", cohort_id[:6], "--json")
    assert json.loads(seen.out)["retried"] == 1

    async def video() -> dict[str, object]:
        return dict(json.loads((await stack.rushes("show", ready_video, "--json")).out))

    row = await eventually(video, lambda seen: seen["reprocess_profile"] is None, within_seconds=60)
    assert (row["status"], row["published_edition"]) == ("ready", 2)
    refused = await stack.rushes("reprocess", ready_video, "--where", "status=ready")
    assert (refused.code, "either IDs of videos, or --where" in refused.err) == (2, True)


async def test_a_cohort_that_runs_is_held_let_go_and_ended_by_the_beginning_of_its_id(
    stack: Home, clips: Clips
) -> None:
    clip = str(clips.path("short_with_sound"))
    sent = (await stack.rushes("upload", "--wait", "--metadata", "of=two", clip, clip)).out.split()
    assert len(sent) == 2
    begun = await stack.rushes("reprocess", "--where", "metadata.of=two", "--rate", "0.1")
    cohort_id = begun.out.strip()
    held = await stack.rushes("cohort", "pause", cohort_id[:6])
    assert held.out == f"{cohort_id} begins no more videos until `rushes cohort resume {cohort_id}`.\n"
    assert (await stack.rushes("cohort", "show", cohort_id)).out.startswith("paused (reprocess with ")
    assert (await stack.rushes("cohort", "resume", cohort_id[:6])).out == f"{cohort_id} goes on.\n"
    going = await stack.rushes("cohort", "show", cohort_id)
    assert re.match(r"running \(reprocess with .*\): [01] of 2 begun", going.out), "the second is ten minutes later"
    ended = await stack.rushes("cohort", "cancel", cohort_id)
    assert ended.out == f"{cohort_id} has ended. Videos that it had begun go on.\n"
    for video_id in sent:
        await stack.rushes("delete", "--yes", video_id)


async def test_a_list_is_of_videos_since_and_until(stack: Home, ready_video: str) -> None:
    assert ready_video in (await stack.rushes("list", "--all", "--since", "1h")).out
    assert ready_video not in (await stack.rushes("list", "--all", "--until", "1h")).out
    assert ready_video in (await stack.rushes("list", "--all", "--since", "2026-01-01", "--until", "2126-01-01")).out
    wrong = await stack.rushes("list", "--since", "yesterday")
    assert (wrong.code, "--since is a date such as 2026-03-01" in wrong.err) == (2, True)


async def test_the_list_for_people_has_id_status_and_title(stack: Home, ready_video: str, failed_video: str) -> None:
    lines = (await stack.rushes("list")).out.splitlines()
    assert re.split(r"\s{2,}", lines[0].strip()) == ["ID", "Status", "Uploaded", "Step or reason", "Title"]
    assert any(line.startswith(f"{ready_video}  ready ") and line.rstrip().endswith("Two seconds") for line in lines)
    assert any(line.startswith(f"{failed_video}  error ") and "invalid_media" in line for line in lines)


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


async def test_temporal_and_curl_are_told_of_another_home_by_the_first_lines_of_status(
    stack: Home, ready_video: str
) -> None:
    lines = (await stack.rushes("status")).out.splitlines()[:2]
    api = re.fullmatch(r"Rushes +\S+ at (\S+)", lines[0])
    temporal = re.fullmatch(r"Temporal +\S+ at (\S+), namespace (\S+)", lines[1])
    assert api is not None
    assert temporal is not None
    told = {"TEMPORAL_ADDRESS": temporal[1], "TEMPORAL_NAMESPACE": temporal[2]}
    listing = await asyncio.create_subprocess_exec(
        *(str(RUSHES.with_name("temporal")), "workflow", "list", "--query", f"WorkflowId = 'video-{ready_video}'"),
        env={**stack.environment, **told},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await listing.communicate()
    assert f"video-{ready_video}" in out.decode()
    async with httpx.AsyncClient(trust_env=False) as curl:
        assert (await curl.get(f"{api[1]}/readyz")).json()["status"] == "ready"


async def test_the_web_ui_tells_in_words_how_a_run_stands(stack: Home, ready_video: str, failed_video: str) -> None:
    run = stack.run_file
    assert run is not None
    client = await Client.connect(run.temporal)
    assert await current_details(client.get_workflow_handle(f"video-{ready_video}")) == "**Ready**"
    failed = await current_details(client.get_workflow_handle(f"video-{failed_video}"))
    assert failed.startswith("**Error** `invalid_media`: ")


async def test_replay_of_a_finished_video_is_deterministic(stack: Home, ready_video: str) -> None:
    replayed = await stack.rushes("replay", ready_video)
    assert (replayed.code, replayed.out.split(":")[0]) == (0, "deterministic"), replayed


async def test_replay_reads_the_temporal_cli_s_file(stack: Home, ready_video: str, tmp_path: Path) -> None:
    assert ready_video
    assert (await stack.rushes("replay", str(HISTORIES / "ready_copied.json"))).code == 0
    changed = tmp_path / "changed.json"
    text = (HISTORIES / "ready_copied.json").read_text()
    assert "validate_video" in text
    changed.write_text(text.replace("validate_video", "inspect_video"))
    replayed = await stack.rushes("replay", str(changed))
    assert (replayed.code, replayed.out.split(":")[0]) == (1, "diverges"), replayed
    assert "validate_video" in replayed.err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"events": []}', '{"events": [{"eventId": "x"}]}'])
def test_replay_refuses_a_file_that_is_no_history(tmp_path: Path, text: str) -> None:
    file = tmp_path / "history.json"
    file.write_text(text)
    with pytest.raises(CommandFailed, match=re.escape(str(file))) as refused:
        read_history(file)
    assert refused.value.exit_code == ExitCode.USAGE


async def test_replay_of_a_video_without_a_workflow_says_so(stack: Home) -> None:
    replayed = await stack.rushes("replay", str(uuid4()))
    assert replayed.code == 1
    assert "Temporal has no workflow" in replayed.err


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
