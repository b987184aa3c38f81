"""What goes wrong for a client: one class of error, told apart by its code."""

from typing import Final

UNREACHABLE: Final = "unreachable"
"""Nothing answers where the api should be."""

CONNECTION_LOST: Final = "connection_lost"
"""There was a connection, and it broke, or no answer came in time. What was asked may have been done."""

FOREIGN_ANSWER: Final = "foreign_answer"
"""Whatever answers there is no api of Rushes."""

FILE_CHANGED: Final = "file_changed"
"""The file that is uploaded was cut or written to meanwhile, so that its upload would have been of no file at all."""

_SERVER_ERROR: Final = 500

BEGUN_ANEW: Final = "begun_anew"
"""What an earlier attempt had begun is there no more, so that the upload begins once more; told, never raised."""


class RushesError(Exception):
    """The api refused what was asked, or could not be asked.

    Attributes:
        code: A stable name: the api's own, or one of this module's where there was no answer of the api's;
            ``http_502`` and the like where something in between answered.
        status: The HTTP status, or None where there was no answer.
        detail: A sentence for people.
        retry_after: Seconds after which the api wants to be asked again, where it said so.
    """

    def __init__(self, code: str, detail: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        """Take what is known."""
        super().__init__(f"{detail} ({code})")
        self.code = code
        self.status = status
        self.detail = detail
        self.retry_after = retry_after

    @property
    def is_unanswered(self) -> bool:
        """Whether no answer came, so that nothing is known of what became of the request."""
        return self.code in {UNREACHABLE, CONNECTION_LOST}

    @property
    def is_passing(self) -> bool:
        """Whether the service says that it can't answer now (5xx), so that asking again may help."""
        return self.status is not None and self.status >= _SERVER_ERROR
