"""`demo`: a lively data set, to look at and to measure with."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.adapters.hasher import Hasher
from microblog.cli.operating import run
from microblog.cli.search import renew
from microblog.database import Database
from microblog.domain import demo as town
from microblog.domain import users
from microblog.domain.search import index, outbox
from microblog.models import Base, Follow, Post, utc_now
from microblog.settings import load_or_exit

PASSWORD = "demo-password"  # noqa: S105 - printed for everybody to read
# Rows per statement, and statements per transaction: large enough to be quick, small enough that a
# running server waits for a moment only.
_BATCH = 2_000
_STATEMENTS = 5

Rows = Iterable[dict[str, Any]]
Advance = Callable[[int], None]


@click.group()
def demo() -> None:
    """Fill a service with invented life."""


@demo.command()
@click.option("--users", "people", type=click.IntRange(1, 100_000), default=40, show_default=True)
@click.option("--posts", type=click.IntRange(0, 10_000_000), default=2_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another town.")
@click.option("--yes", is_flag=True, help="Fill it even if there are accounts already.")
def fill(people: int, posts: int, seed: int, yes: bool) -> None:
    """Invent people who follow each other and write."""

    async def work(database: Database) -> str:
        async with database.reading() as session:
            taken = await users.names(session)
        if taken and not yes:
            raise click.ClickException("there are accounts already: --yes adds to them")
        now = utc_now()
        residents = town.residents(people, seed=seed, now=now, taken=taken)
        await _settle(database, residents, now=now, seed=seed)
        await _write(database, residents, posts, now=now, seed=seed)
        return residents[0].username

    name = run(load_or_exit(), work)
    click.echo(f"{people:,} people, {posts:,} posts. Log in as {name} with the password {PASSWORD}")


async def _settle(
    database: Database, residents: Sequence[town.Resident], *, now: datetime, seed: int
) -> None:
    password_hash = await _hashed()
    with click.progressbar(length=len(residents), label="People ") as bar:
        for batch in _batches(residents, _BATCH):
            async with database.begin() as session:
                await town.add_residents(session, batch, password_hash)
            bar.update(len(batch))
    follows = list(town.follows(residents, seed=seed, now=now))
    with click.progressbar(length=len(follows), label="Follows") as bar:
        await _store(database, Follow, follows, bar.update)


async def _write(
    database: Database,
    residents: Sequence[town.Resident],
    count: int,
    *,
    now: datetime,
    seed: int,
) -> None:
    posts = town.posts(residents, count, seed=seed, now=now)
    async with database.reading() as session:
        newest = await session.scalar(select(func.max(Post.id))) or 0
    with click.progressbar(length=count, label="Posts  ") as bar:
        await _store(database, Post, posts, bar.update)
    with click.progressbar(length=count, label="Search ") as bar:
        await renew(database, _index, bar.update, above=newest)
    async with database.begin() as session:
        await town.note_presence(session, residents)
    async with database.begin() as session:
        await town.refresh_statistics(session)


async def _index(session: AsyncSession, *, above: int, limit: int) -> list[int]:
    """The next posts, made findable; a search engine hears of them as of any others."""
    ids = await index.renew(session, above=above, limit=limit)
    await outbox.note(session, ids)
    return ids


async def _store(database: Database, model: type[Base], rows: Rows, advance: Advance) -> None:
    for transaction in _batches(rows, _BATCH * _STATEMENTS):
        async with database.begin() as session:
            for batch in _batches(transaction, _BATCH):
                await town.add(session, model, batch)
        advance(len(transaction))


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


async def _hashed() -> str:
    hasher = Hasher()
    try:
        return await hasher.hash(PASSWORD)
    finally:
        hasher.close()
