"""`microblog worker`: background jobs in a process of their own."""

import asyncio

import click

from microblog import logs
from microblog import resources as process_resources
from microblog.cli import starting
from microblog.database import UNAVAILABLE
from microblog.domain.posts import PostView
from microblog.jobs.handlers import handlers, lanes
from microblog.jobs.housekeeping import promise_upkeep
from microblog.jobs.runner import Runner
from microblog.resources import Resources
from microblog.serving import process, pulse, stopping, systemd
from microblog.settings import Settings, load_or_exit

# Here nobody else's commits wake anybody, and there is little else to do.
LOOK_SECONDS = 1.0
_NO_START: tuple[type[Exception], ...] = (process_resources.SchemaBehind, OSError, *UNAVAILABLE)


@click.command()
def worker() -> None:
    """Do background jobs (letters, archives, upkeep) until SIGTERM or Ctrl-C.

    Servers do them too unless jobs.inside is false. Several workers may run.
    """
    settings = load_or_exit()
    starting.prepare(settings)
    journal = starting.journal(settings)
    try:
        with asyncio.Runner(loop_factory=process.fast_loop) as loop:
            loop.run(_work(settings))
    except _NO_START as error:
        starting.refuse(f"the start failed: {starting.first_line(error)}", starting.CANNOT_START)
    finally:
        journal.close()


async def _work(settings: Settings) -> None:
    stop = stopping.stop_when_told(stopping.LONGEST_PATIENCE)
    built = process_resources.build(settings, _nothing_to_see)
    try:
        await built.open(listening=False)
        await promise_upkeep(built.database)
        await _run(built, stop)
    finally:
        await built.close()


async def _run(built: Resources, stop: stopping.Stop) -> None:
    runner = Runner(built.database, handlers(built), lanes(built), look_seconds=LOOK_SECONDS)
    errors = logs.error_letters(built.settings, built.promise_report)
    if errors is not None:
        errors.start()
    watching = asyncio.create_task(logs.watch_loop(), name="watch")
    living = pulse.live_alone(built.settings.server.stall_seconds)
    alive = asyncio.create_task(living, name="pulse")
    runner.start()
    click.echo("microblog worker is at work")
    systemd.ready()
    await stop.asked.wait()
    systemd.stopping()
    alive.cancel()
    watching.cancel()
    await runner.stop()
    if errors is not None:
        await errors.stop()


def _nothing_to_see(_post: PostView, _language: str, _foreign: bool) -> str:
    """Stand in for pages, of which a worker has none."""
    return ""
