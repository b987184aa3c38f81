"""Where the files of an api under test are."""

from typing import Final

import pytest

DISK: Final = "disk"
BUCKET: Final = "bucket"

in_each_place: Final = pytest.mark.parametrize("storage", [DISK, BUCKET], indirect=True)
"""A test of the api that is one of storage, too: it runs twice."""
