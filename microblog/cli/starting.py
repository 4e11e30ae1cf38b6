"""How a process of the service begins: its database at head, its log open, refusals in one line."""

import sys
import time
from contextlib import suppress
from typing import NoReturn

import click

from microblog import logs
from microblog.migrations import schema_state, upgrade_to_head
from microblog.settings import Settings

CANNOT_START = 1
NOT_AT_HEAD = 3
# With --migrate: in a group of containers the database may begin last.
DATABASE_SECONDS = 60


def prepare(settings: Settings, *, migrate: bool = False) -> None:
    """Bring the schema to head where that is ours to do; elsewhere insist that it is there."""
    try:
        state = _state(settings, patience=DATABASE_SECONDS if migrate else 0)
        if state != "head" and (migrate or settings.is_sqlite):
            click.echo("microblog: bringing the database to head", err=True)
            upgrade_to_head(settings)
            return
    except Exception as error:  # noqa: BLE001 - drivers raise anything; an operator needs one line
        refuse(f"the database cannot be used: {first_line(error)}", CANNOT_START)
    if state != "head":
        refuse(
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
            click.echo(f"microblog: waiting for the database: {first_line(error)}", err=True)
            time.sleep(2)


def journal(settings: Settings) -> logs.Journal:
    """Open the log."""
    try:
        return logs.configure(settings)
    except OSError as error:
        refuse(f"the log cannot be written: {first_line(error)}", CANNOT_START)


def refuse_start(settings: Settings, error: BaseException) -> NoReturn:
    """Say why the application did not come up. A schema that has moved has a status of its own."""
    status = CANNOT_START
    with suppress(Exception):  # no database, no schema: then it is as it says
        if schema_state(settings) != "head":
            status = NOT_AT_HEAD
    refuse(f"the start failed: {first_line(error)}", status)


def refuse(text: str, status: int) -> NoReturn:
    """Say why there is no start, and end."""
    click.echo(f"microblog: {text}", err=True)
    sys.exit(status)


def first_line(error: BaseException) -> str:
    """What went wrong, as far as it fits into one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
