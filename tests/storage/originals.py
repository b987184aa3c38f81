"""Originals, as an upload leaves them."""

from storage.protocol import Storage


async def put_original(storage: Storage, key: str, *, whole: bool = True) -> None:
    """An original, or what is left of one that was being sent."""
    writer = await storage.create_original(key)
    await writer.write(b"x" * 100)
    if whole:
        await writer.commit()
    else:
        await writer.keep()
    await writer.close()
