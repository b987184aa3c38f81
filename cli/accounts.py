"""``rushes keys`` and ``rushes users``: who may come in, and how much each may use. They speak with the database."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from accounts.keys import KeyText
from accounts.signing import LONGEST_LINK, new_signing_secret
from cli.audit import audit
from cli.console import messages, output, plain_table, print_table
from cli.errors import CommandFailed, ExitCode
from cli.where import find_service
from contracts.errors import DatabaseUnavailable
from contracts.sizes import size_text
from database.accounts import Accounts
from database.engine import Database
from database.tables import ApiKey
from settings import Settings

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,199}")
_LIFE: Final = re.compile(r"(\d{1,5})([hdw])")
_FIRST_OF_AN_ADMIN: Final = (
    "It is the first key: from now on nobody comes in without one. It sees everybody's videos, also those of before, "
    "which are of the user `local`."
)
_FIRST_OF_A_USER: Final = (
    "It is the first key: from now on nobody comes in without one. The videos of before are of the user `local`, and "
    "this key does not see them; one that is made with --admin does."
)
_HOURS: Final = {"h": 1, "d": 24, "w": 168}


def create_key(
    user: Annotated[str, typer.Option(help="Whose it is; the user is made where there is none of that name.")],
    admin: Annotated[bool, typer.Option("--admin", help="Sees and changes everybody's videos.")] = False,
    expires: Annotated[
        str | None, typer.Option(help="How long it holds: 12h, 30d, 52w. Default: until revoked.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help='As {"key": …}.')] = False,
) -> None:
    """Make a key, and show it this once: only its hash is kept. From the first one on nobody comes in without."""
    name = _name(user)
    key = KeyText.new()
    life = _life(expires)
    settings = find_service().settings

    async def add() -> tuple[bool, datetime | None]:
        async with _accounts(settings) as accounts:
            is_first = not await accounts.have_keys()
            expires_at = await accounts.add_key(key.row(name, is_admin=admin), life)
            audit(settings.home, "key made", key_id=key.id, user_id=name, is_admin=admin)
            return is_first, expires_at

    is_first, expires_at = asyncio.run(add())
    if as_json:
        output().print(json.dumps({"key": key.write(), "id": key.id, "user": name, "admin": admin}), soft_wrap=True)
        return
    output().print(key.write(), soft_wrap=True)
    until = f"until {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at is not None else "until it is revoked"
    messages().print(f"This key of {name} holds {until}. It is not shown again: keep it, as RUSHES_API_KEY for rushes.")
    if is_first:
        messages().print(_FIRST_OF_AN_ADMIN if admin else _FIRST_OF_A_USER)


def list_keys() -> None:
    """List the keys that were made. None is shown whole; nobody has them but their holders."""
    settings = find_service().settings

    async def read() -> list[tuple[ApiKey, bool]]:
        async with _accounts(settings) as accounts:
            return await accounts.keys()

    table = plain_table("ID", "User", "Admin", "Made", "State")
    for key, has_expired in asyncio.run(read()):
        state = _state(key, has_expired=has_expired)
        table.add_row(key.id, key.user_name, "yes" if key.is_admin else "", f"{key.created_at:%Y-%m-%d}", state)
    print_table(table)


def revoke_key(key_id: Annotated[str, typer.Argument(metavar="ID", help="As `rushes keys list` shows it.")]) -> None:
    """End a key at once, and the sessions that were begun with it."""
    settings = find_service().settings

    async def revoke() -> ApiKey | None:
        async with _accounts(settings) as accounts:
            key = await accounts.revoke_key(key_id)
            if key is not None:
                audit(settings.home, "key revoked", key_id=key.id, user_id=key.user_name)
            return key

    key = asyncio.run(revoke())
    if key is None:
        raise CommandFailed(f"There is no key {key_id}. `rushes keys list` shows what there is.", ExitCode.USAGE)
    output().print(f"The key {key.id} of {key.user_name} holds no longer.")


def rotate_signing(
    now: Annotated[bool, typer.Option("--now", help="End at once what was signed before.")] = False,
) -> None:
    """Sign links and sessions with a new secret; what was signed before holds until it expires by itself."""
    settings = find_service().settings

    async def rotate() -> None:
        async with _accounts(settings) as accounts:
            await accounts.rotate_signing(new_signing_secret(), timedelta() if now else LONGEST_LINK)
            audit(settings.home, "signing secret changed", ends_what_was_signed=now)

    asyncio.run(rotate())
    of_before = (
        "Those of before hold no more."
        if now
        else f"Those of before hold until they end by themselves, in {LONGEST_LINK.days} days at the latest; "
        "--now ends them."
    )
    output().print(f"Links and sessions are signed with a new secret within seconds. {of_before}", soft_wrap=True)


def list_users() -> None:
    """List the users, what each uses, and what each may."""
    settings = find_service().settings

    async def read() -> list[tuple[str, ...]]:
        async with _accounts(settings) as accounts:
            return [
                (
                    user.name,
                    _of(usage.uploads_in_flight, user.max_uploads_in_flight),
                    _of(usage.stored_bytes, user.max_stored_bytes, size_text),
                    _of(usage.minutes_today, user.max_minutes_a_day),
                    str(user.max_requests_a_second or ""),
                )
                for user, usage in await accounts.users()
            ]

    table = plain_table("User", "Uploads in flight", "Stored", "Minutes today", "Requests a second")
    for row in asyncio.run(read()):
        table.add_row(*row)
    print_table(table)


def limit_user(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    uploads: Annotated[int | None, typer.Option(min=0, help="Uploads in flight; 0 leaves it open.")] = None,
    stored_bytes: Annotated[int | None, typer.Option("--bytes", min=0, help="Bytes stored; 0 leaves it open.")] = None,
    minutes: Annotated[int | None, typer.Option(min=0, help="Minutes of video a day; 0 leaves it open.")] = None,
    requests: Annotated[int | None, typer.Option(min=0, help="Requests a second; 0 leaves it open.")] = None,
) -> None:
    """Limit how much a user may use. What is not named stays as it is."""
    said = {
        "max_uploads_in_flight": uploads,
        "max_stored_bytes": stored_bytes,
        "max_minutes_a_day": minutes,
        "max_requests_a_second": requests,
    }
    limits = {limit: value or None for limit, value in said.items() if value is not None}
    user = _name(name)

    settings = find_service().settings

    async def set_limits() -> bool:
        async with _accounts(settings) as accounts:
            was_made = await accounts.set_limits(user, limits)
            audit(settings.home, "user limited", user_id=user, **limits)
            return was_made

    was_made = asyncio.run(set_limits())
    output().print(f"1 limit of {user} was set." if len(limits) == 1 else f"{len(limits)} limits of {user} were set.")
    if was_made:
        messages().print(
            f"There was no user {user}; now there is. If that name is misspelt, nobody is limited by this: `rushes "
            "users list` shows the names."
        )


@asynccontextmanager
async def _accounts(settings: Settings) -> AsyncIterator[Accounts]:
    database = Database(settings.required_database_url, pool_size=1)
    try:
        yield database.accounts
    except DatabaseUnavailable as error:
        raise CommandFailed(str(error), ExitCode.UNAVAILABLE) from error
    finally:
        await database.dispose()


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise CommandFailed("A user's name has letters, digits and . _ @ - and begins with the first.", ExitCode.USAGE)
    return name


def _life(expires: str | None) -> timedelta | None:
    if expires is None:
        return None
    matched = _LIFE.fullmatch(expires)
    if matched is None or int(matched[1]) == 0:
        raise CommandFailed("--expires reads 12h, 30d or 52w.", ExitCode.USAGE)
    return timedelta(hours=int(matched[1]) * _HOURS[matched[2]])


def _state(key: ApiKey, *, has_expired: bool) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "holds"
    return f"{'expired' if has_expired else 'holds until'} {key.expires_at:%Y-%m-%d %H:%M}"


def _of(used: int, limit: int | None, text: Callable[[int], str] = str) -> str:
    return f"{text(used)} of {text(limit)}" if limit is not None else text(used)
