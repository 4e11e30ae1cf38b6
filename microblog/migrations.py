"""Where the schema stands, and how it moves: Alembic, pointed at the service's own database."""

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

_PACKAGE = Path(__file__).parent


def config(database_url: str = "") -> Config:
    """Alembic's configuration; it works from a checkout and from an installed package alike."""
    result = Config()
    result.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    result.set_main_option("path_separator", "os")
    result.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    # Not an option: those treat per cent signs in a password as their own.
    result.attributes["database_url"] = database_url
    return result


@cache
def newest() -> str:
    """The revision that this version of the program needs."""
    return str(ScriptDirectory.from_config(config()).get_current_head())


async def current(session: AsyncSession) -> str | None:
    """The revision that the database is at; ``None`` for an empty one."""
    try:
        revision = await session.scalar(text("SELECT version_num FROM alembic_version"))
    except DBAPIError as error:
        if "alembic_version" in str(error.orig):  # there is no such table yet
            return None
        raise
    return None if revision is None else str(revision)


def _folder() -> Path:
    packaged = _PACKAGE / "alembic"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "alembic"
