"""Multipart bodies, byte by byte, for what ordinary clients never send."""

from collections.abc import AsyncIterator, Awaitable, Callable

BOUNDARY = "an-unlikely-line"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(content: bytes, *headers: str) -> bytes:
    """One part, headers as given."""
    return b"\r\n".join([f"--{BOUNDARY}".encode(), *(header.encode() for header in headers), b"", content, b""])


def file_part(content: bytes, filename: str = "clip.mp4", name: str = "file") -> bytes:
    """A part with a file."""
    return part(
        content, f'Content-Disposition: form-data; name="{name}"; filename="{filename}"', "Content-Type: video/mp4"
    )


def field_part(name: str, value: bytes) -> bytes:
    """A part without a file."""
    return part(value, f'Content-Disposition: form-data; name="{name}"')


def form(*parts: bytes) -> bytes:
    """The whole body."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def in_pieces(
    body: bytes, size: int, between: Callable[[int], Awaitable[object]] | None = None
) -> AsyncIterator[bytes]:
    """The body in pieces of ``size`` bytes; ``between`` runs before each, with how many bytes went before it."""
    for start in range(0, len(body), size):
        if between is not None:
            await between(start)
        yield body[start : start + size]
