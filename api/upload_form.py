"""The upload form as it arrives: a ``file``, perhaps a ``title``, and fields that are none of our business."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Protocol

from api.filenames import MAX_TITLE_LENGTH, safe_filename
from api.multipart import BrokenMultipart, MultipartReader, PartBegan, PartData, PartEnded
from api.problems import Problem, ProblemCode

FILE_FIELD: Final = "file"
TITLE_FIELD: Final = "title"
FORM_ALLOWANCE_BYTES: Final = 64 * 1024
"""How much of a body may be form instead of file: boundaries, headers, the other fields."""

_MAX_TITLE_BYTES: Final = 4096


class FileSink(Protocol):
    """Where the bytes of the form's file go."""

    async def begin(self, filename: str) -> None:
        """The file's headers are here, its bytes follow; ``filename`` is a label without folders."""

    async def write(self, piece: memoryview) -> None:
        """The next bytes."""


@dataclass(frozen=True)
class UploadForm:
    """What a complete form says beside the file's bytes.

    Attributes:
        title: What the client calls the video, or None when it does not say.
    """

    title: str | None


class UploadFormReader:
    """Reads one form.

    Args:
        boundary: Of the multipart body.
        sink: Gets the file.
        max_body_bytes: Most bytes that the whole body may have.
    """

    def __init__(self, boundary: bytes, sink: FileSink, max_body_bytes: int) -> None:
        self._reader = MultipartReader(boundary)
        self._sink = sink
        self._bytes_left = max_body_bytes
        self._part: str | None = None
        self._has_file = False
        self._title: bytearray | None = None

    async def read(self, pieces: AsyncIterator[bytes]) -> UploadForm:
        """Read the form to its end.

        Raises:
            Problem: It is broken, too long, or not what an upload has to be.
        """
        try:
            async for piece in pieces:
                self._bytes_left -= len(piece)
                if self._bytes_left < 0:
                    raise Problem(ProblemCode.TOO_LARGE, "The upload has more bytes than a file may have.")
                for event in self._reader.feed(piece):
                    await self._take(event)
            self._reader.close()
        except BrokenMultipart as error:
            raise Problem(ProblemCode.BROKEN_MULTIPART, f"The multipart body can't be read: {error}.") from error
        if not self._has_file:
            raise Problem(ProblemCode.FILE_MISSING, f"Send the video as the form field {FILE_FIELD!r}.")
        return UploadForm(title=_title(self._title))

    async def _take(self, event: PartBegan | PartData | PartEnded) -> None:
        match event:
            case PartBegan(name=name, filename=filename):
                self._part = name
                await self._begin_part(name, filename)
            case PartData(data=data) if self._part == FILE_FIELD:
                await self._sink.write(data)
            case PartData(data=data) if self._part == TITLE_FIELD and self._title is not None:
                self._title += data
                if len(self._title) > _MAX_TITLE_BYTES:
                    raise _title_too_long()
            case PartEnded():
                self._part = None
            case _:
                pass  # a field of another name

    async def _begin_part(self, name: str, filename: str | None) -> None:
        if name == TITLE_FIELD:
            if self._title is not None:
                raise Problem(ProblemCode.INVALID_TITLE, "The title was sent twice.")
            self._title = bytearray()
        if name == FILE_FIELD:
            if self._has_file:
                raise Problem(ProblemCode.SEVERAL_FILES, "Upload one file at a time.")
            label = safe_filename(filename or "")
            if label is None:
                raise Problem(ProblemCode.FILE_MISSING, f"The form field {FILE_FIELD!r} has no file name.")
            self._has_file = True
            await self._sink.begin(label)


def _title(sent: bytearray | None) -> str | None:
    if sent is None:
        return None
    try:
        title = sent.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Problem(ProblemCode.INVALID_TITLE, "The title is not UTF-8 text.") from None
    if len(title) > MAX_TITLE_LENGTH:
        raise _title_too_long()
    if not title.isprintable():
        raise Problem(ProblemCode.INVALID_TITLE, "The title has control characters.")
    return title or None


def _title_too_long() -> Problem:
    return Problem(ProblemCode.INVALID_TITLE, f"The title has more than {MAX_TITLE_LENGTH} characters.")
