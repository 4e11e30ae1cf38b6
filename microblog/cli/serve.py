"""`microblog serve`: from settings to a listening, stopping process, or several."""

import asyncio
import socket
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import click

import microblog
from microblog import logs
from microblog.app import create_app
from microblog.migrations import schema_state, upgrade_to_head
from microblog.serving import listening, process
from microblog.serving.changes import watch
from microblog.serving.supervisor import READY, Supervisor
from microblog.settings import Settings, load_or_exit

CANNOT_START = 1
NOT_AT_HEAD = 3
# With --migrate: in a group of containers the database may begin last.
DATABASE_SECONDS = 60


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one."
)
@click.option("--workers", type=click.IntRange(min=1), help="Number of serving processes.")
@click.option("--reload", is_flag=True, help="Start again when the source changes.")
@click.option("--migrate", is_flag=True, help="Bring the database to head first (SQLite: always).")
@click.option("--fd", type=int, hidden=True, help="The listening socket, from our keeper.")
@click.option("--leash", type=int, hidden=True, help="Closes when our keeper has gone.")
def serve(
    host: str | None,
    port: int | None,
    workers: int | None,
    reload: bool,
    migrate: bool,
    fd: int | None,
    leash: int | None,
) -> None:
    """Serve the site until SIGTERM or Ctrl-C."""
    settings = load_or_exit()
    if fd is not None and leash is not None:
        _work(settings, socket.socket(fileno=fd), socket.socket(fileno=leash))
        return
    listener = _listen(host or settings.server.host, settings.server.port if port is None else port)
    _prepare(settings, migrate=migrate)
    count = workers or settings.server.workers
    if count > 1 or reload:
        sys.exit(asyncio.run(_keep(settings, listener, count, reload=reload)))
    _work(settings, listener)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listening.listen(host, port)
    except listening.CannotListen as error:
        _refuse(str(error), CANNOT_START)


def _prepare(settings: Settings, *, migrate: bool) -> None:
    """Bring the schema to head where that is ours to do; elsewhere insist that it is there."""
    try:
        state = _state(settings, patience=DATABASE_SECONDS if migrate else 0)
        if state != "head" and (migrate or settings.is_sqlite):
            click.echo("microblog: bringing the database to head", err=True)
            upgrade_to_head(settings)
            return
    except Exception as error:  # noqa: BLE001 - drivers raise anything; an operator needs one line
        _refuse(f"the database cannot be used: {_first_line(error)}", NOT_AT_HEAD)
    if state != "head":
        _refuse(
            f"the database is not at head (it is at {state}): run `microblog db upgrade`",
            NOT_AT_HEAD,
        )


def _state(settings: Settings, *, patience: float) -> str:
    """Where the schema stands. A database server that is not up yet is waited for."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return schema_state(settings)
        except Exception as error:
            not_up_yet = isinstance(error, OSError) or "starting up" in str(error)
            if not not_up_yet or time.monotonic() > deadline:
                raise
            click.echo(f"microblog: waiting for the database: {_first_line(error)}", err=True)
            time.sleep(2)


def _work(settings: Settings, listener: socket.socket, leash: socket.socket | None = None) -> None:
    """Be the process that serves."""
    url, (host, port) = listening.url(listener), listening.address(listener)
    server = replace(settings.server, host=host, port=port)
    journal = _journal(settings)
    try:
        app = create_app(replace(settings, server=server))
    except OSError as error:
        _refuse(f"the start failed: {_first_line(error)}", CANNOT_START)

    async def goodbye() -> None:
        await app.extensions["microblog"].begin_shutdown()

    def ready() -> None:
        if leash is None:
            _announce(url)
        else:
            leash.send(READY)

    service = process.Service(app, goodbye, ready, _patience(settings))
    try:
        process.run(service, listener, leash)
    except process.CannotStart as error:
        _refuse(f"the start failed: {_first_line(error.__cause__ or error)}", CANNOT_START)
    finally:
        journal.close()


def _journal(settings: Settings) -> logs.Journal:
    try:
        return logs.configure(settings)
    except OSError as error:
        _refuse(f"the log cannot be written: {_first_line(error)}", CANNOT_START)


async def _keep(settings: Settings, listener: socket.socket, count: int, *, reload: bool) -> int:
    """Be the process that keeps the others."""
    supervisor = Supervisor(
        [*_ourselves(), "serve"],
        listener,
        count,
        ready=partial(_announce, listening.url(listener)),
        patience=_patience(settings),
    )
    if not reload:
        return await supervisor.run()
    watching = asyncio.create_task(watch(Path(microblog.__file__).parent, supervisor.restart))
    try:
        return await supervisor.run()
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _ourselves() -> list[str]:
    """A fresh interpreter on this very code, even where the current folder holds another copy."""
    from_here = sys.path[:1] in ([""], [str(Path.cwd())])
    return [sys.executable, *([] if from_here else ["-P"]), "-m", "microblog"]


def _patience(settings: Settings) -> float:
    return min(settings.server.graceful_seconds, process.LONGEST_PATIENCE)


def _announce(url: str) -> None:
    click.echo(f"microblog is at {url}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _refuse(text: str, status: int) -> NoReturn:
    click.echo(f"microblog: {text}", err=True)
    sys.exit(status)
