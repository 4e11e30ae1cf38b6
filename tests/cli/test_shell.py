"""`shell`: at a terminal, and fed with a script."""

import asyncio
import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from microblog.database import Database
from microblog.models import Event, User
from microblog.settings import Settings
from tests.cli.conftest import CHECKOUT, Command, Typed
from tests.cli.terminal import Terminal

ADD_SUSAN = "session.add(User(username='susan', email='susan@example.com'))\n"


@pytest.fixture
def stored(settings: Settings) -> Callable[[], tuple[list[str], list[str]]]:
    """The names of all accounts, and the kinds of all events."""

    async def within() -> tuple[list[str], list[str]]:
        database = Database(settings.database_url, settings.database)
        try:
            async with database.reading() as session:
                names = list(await session.scalars(select(User.username)))
                return names, list(await session.scalars(select(Event.kind)))
        finally:
            await database.close()

    return lambda: asyncio.run(within())


def test_a_script_has_everything_at_hand(command: Command) -> None:
    """M-053, CLI-09."""
    script = (
        "print(User.__name__, Post.__name__, Follow.__name__, settings.posts.per_page)\n"
        "print(database.is_sqlite, await session.scalar(select(1)))\n"
        "async with database.reading() as other:\n"
        "    print(len((await other.scalars(select(User))).all()))\n"
    )
    said = command("shell", input=script).stdout.split()
    assert said[:4] == ["User", "Post", "Follow", "25"]
    assert said[5:] == ["1", "0"]


def test_a_script_commits_at_its_end(command: Command, stored: Callable[[], object]) -> None:
    command("shell", input=ADD_SUSAN)
    assert stored() == (["susan"], [])


def test_a_script_that_raises_is_status_1_and_undone(
    command: Command, stored: Callable[[], object]
) -> None:
    result = command("shell", input=ADD_SUSAN + "await session.flush()\n1 / 0\n", status=1)
    assert "ZeroDivisionError" in result.stderr
    assert stored() == ([], [])


def test_what_was_committed_before_stays(command: Command, stored: Callable[[], object]) -> None:
    command("shell", input=ADD_SUSAN + "await session.commit()\n1 / 0\n", status=1)
    assert stored() == (["susan"], [])


@pytest.mark.parametrize("last", ["", "await session.commit()\n"])
def test_what_verbs_record_becomes_events(
    command: Command, stored: Callable[[], object], last: str
) -> None:
    script = (
        "from microblog.domain import posts, users\n"
        "from microblog.domain.actors import Actor\n"
        "user = await users.register(session, 'susan', 'susan@example.com', None)\n"
        "await posts.publish(session, Actor(user.id, 'susan'), 'hello', length=500)\n"
    )
    command("shell", input=script + last)
    assert stored() == (["susan"], ["post.created"])


def test_no_python_is_status_1(command: Command) -> None:
    assert "SyntaxError" in command("shell", input="this is no python\n", status=1).stderr


def test_a_script_may_choose_its_status(command: Command) -> None:
    command("shell", input="import sys\nsys.exit(7)\n", status=7)


@pytest.fixture
def installed(tmp_path: Path) -> str:
    """A path on which the package counts as installed: only then does Quart leave its own shell."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    folder = tmp_path / "site" / "microblog-0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: microblog\nVersion: 0\n")
    commands = [
        f"{name} = {place}" for name, place in project["entry-points"]["quart.commands"].items()
    ]
    (folder / "entry_points.txt").write_text("\n".join(["[quart.commands]", *commands]))
    return os.pathsep.join((str(folder.parent), str(CHECKOUT)))


@pytest.mark.parametrize("name", [("microblog",), ("quart", "--app", "asgi")])
def test_from_outside_under_both_names(typed: Typed, installed: str, name: tuple[str, ...]) -> None:
    script = "print(await session.scalar(select(40 + 2)))\n"
    result = typed(*name, "shell", input=script, PYTHONPATH=installed)
    assert (result.returncode, result.stdout) == (0, "42\n"), result.stderr


def test_at_a_terminal_each_line_is_a_unit_of_work(
    terminal: Callable[..., Terminal], stored: Callable[[], object]
) -> None:
    prompt = terminal("shell")
    prompt.expect("Ready: session, database, settings")
    prompt.expect(">>> ")
    prompt.type(ADD_SUSAN.strip())
    prompt.expect(">>> ")
    assert stored() == (["susan"], [])
    prompt.type("(await session.scalars(select(User))).all()")
    prompt.expect("[<User susan>]")
    prompt.expect(">>> ")
    prompt.type("session.in_transaction()")
    prompt.expect("False")
    prompt.expect(">>> ")
    prompt.type(ADD_SUSAN.strip())
    prompt.expect("IntegrityError")
    prompt.expect(">>> ")
    prompt.type("await session.scalar(select(User.email))")
    prompt.expect("'susan@example.com'")
    prompt.expect(">>> ")
    prompt.type("exit()")
    assert prompt.end() == 0
