"""A multipart/form-data body as a stream of events, whatever the pieces that it arrives in.

No I/O: bytes go in, events come out, so the caller decides where the bytes of a part go, and may refuse a part as soon
as its headers are here. The scanning itself is ``python_multipart``'s.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

MAX_PARTS: Final = 32
_MAX_BOUNDARY_LENGTH: Final = 200


class BrokenMultipart(Exception):
    """The body is not what its content type says, or ends too early."""


@dataclass(frozen=True)
class PartBegan:
    """The headers of a part are complete.

    Attributes:
        name: Of the form's field.
        filename: As the client sent it, to be trusted with nothing; None for a field that is no file.
    """

    name: str
    filename: str | None


@dataclass(frozen=True)
class PartData:
    """Bytes of the part that began last, as a view of the piece that brought them."""

    data: memoryview


@dataclass(frozen=True)
class PartEnded:
    """The part that began last is complete."""


Event = PartBegan | PartData | PartEnded


def boundary_of(content_type: str | None) -> bytes | None:
    """The boundary that a ``Content-Type`` gives, or None when it is no multipart/form-data with one."""
    if content_type is None:
        return None
    media_type, _, parameters = content_type.partition(";")
    if media_type.strip().lower() != "multipart/form-data":
        return None
    boundary = dict(_parameters(parameters)).get("boundary", "")
    if not 0 < len(boundary) <= _MAX_BOUNDARY_LENGTH:
        return None
    try:
        return boundary.encode("latin-1")
    except UnicodeEncodeError:
        return None


class MultipartReader:
    """Turns the pieces of one body into events.

    Args:
        boundary: As ``boundary_of`` found it.
    """

    def __init__(self, boundary: bytes) -> None:
        self._events: list[Event] = []
        self._parts = 0
        self._complete = False
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition: str | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_header_begin": self._on_header_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_end": self._on_end,
            },
        )

    def feed(self, piece: bytes) -> list[Event]:
        """Return what ``piece`` brought.

        Raises:
            BrokenMultipart: It does not go on as multipart/form-data does.
        """
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise BrokenMultipart(str(error)) from error
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Say that no more bytes come. Raises ``BrokenMultipart`` unless the closing boundary was there."""
        if not self._complete:
            raise BrokenMultipart("the body ends before its closing boundary")

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise BrokenMultipart(f"the body has more than {MAX_PARTS} parts")
        self._disposition = None

    def _on_header_begin(self) -> None:
        self._header_name.clear()
        self._header_value.clear()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value.decode("utf-8", errors="replace")

    def _on_headers_finished(self) -> None:
        self._events.append(_part_began(self._disposition))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(PartData(memoryview(data)[start:end]))

    def _on_part_end(self) -> None:
        self._events.append(PartEnded())

    def _on_end(self) -> None:
        self._complete = True


def _part_began(disposition: str | None) -> PartBegan:
    kind, _, rest = (disposition or "").partition(";")
    parameters = dict(_parameters(rest))
    if kind.strip().lower() != "form-data" or "name" not in parameters:
        raise BrokenMultipart("a part has no Content-Disposition of a form field")
    filename = _decode_extended(parameters.get("filename*", ""))
    if filename is None and "filename" in parameters:
        filename = parameters["filename"].replace("%22", '"')  # how browsers write a quote, and nothing else, there
    return PartBegan(parameters["name"], filename)


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    """The ``name=value`` pairs of a header, values with or without quotes, a quote inside escaped or not."""
    position = 0
    while position < len(text):
        name, equals, _ = text[position:].partition("=")
        if not equals:
            return
        position += len(name) + 1
        value, position = _value(text, position)
        yield name.strip(" \t;").lower(), value


def _value(text: str, position: int) -> tuple[str, int]:
    while position < len(text) and text[position] in " \t":
        position += 1
    if not text.startswith('"', position):
        end = text.find(";", position)
        end = len(text) if end == -1 else end
        return text[position:end].strip(), end + 1
    characters: list[str] = []
    position += 1
    while position < len(text) and text[position] != '"':
        # Old browsers send whole Windows paths with single backslashes: only a quote or a backslash can be escaped.
        if text[position] == "\\" and text[position + 1 : position + 2] in ('"', "\\"):
            position += 1
        characters.append(text[position])
        position += 1
    end = text.find(";", position)
    return "".join(characters), len(text) if end == -1 else end + 1


def _decode_extended(value: str) -> str | None:
    """The text of an RFC 5987 value such as ``UTF-8''na%C3%AFve.mp4``, or None where it is none."""
    charset, first, rest = value.partition("'")
    _, second, encoded = rest.partition("'")
    if not (first and second) or charset.lower() not in {"utf-8", "iso-8859-1"}:
        return None
    return unquote_to_bytes(encoded).decode(charset, errors="replace")
