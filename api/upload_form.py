"""The upload form as it arrives: a ``file``, perhaps texts beside it, and fields that are none of ours."""

from collections.abc import AsyncIterator
from typing import Final, Protocol

from starlette.requests import ClientDisconnect

from api.multipart import BrokenMultipart, MultipartReader, PartBegan, PartData, PartEnded
from api.problems import Code, Problem, ProblemCode
from contracts.errors import ErrorCode
from contracts.metadata import metadata_from_json
from contracts.refusals import RefusalCode
from ingest.labels import checked_title, safe_filename
from ingest.rules import UploadLimits
from ingest.uploads import Said, SenderGone

FILE_FIELD: Final = "file"
TITLE_FIELD: Final = "title"
PROFILE_FIELD: Final = "profile"
METADATA_FIELD: Final = "metadata"
_FORM_ALLOWANCE_BYTES: Final = 64 * 1024
"""How much of a body may be form instead of file: boundaries, headers, the other fields."""

_MAX_TEXT_BYTES: Final = 16 * 1024
_TEXT_FIELDS: Final[dict[str, Code]] = {
    TITLE_FIELD: RefusalCode.INVALID_TITLE,
    PROFILE_FIELD: ErrorCode.UNKNOWN_PROFILE,
    METADATA_FIELD: RefusalCode.INVALID_METADATA,
}
"""The fields that are read beside the file, and what one that can't be used is refused as."""


class FileSink(Protocol):
    """Where the bytes of the form's file go."""

    async def begin(self, filename: str) -> None:
        """The file's headers are here, its bytes follow; ``filename`` is a label without folders."""

    async def write(self, piece: memoryview) -> None:
        """The next bytes."""


def most_body_bytes(limits: UploadLimits) -> int:
    """How long the whole body may be."""
    return limits.max_bytes + _FORM_ALLOWANCE_BYTES


class UploadFormReader:
    """Reads one form.

    Args:
        boundary: Of the multipart body.
        sink: Gets the file.
        limits: What an upload may be.
    """

    def __init__(self, boundary: bytes, sink: FileSink, limits: UploadLimits) -> None:
        self._reader = MultipartReader(boundary)
        self._sink = sink
        self._bytes_left = most_body_bytes(limits)
        self._part: str | None = None
        self._has_file = False
        self._limits = limits
        self._texts: dict[str, bytearray] = {}
        self._title: str | None = None
        self._profile: str | None = None
        self._metadata: dict[str, str] = {}

    async def read(self, pieces: AsyncIterator[bytes]) -> Said:
        """Read the form to its end.

        Raises:
            Refused: It is broken, too long, or not what an upload has to be.
            SenderGone: The client went away.
        """
        try:
            async for piece in pieces:
                self._bytes_left -= len(piece)
                if self._bytes_left < 0:
                    raise Problem(RefusalCode.TOO_LARGE, "The upload has more bytes than a file may have.")
                for event in self._reader.feed(piece):
                    await self._take(event)
            self._reader.close()
        except ClientDisconnect as error:
            raise SenderGone from error
        except BrokenMultipart as error:
            raise Problem(ProblemCode.BROKEN_MULTIPART, f"The multipart body can't be read: {error}.") from error
        if not self._has_file:
            raise Problem(ProblemCode.FILE_MISSING, f"Send the video as the form field {FILE_FIELD!r}.")
        return Said(self._title, self._profile, self._metadata)

    async def _take(self, event: PartBegan | PartData | PartEnded) -> None:
        match event:
            case PartBegan(name=name, filename=filename):
                self._part = name
                await self._begin_part(name, filename)
            case PartData(data=data) if self._part == FILE_FIELD:
                await self._sink.write(data)
            case PartData(data=data) if self._part in _TEXT_FIELDS:
                self._texts[self._part] += data
                if len(self._texts[self._part]) > _MAX_TEXT_BYTES:
                    raise Problem(_TEXT_FIELDS[self._part], f"The field {self._part!r} is too long.")
            case PartEnded():
                self._end_part()
                self._part = None
            case _:
                pass  # a field of another name

    async def _begin_part(self, name: str, filename: str | None) -> None:
        if name in _TEXT_FIELDS:
            if name in self._texts:
                raise Problem(_TEXT_FIELDS[name], f"The field {name!r} was sent twice.")
            self._texts[name] = bytearray()
        if name == FILE_FIELD:
            if self._has_file:
                raise Problem(ProblemCode.SEVERAL_FILES, "Upload one file at a time.")
            label = safe_filename(filename or "")
            if label is None:
                raise Problem(ProblemCode.FILE_MISSING, f"The form field {FILE_FIELD!r} has no file name.")
            self._has_file = True
            await self._sink.begin(label)

    def _end_part(self) -> None:
        """Judge a text field as soon as it is here: before the file, where it comes first."""
        if self._part == TITLE_FIELD:
            self._title = checked_title(_text(TITLE_FIELD, self._texts[TITLE_FIELD]))
        elif self._part == PROFILE_FIELD:
            self._profile = self._limits.checked_profile(_text(PROFILE_FIELD, self._texts[PROFILE_FIELD]))
        elif self._part == METADATA_FIELD:
            self._metadata = metadata_from_json(_text(METADATA_FIELD, self._texts[METADATA_FIELD]))


def _text(field: str, sent: bytearray) -> str:
    try:
        return sent.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(_TEXT_FIELDS[field], f"The field {field!r} is not UTF-8 text.") from None
