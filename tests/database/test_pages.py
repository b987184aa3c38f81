"""Pages give every video once, newest first, at the same cost however deep."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Select, insert, text, update
from sqlmodel import col

from contracts.status import VideoStatus
from database.engine import Database
from database.pages import PageCursor, VideoFilter, page_query
from database.tables import Video
from tests.database.samples import new_video, video_in

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


async def insert_rows(database: Database, count: int, users: int = 2) -> None:
    """Rows of some users in every status; ten share each instant, so that the id has to decide."""
    rows = [
        {
            "id": UUID(int=number),
            "user_id": f"user-{number % users}",
            "title": str(number),
            "status": list(VideoStatus)[number % 4],
            "file_size_bytes": 0,
            "original_filename": "x.mp4",
            "original_key": "originals/x.mp4",
            "attempt": 1,
            "created_at": MIDNIGHT + timedelta(seconds=number // 10),
            "updated_at": MIDNIGHT,
            "upload_expires_at": MIDNIGHT,
        }
        for number in range(count)
    ]
    async with database.transaction() as session:
        await session.execute(insert(Video), rows)


async def collect(database: Database, status: VideoStatus | None, limit: int) -> list[Video]:
    """Every video of ``user-0``, page by page."""
    videos: list[Video] = []
    cursor = None
    while True:
        page = await database.videos.list_page("user-0", limit=limit, after=cursor, wanted=VideoFilter(status=status))
        assert len(page.videos) <= limit
        videos += page.videos
        if page.next_cursor is None:
            return videos
        assert len(page.videos) == limit
        cursor = PageCursor.decode(page.next_cursor.encode())


@pytest.mark.parametrize("limit", [1, 7, 50, 100])
@pytest.mark.parametrize("status", [None, VideoStatus.READY])
async def test_pages_give_every_video_of_the_user_once_and_newest_first(
    database: Database, status: VideoStatus | None, limit: int
) -> None:
    await insert_rows(database, 200)
    videos = await collect(database, status, limit)
    assert len(videos) == (100 if status is None else 50)
    assert {video.user_id for video in videos} == {"user-0"}
    order = [(video.created_at, video.id) for video in videos]
    assert order == sorted(set(order), reverse=True)


async def test_a_list_without_videos_is_one_empty_page(database: Database) -> None:
    page = await database.videos.list_page("local", limit=10, after=None)
    assert (page.videos, page.next_cursor) == ((), None)


async def test_a_video_that_comes_while_pages_are_read_shifts_nothing(database: Database) -> None:
    made = [(await video_in(database.videos, VideoStatus.UPLOADING)).id for _ in range(4)]
    first = await database.videos.list_page("local", limit=2, after=None)
    await database.videos.create_uploading(new_video())
    await database.videos.delete(first.videos[-1].id)
    second = await database.videos.list_page("local", limit=2, after=first.next_cursor)
    assert [video.id for video in (*first.videos, *second.videos)] == made[::-1]
    assert second.next_cursor is None


async def plan_of(database: Database, query: Select[Video] | str) -> dict[str, Any]:
    """PostgreSQL's plan for the query, on fresh statistics."""
    async with database.transaction() as session:
        dialect = (await session.connection()).dialect
        values = {"literal_binds": True}
        literal = query if isinstance(query, str) else query.compile(dialect=dialect, compile_kwargs=values)
        await session.execute(text("ANALYZE videos"))
        answer = await session.scalar(text("EXPLAIN (ANALYZE, FORMAT JSON) " + str(literal).replace(":", r"\:")))
    plan: dict[str, Any] = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    return plan


@pytest.mark.parametrize(
    ("user_id", "status", "index"),
    [
        ("user-0", None, "videos_page"),
        ("user-0", VideoStatus.READY, "videos_page_by_status"),
        (None, None, "videos_page_of_all"),
    ],
)
async def test_a_deep_page_reads_only_its_rows_from_the_index(
    database: Database, user_id: str | None, status: VideoStatus | None, index: str
) -> None:
    await insert_rows(database, 9000, users=45)
    deep = PageCursor(MIDNIGHT + timedelta(seconds=850), UUID(int=8504))
    plan = await plan_of(database, page_query(user_id, limit=20, after=deep, wanted=VideoFilter(status=status)))
    scan = plan["Plans"][0]
    assert plan["Node Type"] == "Limit"
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index)
    assert scan["Scan Direction"] == "Backward"
    assert "created_at" in scan["Index Cond"]
    assert not scan.get("Rows Removed by Filter")  # which leaves out what is being deleted, few at a time
    assert scan["Actual Rows"] == 21


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (VideoFilter(metadata={"order": "4711"}), "videos_metadata"),
        (VideoFilter(error_code="invalid_media"), "videos_page_by_error"),
    ],
)
async def test_a_rare_video_is_found_without_reading_the_others(
    database: Database, wanted: VideoFilter, index: str
) -> None:
    await insert_rows(database, 9000, users=3)
    async with database.transaction() as session:
        await session.execute(text('UPDATE videos SET metadata = \'{"colour": "red"}\' WHERE attempt = 1'))
        ours = {"user_metadata": {"order": "4711"}, "error_code": "invalid_media"}
        await session.execute(update(Video).where(col(Video.id) == UUID(int=4500)).values(ours))
    plan = json.dumps(await plan_of(database, page_query("user-0", limit=20, after=None, wanted=wanted)))
    assert index in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            "SELECT * FROM videos WHERE status = 'processing' "
            "AND (next_look_at IS NULL OR next_look_at <= '2026-01-02') ORDER BY next_look_at NULLS FIRST, id LIMIT 10",
            "videos_processing",
        ),
        (
            "SELECT * FROM videos WHERE status = 'uploading' AND upload_expires_at < '2026-01-02' "
            "ORDER BY upload_expires_at, id LIMIT 10",
            "videos_uploading",
        ),
    ],
)
async def test_the_reconcilers_questions_are_answered_from_small_indexes(
    database: Database, query: str, index: str
) -> None:
    await insert_rows(database, 5000)
    scan = (await plan_of(database, query))["Plans"][0]
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index)


@given(
    st.datetimes(
        min_value=MIDNIGHT.replace(year=2, tzinfo=None),
        max_value=MIDNIGHT.replace(year=9998, tzinfo=None),
        timezones=st.timezones(),
    ),
    st.uuids(),
)
def test_a_cursor_survives_its_text_form(created_at: datetime, video_id: UUID) -> None:
    cursor = PageCursor(created_at, video_id)
    encoded = cursor.encode()
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", encoded)
    decoded = PageCursor.decode(encoded)
    assert decoded.id == cursor.id
    assert decoded.created_at.astimezone(UTC) == cursor.created_at.astimezone(UTC)


@given(st.text(max_size=60) | st.binary(min_size=24, max_size=24).map(lambda packed: packed.hex()))
def test_a_text_that_is_no_cursor_is_a_value_error(malformed: str) -> None:
    try:
        cursor = PageCursor.decode(malformed)
    except ValueError:
        return
    assert cursor.encode() == malformed


@pytest.mark.parametrize("malformed", ["", "x", "A" * 31, "A" * 33, "f" + "_" * 31, "A" * 31 + "=", "é" * 32, " " * 32])
def test_a_malformed_cursor_is_a_value_error(malformed: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        PageCursor.decode(malformed)
