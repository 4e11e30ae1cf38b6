"""Commands: one group under two names, `microblog …` and `quart --app asgi …`; a file per group.

A command reads its arguments, runs verbs of the domain in a loop of its own, and says what it did.
"""

import click
from quart import Quart

from microblog import __version__
from microblog.cli.config import config
from microblog.cli.db import db
from microblog.cli.demo import demo
from microblog.cli.serve import serve
from microblog.cli.shell import shell
from microblog.cli.translate import translate
from microblog.cli.user import user

COMMANDS: tuple[click.Command, ...] = (serve, db, translate, user, demo, shell, config)


@click.group()
@click.version_option(__version__, prog_name="microblog", message="%(prog)s %(version)s")
def main() -> None:
    """Run microblog and look after it."""


for command in COMMANDS:
    main.add_command(command)


def register(app: Quart) -> None:
    """Offer the same commands as `quart --app asgi …`."""
    for command in COMMANDS:
        app.cli.add_command(command)
