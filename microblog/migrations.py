"""Where the schema stands, and how it moves: Alembic, pointed at the service's own database.

Alembic is loaded where something moves: whoever only wants to know where the schema stands, as each
start does, goes by the names of the revisions, which are numbered in one line.
"""

import asyncio
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, pool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from microblog.settings import Settings

_PACKAGE = Path(__file__).parent


def config(database_url: str = "") -> Any:
    """Alembic's configuration; it works from a checkout and from an installed package alike."""
    result = import_module("alembic.config").Config()
    result.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    result.set_main_option("path_separator", "os")
    result.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    # Not an option: those treat per cent signs in a password as their own.
    result.attributes["database_url"] = database_url
    return result


@cache
def newest() -> str:
    """The revision that this version of the program needs."""
    return max(path.name[:4] for path in (_folder() / "versions").glob("[0-9]*_*.py"))


async def current(session: AsyncSession) -> str | None:
    """The revision that the database is at; ``None`` for an empty one."""
    try:
        revision = await session.scalar(text("SELECT version_num FROM alembic_version"))
    except DBAPIError as error:
        if "alembic_version" in str(error.orig):  # there is no such table yet
            return None
        raise
    return None if revision is None else str(revision)


def upgrade_to_head(settings: Settings) -> None:
    """Bring the database to head; a SQLite file gets its folder. Not from within a running loop."""
    upgrade(settings, "head")


def upgrade(settings: Settings, revision: str) -> None:
    """Go up to a revision, such as ``head``, ``0003`` or ``+1``."""
    if settings.is_sqlite:
        _file(settings.database_url).parent.mkdir(parents=True, exist_ok=True)
    import_module("alembic.command").upgrade(config(settings.database_url), revision)


def schema_state(settings: Settings) -> str:
    """``head``, else the database's revision, else ``base``. Not from within a running loop."""
    revision = asyncio.run(_recorded(settings))
    return "head" if revision == newest() else revision or "base"


def is_absent(database_url: str) -> bool:
    """Whether it is a SQLite file that is not there yet: merely looking at it would make it."""
    return database_url.startswith("sqlite") and not _file(database_url).exists()


async def _recorded(settings: Settings) -> str | None:
    if is_absent(settings.database_url):
        return None
    engine = create_async_engine(settings.database_url, poolclass=pool.NullPool)
    try:
        async with AsyncSession(engine) as session:
            return await current(session)
    finally:
        await engine.dispose()


def _file(database_url: str) -> Path:
    return Path(make_url(database_url).database or "")


def _folder() -> Path:
    packaged = _PACKAGE / "alembic"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "alembic"
