"""`shell`: Python with the service's models, a session and `await` at the prompt."""

import ast
import asyncio
import code
import contextlib
import inspect
import sys
import traceback
from types import CodeType, FunctionType
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog import models
from microblog.cli.operating import run
from microblog.database import Database
from microblog.domain import events
from microblog.settings import Settings, load_or_exit

try:
    import readline
    import rlcompleter
except ImportError:  # Windows has none: the prompt does without history and completion
    readline = None  # type: ignore[assignment]

_BANNER = """microblog: {url}
Ready: session, database, settings, select, {models}.
`await` works. What a line does is committed when it succeeds, and undone when it fails."""


class ShellSession(AsyncSession):
    """A writing session whose own commit also writes the events that verbs have recorded."""

    async def commit(self) -> None:
        """Commit; running servers hear of what happened."""
        await self.flush()
        await events.write(self)
        await super().commit()


@click.command()
def shell() -> None:
    """Run Python with models, a session and `await`; a script where there is no terminal.

    A script commits at its end, or nothing if it fails; its exit status is then 1.
    """
    settings = load_or_exit()
    run(settings, _nothing)
    database = Database(
        settings.database_url, settings.database, has_search_engine=settings.search.has_engine
    )
    session = ShellSession(database.writing().session.bind, expire_on_commit=False)
    names = _namespace(settings, database, session)
    with asyncio.Runner() as runner:
        try:
            if sys.stdin.isatty():
                _converse(runner, names, session, settings)
            else:
                _perform(runner, names, session)
        finally:
            runner.run(session.close())
            runner.run(database.close())


def _namespace(settings: Settings, database: Database, session: AsyncSession) -> dict[str, Any]:
    ours = {name: getattr(models, name) for name in models.__all__}
    tools = {"session": session, "database": database, "settings": settings, "select": select}
    return {"__name__": "__console__", "__doc__": None, **ours, **tools}


def _perform(runner: asyncio.Runner, names: dict[str, Any], session: AsyncSession) -> None:
    try:
        source = sys.stdin.read()
        _execute(runner, _compiled(source), names)
        runner.run(session.commit())
    except Exception:  # noqa: BLE001 - whatever the script raises is shown, and is a failure
        traceback.print_exc()
        sys.exit(1)


def _converse(
    runner: asyncio.Runner, names: dict[str, Any], session: AsyncSession, settings: Settings
) -> None:
    if readline is not None:
        readline.set_completer(rlcompleter.Completer(names).complete)
        readline.parse_and_bind("tab: complete")
    url = settings.database_url.rpartition("@")[2]
    banner = _BANNER.format(url=url, models=", ".join(models.__all__))
    _Console(runner, names, session).interact(banner=banner, exitmsg="")


class _Console(code.InteractiveConsole):
    """The usual prompt, where a line may await and is a unit of work.

    A transaction that stayed open between lines would hold every writer of the service for as long
    as somebody thinks.
    """

    def __init__(
        self, runner: asyncio.Runner, names: dict[str, Any], session: AsyncSession
    ) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._runner = runner
        self._names = names
        self._session = session

    def runcode(self, code: CodeType) -> None:
        """Run one line and end its transaction."""
        try:
            _execute(self._runner, code, self._names)
            self._runner.run(self._session.commit())
        except SystemExit:
            raise
        except BaseException:  # noqa: BLE001 - the prompt goes on after Ctrl-C, too
            self.showtraceback()
            with contextlib.suppress(Exception):
                self._session.info.pop("events", None)
                self._runner.run(self._session.rollback())


def _compiled(source: str) -> CodeType:
    compiled: CodeType = compile(
        source, "<stdin>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
    )
    return compiled


def _execute(runner: asyncio.Runner, compiled: CodeType, names: dict[str, Any]) -> None:
    result = FunctionType(compiled, names)()
    if inspect.iscoroutine(result):
        runner.run(result)


async def _nothing(_database: Database) -> None:
    """Only see to it that the database is there and at head."""
