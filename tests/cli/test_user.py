"""`user …`: the operator's verbs, and what each of them does to the account."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.adapters.hasher import Hasher
from microblog.database import Database
from microblog.domain import posts, sessions, users
from microblog.domain.actors import Actor
from microblog.models import Event, Post, Session
from microblog.settings import Settings
from tests.cli.conftest import Command, Typed
from tests.cli.terminal import Terminal

PASSWORD = "correct horse battery"


@pytest.fixture
def ask(settings: Settings) -> Callable[[Callable[[AsyncSession], Awaitable[Any]]], Any]:
    """Looks into (or writes to) the database, in a loop of its own."""

    async def within(work: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        database = Database(settings.database_url, settings.database)
        try:
            async with database.begin() as session:
                return await work(session)
        finally:
            await database.close()

    return lambda work: asyncio.run(within(work))


@pytest.fixture
def susan(command: Command) -> None:
    command("user", "create", "susan", "susan@example.com", "--password", PASSWORD)


async def is_right(session: AsyncSession, login: str, password: str) -> bool:
    credentials = await users.find_credentials(session, login)
    hasher = Hasher()
    try:
        return await hasher.verify(credentials.password_hash, password)
    finally:
        hasher.close()


async def log_in(session: AsyncSession) -> None:
    user = await users.by_username(session, "susan")
    lifetimes = sessions.Lifetimes()
    await sessions.begin(session, user.id, remembered=False, device="", lifetimes=lifetimes)


async def write(session: AsyncSession) -> None:
    user = await users.by_username(session, "susan")
    await posts.publish(session, Actor(user.id, user.username), "hello", length=500)


async def logins(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Session)) or 0


async def kinds(session: AsyncSession) -> list[str]:
    return list(await session.scalars(select(Event.kind).order_by(Event.id)))


def test_created_with_arguments(susan: None, ask: Any) -> None:
    assert ask(lambda session: is_right(session, "susan", PASSWORD))
    assert ask(lambda session: is_right(session, "susan@example.com", PASSWORD))


def test_what_is_missing_is_asked_on_standard_input(command: Command, ask: Any) -> None:
    answers = f"john\njohn@example.com\n{PASSWORD}\n"
    result = command("user", "create", input=answers)
    assert PASSWORD not in result.output
    assert ask(lambda session: is_right(session, "john", PASSWORD))


def test_no_answer_is_no_account(command: Command) -> None:
    command("user", "create", "john", "john@example.com", input="", status=1)
    assert "Nobody has an account yet." in command("user", "list").stdout


def test_a_password_at_a_terminal_is_typed_twice_and_unseen(
    terminal: Callable[..., Terminal], ask: Any
) -> None:
    typist = terminal("user", "create", "mary", "mary@example.com")
    typist.expect("Password: ")
    typist.type(PASSWORD)
    typist.expect("Repeat for confirmation: ")
    typist.type(PASSWORD)
    assert typist.end() == 0
    assert PASSWORD not in typist.shown
    assert ask(lambda session: is_right(session, "mary", PASSWORD))


@pytest.mark.parametrize(
    ("name", "email", "password", "said"),
    [
        ("Susan", "other@example.com", PASSWORD, "Please use a different username."),
        ("admin", "other@example.com", PASSWORD, "Please use a different username."),
        ("john", "SUSAN@example.com", PASSWORD, "Please use a different email address."),
        ("john", "john", PASSWORD, "no e-mail address"),
        ("jo hn", "john@example.com", PASSWORD, "in a username, beginning with"),
        ("john-john", "john@example.com", "john-john", "not your username"),
    ],
)
def test_refusals_are_said_in_one_line(
    command: Command, susan: None, name: str, email: str, password: str, said: str
) -> None:
    result = command("user", "create", name, email, "--password", password, status=1)
    (line,) = result.stderr.splitlines()
    assert said in line
    assert "john" not in command("user", "list").stdout


@pytest.mark.parametrize(
    "verb", ["promote", "demote", "disable", "enable", "reset-password", "delete"]
)
def test_an_unknown_name_is_named(command: Command, verb: str) -> None:
    result = command("user", verb, "nobody", input="y\n", status=1)
    assert "nobody" in result.stderr
    assert "Traceback" not in result.output


def test_the_list_shows_states(command: Command, susan: None) -> None:
    assert command("user", "list").stdout.split()[:2] == ["susan", "susan@example.com"]
    command("user", "promote", "SUSAN")
    command("user", "promote", "susan")
    command("user", "disable", "susan")
    assert command("user", "list").stdout.rstrip().endswith("operator, disabled")
    command("user", "demote", "susan")
    command("user", "enable", input="susan\n")
    assert command("user", "list").stdout.rstrip().endswith("never seen")


def test_disabled_means_out_at_once(command: Command, susan: None, ask: Any) -> None:
    ask(log_in)
    command("user", "disable", "susan")
    assert ask(logins) == 0
    assert ask(kinds) == ["account.ended"]
    assert not ask(lambda session: is_right(session, "susan", PASSWORD))
    command("user", "enable", "susan")
    assert ask(lambda session: is_right(session, "susan", PASSWORD))


def test_a_new_password_ends_every_login(command: Command, susan: None, ask: Any) -> None:
    ask(log_in)
    command("user", "reset-password", "susan", input="another horse\n")
    assert ask(logins) == 0
    assert ask(kinds) == ["account.ended"]
    assert ask(lambda session: is_right(session, "susan", "another horse"))
    assert not ask(lambda session: is_right(session, "susan", PASSWORD))


def test_a_bad_new_password_changes_nothing(command: Command, susan: None, ask: Any) -> None:
    command("user", "reset-password", "susan", "--password", "susan", status=1)
    assert ask(lambda session: is_right(session, "susan", PASSWORD))


def test_deleting_asks_first(command: Command, susan: None) -> None:
    command("user", "delete", "susan", input="n\n", status=1)
    assert "susan" in command("user", "list").stdout
    command("user", "delete", "susan", input="y\n")
    assert "Nobody" in command("user", "list").stdout


def test_deleting_takes_posts_along_and_says_so(command: Command, susan: None, ask: Any) -> None:
    ask(write)
    command("user", "delete", "susan", "--yes")
    assert ask(lambda session: session.scalar(select(func.count()).select_from(Post))) == 0
    assert set(ask(kinds)) == {"post.created", "post.deleted", "account.ended"}


def test_the_same_command_under_both_names(typed: Typed) -> None:
    created = typed("microblog", "user", "create", "david", "d@example.com", "--password", PASSWORD)
    assert created.returncode == 0, created.stderr
    listed = typed("quart", "--app", "asgi", "user", "list")
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.startswith("david ")


def test_wrong_settings_are_status_2(typed: Typed) -> None:
    result = typed("microblog", "user", "list", PORT="0")
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
