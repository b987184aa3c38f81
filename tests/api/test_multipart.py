"""Reading multipart bodies: the same events, however the network cuts them."""

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.multipart import BrokenMultipart, MultipartReader, PartBegan, PartData, PartEnded, boundary_of
from tests.api.forms import BOUNDARY, field_part, file_part, form, part

# Content made of what a scanner may stumble over: line ends, dashes, pieces of the boundary.
tricky = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"-", b"--", b"\r\n", b"\r\n--", BOUNDARY.encode(), BOUNDARY[:5].encode(), b"x", b"\0"]
    ),
    max_size=12,
).map(b"".join)
contents = st.one_of(st.binary(max_size=60), tricky).filter(
    lambda content: f"\r\n--{BOUNDARY}".encode() not in b"\r\n" + content
)


def read(pieces: list[bytes]) -> list[tuple[str, str | None, bytes]]:
    """Name, file name and content of every part."""
    reader = MultipartReader(BOUNDARY.encode())
    parts: list[tuple[str, str | None, bytes]] = []
    begun: PartBegan | None = None
    content = bytearray()
    for piece in pieces:
        for event in reader.feed(piece):
            match event:
                case PartBegan():
                    begun, content = event, bytearray()
                case PartData(data=data):
                    content += data
                case PartEnded():
                    assert begun is not None
                    parts.append((begun.name, begun.filename, bytes(content)))
    reader.close()
    return parts


def began(*headers: str) -> PartBegan:
    reader = MultipartReader(BOUNDARY.encode())
    event = reader.feed(part(b"x", *headers))[0]
    assert isinstance(event, PartBegan)
    return event


@given(file=contents, title=contents, cuts=st.lists(st.integers(min_value=0, max_value=600), max_size=8))
def test_any_cutting_of_a_body_gives_the_same_parts(file: bytes, title: bytes, cuts: list[int]) -> None:
    body = form(field_part("title", title), file_part(file))
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces = [body[start:end] for start, end in itertools.pairwise(edges)]
    assert read(pieces) == [("title", None, title), ("file", "clip.mp4", file)]


@given(file=contents)
def test_a_body_that_arrives_byte_by_byte_is_read(file: bytes) -> None:
    body = form(file_part(file))
    assert read([body[position : position + 1] for position in range(len(body))]) == [("file", "clip.mp4", file)]


@given(body=st.binary(max_size=300))
def test_bytes_that_are_no_multipart_are_either_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(BrokenMultipart):
        read([f"--{BOUNDARY}\r\n".encode() + body])


@given(length=st.integers(min_value=0, max_value=150))
def test_a_body_that_ends_early_is_broken(length: int) -> None:
    body = form(file_part(b"content"))
    closing = body.index(f"--{BOUNDARY}--".encode()) + len(f"--{BOUNDARY}--")
    with pytest.raises(BrokenMultipart):
        read([body[: min(length, closing - 1)]])


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ('form-data; name="file"; filename="a.mp4"', "a.mp4"),
        ("form-data; name=file; filename=a.mp4", "a.mp4"),
        ('FORM-DATA; NAME="file"; FILENAME="a.mp4"', "a.mp4"),
        ('form-data; name="file"; filename="naïve 影.mp4"', "naïve 影.mp4"),
        ('form-data; filename="a;b=c.mp4"; name="file"', "a;b=c.mp4"),
        (r'form-data; name="file"; filename="say \"hi\".mp4"', 'say "hi".mp4'),
        ('form-data; name="file"; filename="say %22hi%22.mp4"', 'say "hi".mp4'),
        (r'form-data; name="file"; filename="C:\clips\a.mp4"', r"C:\clips\a.mp4"),
        ("form-data; name=\"file\"; filename*=UTF-8''na%C3%AFve.mp4", "naïve.mp4"),
        ('form-data; name="file"; filename="fallback.mp4"; filename*=utf-8\'en\'na%C3%AFve.mp4', "naïve.mp4"),
        ('form-data; name="file"; filename="a.mp4"; filename*=koi8-r\'\'%F0.mp4', "a.mp4"),
        ('form-data; name="file"; filename=""', ""),
        ('form-data; name="file"', None),
    ],
)
def test_a_file_name_is_read_however_it_is_written(disposition: str, filename: str | None) -> None:
    assert began(f"Content-Disposition: {disposition}") == PartBegan("file", filename)


@pytest.mark.parametrize(
    "header",
    ["Content-Type: video/mp4", 'Content-Disposition: attachment; name="file"', "Content-Disposition: form-data"],
)
def test_a_part_that_is_no_form_field_is_broken(header: str) -> None:
    with pytest.raises(BrokenMultipart, match="Content-Disposition"):
        began(header)


def test_a_body_of_very_many_parts_is_broken() -> None:
    with pytest.raises(BrokenMultipart, match="parts"):
        read([form(*(field_part(f"field{number}", b"x") for number in range(100)))])


def test_a_part_with_an_endless_header_is_broken() -> None:
    with pytest.raises(BrokenMultipart):
        began("X-Endless: " + "x" * 10_000)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b;c"', b"a b;c"),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=" + "x" * 300, None),
        ("multipart/mixed; boundary=abc", None),
        ("application/json", None),
        ("", None),
        (None, None),
    ],
)
def test_only_a_form_with_a_boundary_has_one(content_type: str | None, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary
