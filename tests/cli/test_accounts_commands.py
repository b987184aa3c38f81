"""``rushes keys`` and ``users``: made, shown once, listed, ended."""

import json
import re

from tests.fixtures.commands import Finished
from tests.fixtures.stack import Home


def audited(command: Finished) -> list[tuple[str, ...]]:
    """What and about whom a command says to whoever audits; beside a stack that stands in its ``logs/audit.log``."""
    lines = [json.loads(line) for line in command.err.splitlines() if line.startswith("{")]
    assert all(line["logger"] == "audit" for line in lines)
    return [(line["event"], *(str(line[name]) for name in ("key_id", "user_id") if name in line)) for line in lines]


async def test_keys_are_made_shown_once_listed_and_ended(home: Home, database_url: str) -> None:
    here = home.with_settings(DATABASE_URL=database_url)
    create = await here.rushes("keys", "create", "--user", "ann", "--expires", "30d", "--json")
    made = json.loads(create.out)
    assert re.fullmatch(r"rushes_[0-9a-f]{12}_[\w-]{43}", made["key"])
    listed = (await here.rushes("keys", "list")).out
    assert re.search(rf"{made['id']} +ann .*holds until", listed)
    assert made["key"] not in listed
    limited = await here.rushes("users", "limit", "ann", "--bytes", "1000", "--uploads", "3")
    assert (limited.code, audited(limited)) == (0, [("user limited", "ann")]), limited
    assert re.search(r"ann +0 of 3 +0 bytes of 1000 bytes ", (await here.rushes("users", "list")).out)
    revoke = await here.rushes("keys", "revoke", made["id"])
    assert "holds no longer" in revoke.out
    assert re.search(rf"{made['id']} +ann .*revoked", (await here.rushes("keys", "list")).out)
    assert (await here.rushes("keys", "revoke", "000000000000")).code == 2
    gently = await here.rushes("keys", "rotate-signing")
    assert "Those of before hold until they end by themselves, in 7 days at the latest; --now ends them" in gently.out
    rotate = await here.rushes("keys", "rotate-signing", "--now")
    assert (rotate.code, "Those of before hold no more" in rotate.out) == (0, True)
    about = (made["id"], "ann")
    told = [line for command in (create, revoke, rotate) for line in audited(command)]
    assert told == [("key made", *about), ("key revoked", *about), ("signing secret changed",)]
    assert made["key"].rpartition("_")[2] not in create.err


async def test_an_api_for_others_does_not_start_before_there_is_a_key(home: Home, database_url: str) -> None:
    refused = await home.with_settings(DATABASE_URL=database_url, RUSHES_HOST="0.0.0.0").rushes("api")
    assert refused.code == 2
    assert "rushes keys create --user NAME" in refused.err


async def test_what_a_first_key_changes_and_a_name_that_is_new_are_told(home: Home, database_url: str) -> None:
    here = home.with_settings(DATABASE_URL=database_url)
    first, second = [await here.rushes("keys", "create", "--user", name) for name in ("ann", "bob")]
    assert "It is the first key" in first.err
    assert "this key does not see them; one that is made with --admin does." in " ".join(first.err.split())
    assert "It is the first key" not in second.err
    known, new = [await here.rushes("users", "limit", name, "--uploads", "3") for name in ("bob", "bbo")]
    assert known.out == "1 limit of bob was set.\n"
    assert ["There was no user bbo; now there is." in command.err for command in (known, new)] == [False, True]
