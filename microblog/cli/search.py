"""`search`: the index that finds posts, made anew."""

from collections.abc import Awaitable, Callable

import click
from sqlalchemy import func, select

from microblog.adapters import search_engine
from microblog.adapters.search_engine import EngineDown, SearchEngine
from microblog.cli.operating import run
from microblog.database import Database
from microblog.domain.search import index, people
from microblog.domain.tasks import Lost
from microblog.jobs import indexing
from microblog.models import Base, Post, User
from microblog.settings import load_or_exit

# Posts in one transaction: a running server waits no longer for it than for a busy moment.
_BATCH = 1_000

Advance = Callable[[int], None]
Renew = Callable[..., Awaitable[list[int]]]


@click.group()
def search() -> None:
    """Look after the search."""


@search.command()
def reindex() -> None:
    """Read all posts and names again; searching and writing go on meanwhile.

    Where there is a search engine, its index is made anew as well, beside the one that answers.
    """
    settings = load_or_exit()

    async def work(database: Database) -> int:
        with click.progressbar(length=await _count(database, User), label="Names  ") as bar:
            await renew(database, people.renew, bar.update)
        with click.progressbar(length=await _count(database, Post), label="Posts  ") as bar:
            done = await renew(database, index.renew, bar.update)
        async with database.begin() as session:
            await index.sweep(session)
        engine = search_engine.build(settings.search)
        if engine is not None:
            await _tell(database, engine)
        return done

    click.echo(f"The index holds {run(settings, work):,} posts.")


async def _tell(database: Database, engine: SearchEngine) -> None:
    """Make the engine's index anew; what goes wrong with it is one line."""
    try:
        with click.progressbar(length=await _count(database, Post), label="Engine ") as bar:
            await indexing.reindex(database, engine, bar.update)
    except EngineDown as error:
        raise click.ClickException(f"{engine.name}: {error}") from error
    except Lost as error:
        raise click.ClickException("somebody else has begun the same meanwhile") from error
    finally:
        await engine.close()


async def renew(database: Database, part: Renew, advance: Advance, *, above: int = 0) -> int:
    """Make a part of the index anew, for ids above that; returns how many it was made for."""
    done = 0
    while True:
        async with database.begin() as session:
            ids = await part(session, above=above, limit=_BATCH)
        if not ids:
            return done
        above = ids[-1]
        done += len(ids)
        advance(len(ids))


async def _count(database: Database, model: type[Base]) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0
