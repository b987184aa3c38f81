"""Which place this is: two processes have the same one if, and only if, they see the same files.

It is known by a small file in it, which whoever comes first makes (``storage.marking``).
"""

import hashlib
from typing import Final

from storage.protocol import Storage

_DIGITS: Final = 8


async def storage_identity(storage: Storage) -> str:
    """Eight hexadecimal digits that stand for the place, which is marked where nobody has done so.

    Raises:
        StorageFailed: It can't be marked.
    """
    return hashlib.sha256((await storage.mark()).encode()).hexdigest()[:_DIGITS]
