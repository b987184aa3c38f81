"""Every command of ``rushes``: its name, what the list of them says of it, and the function that does it.

The function is named and not imported: a command that asks the api is not to wait for the import of what another one
needs, such as the database's tables or Temporal's SDK, and neither is ``--help`` or a shell that completes a word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class CommandEntry:
    """One command.

    Attributes:
        name: As it is typed.
        function: Module of this package, and the function in it, as ``upload.upload``.
        says: The beginning of the function's own docstring.
    """

    name: str
    function: str
    says: str


@dataclass(frozen=True)
class GroupEntry:
    """Commands below a word of their own.

    Attributes:
        name: The word.
        says: What they are about.
        panel: Where in the list of commands it stands.
        commands: The commands.
    """

    name: str
    says: str
    panel: str
    commands: Sequence[CommandEntry]


_VIDEOS: Final = "Videos"
_PARTS: Final = "Parts"
_CALLERS: Final = "Callers"

COMMANDS: Final[Sequence[tuple[str, Sequence[CommandEntry]]]] = (
    (
        "Run the service",
        (
            CommandEntry("up", "serve.up", "Run the whole service until Ctrl-C."),
            CommandEntry("demo", "demo.demo", "Send a video through the whole pipeline and show each step."),
            CommandEntry("status", "status.status", "Show videos, what runs, what waits, the workers."),
            CommandEntry("doctor", "doctor.doctor", "Check ffmpeg, Temporal, database, folders and api."),
        ),
    ),
    (
        _VIDEOS,
        (
            CommandEntry("upload", "upload.upload", "Send videos to the api."),
            CommandEntry("import", "importing.import_from", "Have the service fetch a video."),
            CommandEntry("list", "videos.list_videos", "List videos, newest first."),
            CommandEntry("show", "show.show", "Show a video."),
            CommandEntry("cancel", "videos.cancel", "Cancel an upload or a running video."),
            CommandEntry("retry", "videos.retry", "Process a failed video once more."),
            CommandEntry("reprocess", "reprocessing.reprocess", "Make ready videos anew from their originals."),
            CommandEntry("edit", "editing.edit", "Change a video's title, who may see it, or its metadata."),
            CommandEntry("delete", "videos.delete", "Delete a video and its files."),
            CommandEntry("replay", "replay.replay", "Replay a video's history against this version's workflow."),
        ),
    ),
    (
        _PARTS,
        (
            CommandEntry("migrate", "migrating.migrate", "Bring the database to the tables that this version needs."),
            CommandEntry("sweep", "sweep.sweep", "Remove files that no video is to have."),
            CommandEntry("verify", "verify.verify", "Compare every video with its stored files."),
            CommandEntry("api", "api_process.api", "Serve the api."),
            CommandEntry("worker", "worker_process.worker", "Work for Rushes."),
        ),
    ),
)
"""The commands by the panel of the list that they stand in."""

GROUPS: Final[Sequence[GroupEntry]] = (
    GroupEntry(
        "cohort",
        "Videos that are retried, or made anew, together.",
        _VIDEOS,
        (
            CommandEntry("list", "cohorts.list_cohorts", "List cohorts, newest first."),
            CommandEntry("show", "cohorts.show", "Show how far a cohort is."),
            CommandEntry("pause", "cohorts.pause", "Let a cohort begin no more videos."),
            CommandEntry("resume", "cohorts.resume", "Let a cohort go on."),
            CommandEntry("cancel", "cohorts.cancel", "End a cohort."),
        ),
    ),
    GroupEntry(
        "webhooks",
        "Where events are sent.",
        _VIDEOS,
        (
            CommandEntry("create", "webhooks.create", "Have events sent to a URL."),
            CommandEntry("list", "webhooks.list_webhooks", "List webhooks."),
            CommandEntry("edit", "webhooks.edit", "Change where events are sent, which, or what is said of it."),
            CommandEntry("rotate", "webhooks.rotate", "Sign with a new secret."),
            CommandEntry(
                "deliveries",
                "webhooks.deliveries",
                "List what was sent to a webhook, newest first, and what it answered last.",
            ),
            CommandEntry("resend", "webhooks.resend", "Send a delivery again, under the same `webhook-id`."),
            CommandEntry("enable", "webhooks.enable", "Send events there again, from now on."),
            CommandEntry("disable", "webhooks.disable", "Send nothing there until it is enabled again."),
            CommandEntry("delete", "webhooks.delete", "Send nothing there any more, and forget what was sent."),
            CommandEntry("listen", "listening.listen", "Print what happens, as it happens, until Ctrl-C."),
        ),
    ),
    GroupEntry(
        "keys",
        "Who may come in.",
        _CALLERS,
        (
            CommandEntry("create", "accounts.create_key", "Make a key, and show it this once."),
            CommandEntry("list", "accounts.list_keys", "List the keys that were made."),
            CommandEntry("revoke", "accounts.revoke_key", "End a key at once."),
            CommandEntry("rotate-signing", "accounts.rotate_signing", "Sign links and sessions with a new secret."),
        ),
    ),
    GroupEntry(
        "users",
        "How much each may use.",
        _CALLERS,
        (
            CommandEntry("list", "accounts.list_users", "List the users, what each uses, and what each may."),
            CommandEntry("limit", "accounts.limit_user", "Limit how much a user may use."),
        ),
    ),
    GroupEntry(
        "deploy",
        "Which version of the workers gets new videos.",
        _PARTS,
        (
            CommandEntry("current", "deploy.current", "Let new videos go to the version of RUSHES_BUILD_ID."),
            CommandEntry("drained", "deploy.drained", "Wait until no video is on its way with this version."),
        ),
    ),
    GroupEntry(
        "storage",
        "The place where the files live.",
        _PARTS,
        (
            CommandEntry("check", "storage.check", "Try the place: write, read, read a range."),
            CommandEntry("migrate", "storage.migrate", "Copy originals and published files from one place to another."),
            CommandEntry("adopt", "owning.adopt", "Have the storage belong to the service's database from now on."),
        ),
    ),
    GroupEntry(
        "database",
        "The rows: a dump of them, and the way back.",
        _PARTS,
        (
            CommandEntry("dump", "database.dump", "Write all rows to a file while everything runs."),
            CommandEntry("restore", "database.restore", "Put the rows of a dump in place of all that is there."),
        ),
    ),
)
