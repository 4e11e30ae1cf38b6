"""`user`: the operator's verbs on accounts."""

import sys
from collections.abc import Awaitable, Callable

import click
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.adapters.hasher import Hasher
from microblog.cli.operating import plainly, run
from microblog.database import Database
from microblog.domain import accounts, users
from microblog.letterpress import site
from microblog.models import User
from microblog.resources import kept_secret
from microblog.settings import load_or_exit

# How short a password may be is a rule for people; an operator knows what they do.
_SHORTEST = 1

Verb = Callable[[AsyncSession, User], Awaitable[None]]


@click.group()
def user() -> None:
    """Look after accounts."""


@user.command()
@click.argument("name", required=False)
@click.argument("email", required=False)
@click.option("--password", help="Asked for on standard input if it is not given.")
def create(name: str | None, email: str | None, password: str | None) -> None:
    """Open the account NAME with the address EMAIL."""
    settings = load_or_exit()
    name = name or _asked("Username")
    email = _address(email or _asked("Email"))
    with plainly():
        users.check_registration(name, email)
        password = password or _new_password()
        users.check_password(password, username=name, minimum=_SHORTEST)

    async def work(database: Database) -> None:
        password_hash = await _hashed(password)
        async with database.begin() as session:
            await users.register(session, name, email, password_hash)

    run(settings, work)
    click.echo(f"{name} has an account.")


@user.command("list")
def list_() -> None:
    """Show every account."""

    async def work(database: Database) -> list[users.Entry]:
        async with database.reading() as session:
            return await users.roster(session)

    entries = run(load_or_exit(), work)
    width = max((len(entry.username) for entry in entries), default=0)
    for entry in entries:
        click.echo(_row(entry, width))
    if not entries:
        click.echo("Nobody has an account yet.")


@user.command()
def invite() -> None:
    """Print a link with which one person can open an account, once."""
    settings = load_or_exit()
    with plainly():
        settings.server.instance.mkdir(parents=True, exist_ok=True)
        key = settings.server.secret_key or kept_secret(settings.server.instance / "secret_key")

    async def work(database: Database) -> str:
        async with database.begin() as session:
            return await accounts.invite(session, key=key)

    token = run(settings, work)
    if settings.accounts.registration != "invite":
        mode = settings.accounts.registration
        click.echo(f"Registration is {mode}: this link counts only by invitation.", err=True)
    click.echo(f"{site(settings.server).rstrip('/')}/auth/register?invite={token}")


@user.command()
@click.argument("name", required=False)
def promote(name: str | None) -> None:
    """Make NAME an operator."""
    click.echo(f"{_changed(name, users.promote)} is an operator.")


@user.command()
@click.argument("name", required=False)
def demote(name: str | None) -> None:
    """Make the operator NAME a person like all others."""
    click.echo(f"{_changed(name, users.demote)} is no operator.")


@user.command()
@click.argument("name", required=False)
def disable(name: str | None) -> None:
    """Keep NAME out: every login ends at once."""
    click.echo(f"{_changed(name, users.disable)} is disabled.")


@user.command()
@click.argument("name", required=False)
def enable(name: str | None) -> None:
    """Let the disabled NAME in again."""
    click.echo(f"{_changed(name, users.enable)} is enabled.")


@user.command("reset-password")
@click.argument("name", required=False)
@click.option("--password", help="Asked for on standard input if it is not given.")
def reset_password(name: str | None, password: str | None) -> None:
    """Set a new password for NAME; every login ends at once."""
    name = name or _asked("Username")
    # An unknown name is said before a password is thought of.
    name = _changed(name, _nothing)
    password = password or _new_password()
    with plainly():
        users.check_password(password, username=name, minimum=_SHORTEST)

    async def change(session: AsyncSession, account: User) -> None:
        await users.change_password(session, account.id, await _hashed(password))

    click.echo(f"{_changed(name, change)} has a new password.")


@user.command()
@click.argument("name", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str | None, yes: bool) -> None:
    """Delete NAME with everything that the account wrote."""
    name = _changed(name or _asked("Username"), _nothing)
    if not yes:
        click.confirm(f"Delete {name} with all posts?", abort=True, err=True)
    click.echo(f"{_changed(name, users.close)} is deleted.")


def _changed(name: str | None, verb: Verb) -> str:
    """Do it to the account of that name; returns the name as the account writes it."""
    name = name or _asked("Username")

    async def work(database: Database) -> str:
        async with database.begin() as session:
            account = await users.by_username(session, name)
            await verb(session, account)
            return account.username

    return run(load_or_exit(), work)


async def _nothing(_session: AsyncSession, _account: User) -> None:
    """Only look whether there is such an account."""


async def _hashed(password: str) -> str:
    hasher = Hasher()
    try:
        return await hasher.hash(password)
    finally:
        hasher.close()


def _asked(what: str) -> str:
    answer: str = click.prompt(what, err=True)
    return answer.strip()


def _new_password() -> str:
    """Typed twice and unseen at a terminal; one line where there is none."""
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    click.echo("Password: ", nl=False, err=True)
    line = sys.stdin.readline()
    if not line:
        raise click.Abort
    return line.rstrip("\r\n")


def _address(email: str) -> str:
    try:
        validate_email(email, check_deliverability=False, test_environment=False)
    except EmailNotValidError as error:
        raise click.ClickException(f"{email!r} is no e-mail address: {error}") from error
    return email


def _row(entry: users.Entry, width: int) -> str:
    states = [("operator", entry.is_operator), ("disabled", entry.is_disabled)]
    marks = ", ".join(word for word, holds in states if holds)
    since = f"since {entry.created_at:%Y-%m-%d}"
    seen = f"seen {entry.last_seen_at:%Y-%m-%d}" if entry.last_seen_at else "never seen"
    return f"{entry.username:<{width}}  {entry.email}  {since}  {seen}  {marks}".rstrip()
