"""`microblog serve`: from settings to a listening, stopping process, or several."""

import asyncio
import socket
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

import microblog
from microblog.app import create_app
from microblog.cli import starting
from microblog.serving import descriptors, listening, process, pulse, stopping
from microblog.serving.changes import watch
from microblog.serving.leash import Leash
from microblog.serving.supervisor import Supervisor
from microblog.settings import Settings, load_or_exit
from microblog.web import edge


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
    settings = _with_workers(load_or_exit(), workers)
    descriptors.raise_limit()
    if fd is not None and leash is not None:
        _work_for_keeper(settings, socket.socket(fileno=fd), Leash(leash))
        return
    listener = _listen(host or settings.server.host, settings.server.port if port is None else port)
    starting.prepare(settings, migrate=migrate)
    if settings.server.workers > 1 or reload:
        sys.exit(asyncio.run(_keep(settings, listener, reload=reload)))
    _work(settings, listener)


def _with_workers(settings: Settings, workers: int | None) -> Settings:
    """So many share this machine's limits, whatever the settings say."""
    if workers is None:
        return settings
    return replace(settings, server=replace(settings.server, workers=workers))


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listening.listen(host, port)
    except listening.CannotListen as error:
        starting.refuse(str(error), starting.CANNOT_START)


def _work_for_keeper(settings: Settings, listener: socket.socket, leash: Leash) -> None:
    """Be one of several, from the moment when the keeper needs us."""
    pulse.die_with_parent()
    pulse.be_called("microblog-spare")
    if leash.wait():
        pulse.be_called("microblog-serve")
        _work(settings, listener, leash)


def _work(settings: Settings, listener: socket.socket, leash: Leash | None = None) -> None:
    """Be the process that serves."""
    url, (host, port) = listening.url(listener), listening.address(listener)
    server = replace(settings.server, host=host, port=port)
    journal = starting.journal(settings)
    descriptors.warn_below(settings.limits.scaled(settings.live.connections_total))
    try:
        app = create_app(replace(settings, server=server))
    except OSError as error:
        starting.refuse(f"the start failed: {starting.first_line(error)}", starting.CANNOT_START)

    async def goodbye(spread: float) -> None:
        await app.extensions["microblog"].begin_shutdown(spread)

    service = process.Service(
        app,
        goodbye,
        partial(_announce, url),
        patience=_patience(settings),
        stall_seconds=settings.server.stall_seconds,
        shedder=app.extensions[edge.EXTENSION].shedder,
    )
    try:
        process.run(service, listener, leash)
    except process.CannotStart as error:
        starting.refuse_start(settings, error.__cause__ or error)
    finally:
        journal.close()


async def _keep(settings: Settings, listener: socket.socket, *, reload: bool) -> int:
    """Be the process that keeps the others."""
    journal = starting.journal(settings)
    count = settings.server.workers
    supervisor = Supervisor(
        # Settings may be others when a worker reads them; this number is ours.
        [*_ourselves(), "serve", "--workers", str(count)],
        listener,
        count,
        ready=partial(_announce, listening.url(listener)),
        patience=_patience(settings),
        stall_seconds=settings.server.stall_seconds,
        spare=settings.server.spare_worker and not reload,
    )
    tasks = []
    if reload:
        source = Path(microblog.__file__).parent
        tasks.append(asyncio.create_task(watch(source, supervisor.restart)))
    try:
        return await supervisor.run()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        journal.close()


def _ourselves() -> list[str]:
    """A fresh interpreter on this very code, even where the current folder holds another copy."""
    from_here = sys.path[:1] in ([""], [str(Path.cwd())])
    return [sys.executable, *([] if from_here else ["-P"]), "-m", "microblog"]


def _patience(settings: Settings) -> float:
    return min(settings.server.graceful_seconds, stopping.LONGEST_PATIENCE)


def _announce(url: str) -> None:
    click.echo(f"microblog is at {url}")
