"""Users with keys, for tests of who may do what."""

from datetime import timedelta

import httpx

from accounts.keys import KeyText
from database.engine import Database


async def key_of(database: Database, user: str, *, is_admin: bool = False, hours: float | None = None) -> KeyText:
    """A key that was just made."""
    key = KeyText.new()
    life = timedelta(hours=hours) if hours is not None else None
    await database.accounts.add_key(key.row(user, is_admin=is_admin), life)
    return key


def bearer(key: KeyText) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {key.write()}"}


async def upload_as(client: httpx.AsyncClient, key: KeyText) -> httpx.Response:
    """Upload a small file by the form."""
    return await client.post(
        "/api/v1/videos/upload", headers=bearer(key), files={"file": ("clip.mp4", b"content", "video/mp4")}
    )
