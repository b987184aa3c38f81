"""Signed links: whoever has one may see the published files of one video for a while, without a key."""

import math
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from accounts.signing import Signer

_LINK: Final = "link"


class Links:
    """Makes and checks links.

    Args:
        signer: Of links.
    """

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    async def make(self, video_id: UUID, life: timedelta) -> tuple[str, datetime]:
        """The token of a link to one video, and when it ends."""
        expires_at = await self._signer.now() + life
        return await self._signer.sign(_LINK, [str(video_id), math.ceil(expires_at.timestamp())]), expires_at

    async def opens(self, token: str, video_id: UUID) -> bool:
        """Whether the token is of this video's link, and holds still."""
        said = await self._signer.read(_LINK, token)
        if said is None or said[0] != str(video_id):
            return False
        return bool(said[1] >= (await self._signer.now()).timestamp())
