"""Commands: one group under two names, `microblog …` and `quart --app asgi …`; a file per group.

A command reads its arguments, runs verbs of the domain in a loop of its own, and says what it did.
Its module is loaded when it is called: a server starts without what the other commands need.
"""

from importlib import import_module

import click
from quart import Quart

from microblog import __version__

COMMANDS = ("serve", "worker", "db", "translate", "user", "search", "demo", "shell", "config")


class Commands(click.Group):
    """The group whose commands are the modules of this package."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Their names, the most used first."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The command of that name; ``None`` if there is none."""
        return load(name) if name in COMMANDS else None


def load(name: str) -> click.Command:
    """The command that its module has under its own name."""
    found: click.Command = getattr(import_module(f"microblog.cli.{name}"), name)
    return found


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="microblog", message="%(prog)s %(version)s")
def main() -> None:
    """Run microblog and look after it."""


def register(app: Quart) -> None:
    """Offer the same commands as `quart --app asgi …`."""
    for name in COMMANDS:
        app.cli.add_command(load(name))
