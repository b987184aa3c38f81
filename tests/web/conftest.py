"""One stack with keys for all that happens in the browser."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser

from accounts.keys import KeyText
from database.engine import Database
from tests.fixtures.stack import Home, make_home, running
from tests.web.files import Named
from tests.web.visitor import Visitor, visiting


@dataclass(frozen=True)
class Site:
    """The service as visitors find it, with two users.

    Attributes:
        home: Its home.
        address: Of the page.
        ann: Her key.
        bob: His.
    """

    home: Home
    address: str
    ann: str
    bob: str

    def as_user(self, key: str) -> httpx.AsyncClient:
        """The api, asked by the holder of a key."""
        return httpx.AsyncClient(base_url=self.address, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    async def titles(self, part: str) -> list[str]:
        """Of Ann's videos that have this in their title, by the alphabet."""
        async with self.as_user(self.ann) as api:
            found = (await api.get("/api/v1/videos", params={"title": part})).json()["items"]
        return sorted(video["title"] for video in found)

    async def begins(self, key: str, *titles: str) -> None:
        """Uploads of which no byte comes, one after another: the cheapest cards that there are."""
        async with self.as_user(key) as api:
            for title in titles:
                name = b64encode(f"{title}.mp4".encode()).decode()
                headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "1", "Upload-Metadata": f"filename {name}"}
                assert (await api.post("/api/v1/uploads", headers=headers)).status_code == 201

    async def new_key(self, user: str, *, is_admin: bool = False) -> str:
        """One more key of a user."""
        assert self.home.run_file is not None
        key, database = KeyText.new(), Database(self.home.run_file.database, 1)
        await database.accounts.add_key(key.row(user, is_admin=is_admin))
        await database.dispose()
        return key.write()


@pytest.fixture(scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The stack that the tests of the page share."""
    home = make_home(tmp_path_factory.mktemp("site")).with_settings(
        RUSHES_UPLOAD_LEASE_SECONDS="1", RUSHES_WORKER_GRACE_SECONDS="1", RUSHES_RECONCILE_INTERVAL_SECONDS="2"
    )
    async with running(home) as run:
        unsigned = Site(home, run.api, "", "")
        yield Site(home, run.api, await unsigned.new_key("ann"), await unsigned.new_key("bob"))


@pytest.fixture
async def ann(browser: Browser, site: Site) -> AsyncIterator[Visitor]:
    """Ann, signed in, before the library."""
    async with visiting(browser, site.address, site.ann) as visitor:
        await visitor.opens()
        yield visitor


@pytest.fixture
def named(tmp_path: Path) -> Named:
    """Gives files names of the test's own, as videos of all tests stand in one library."""
    return Named(tmp_path)
