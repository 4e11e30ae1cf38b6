"""What every test may ask for: settings of its own, a migrated database, the application, the cast.

Each test gets a database of its own, made by the real migrations: on SQLite a copy of a file, on
PostgreSQL one that was emptied.
"""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from quart import Quart
from sqlalchemy.engine import URL

from alembic import command
from microblog import migrations
from microblog.app import create_app
from microblog.database import Database
from microblog.logs.lines import TextLines
from microblog.resources import Resources
from microblog.settings import NO_FILE, Settings, load
from tests import mortal, secrecy, servers
from tests.cast import Browser, Cast


@pytest.fixture(scope="session", autouse=True)
def no_secret_in_any_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """T-55: what opens a door is in no log of the whole run, this process's or a server's."""
    base = tmp_path_factory.getbasetemp()
    handler = logging.FileHandler(base / "suite.log")
    handler.setFormatter(TextLines())
    logging.root.addHandler(handler)
    for name in ("microblog.access", "microblog.audit"):
        logging.getLogger(name).setLevel(logging.INFO)
    yield
    logging.root.removeHandler(handler)
    handler.close()
    logs = [path for path in base.rglob("*.log*") if path.is_file()]
    assert (base / "suite.log") in logs
    for path in logs:
        found = secrecy.betrayed(path.read_bytes())
        assert not found, f"{path} holds {found}"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that the migrations have made; copied, never opened by a test."""
    path = tmp_path_factory.mktemp("template") / "microblog.db"
    command.upgrade(migrations.config(f"sqlite+aiosqlite:///{path}"), "head")
    return path


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    with servers.postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: URL) -> Iterator[URL]:
    """A database that the migrations have made; copied, never opened by a test."""
    name = f"microblog_test_{uuid4().hex[:12]}"
    asyncio.run(servers.execute(postgresql_server, f'CREATE DATABASE "{name}"'))
    url = postgresql_server.set(database=name)
    command.upgrade(migrations.config(asyncpg_url(url)), "head")
    yield url
    asyncio.run(servers.execute(postgresql_server, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(scope="session")
def restless_server() -> Iterator[mortal.Postgres]:
    """A PostgreSQL that a test may stop, freeze and start again; it leaves it running."""
    with mortal.postgresql(is_empty=True) as server:
        yield server


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[servers.RedisServer]:
    with servers.redis(tmp_path) as server:
        yield server


def asyncpg_url(url: URL) -> str:
    return url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "instance" / "microblog.db"
    path.parent.mkdir(exist_ok=True)
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def reused_postgresql(migrated_postgresql: URL) -> Iterator[URL]:
    """A copy of it, for one test after the other: making one takes a checkpoint."""
    name = f"microblog_test_{uuid4().hex[:12]}"
    server = migrated_postgresql.set(database="postgres")
    template = migrated_postgresql.database
    asyncio.run(servers.execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    yield migrated_postgresql.set(database=name)
    asyncio.run(servers.execute(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def postgresql_url(reused_postgresql: URL) -> str:
    """An empty, migrated database on PostgreSQL."""
    asyncio.run(servers.empty(reused_postgresql, migrations.newest()))
    return reused_postgresql.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database: the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def blank_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that no migration has seen: on SQLite not even a file, nor its folder."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'instance' / 'blank.db'}"
        return
    server: URL = request.getfixturevalue("postgresql_server")
    name = f"microblog_test_{uuid4().hex[:12]}"
    asyncio.run(servers.execute(server, f'CREATE DATABASE "{name}"'))
    yield server.set(database=name).render_as_string(hide_password=False)
    asyncio.run(servers.execute(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a server for this test; add to it before you ask for ``settings``."""
    return {
        "DATABASE_URL": database_url,
        "SECRET_KEY": "a secret that only tests know, long enough",
        "MICROBLOG_SERVER_INSTANCE": str(tmp_path / "instance"),
        # Nobody's allowance runs out in a test that is not about allowances.
        "MICROBLOG_LIMITS_SCALE": "1000",
        # Nor does a machine that is busy with other tests turn anybody away.
        "MICROBLOG_SERVER_REQUESTS_IN_WORK": "1000",
        # Its start would take the processor from the test.
        "MICROBLOG_SERVER_SPARE_WORKER": "false",
        # Whether an acknowledged post survives a power cut is shown elsewhere.
        "MICROBLOG_DATABASE_SYNCHRONOUS": "NORMAL",
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return load(NO_FILE, environment)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.database_url, settings.database)
    yield database
    await database.close()


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Quart]:
    """The application, started as a server would start it."""
    app = create_app(settings)
    async with app.test_app():
        yield app


@pytest.fixture
def resources(app: Quart) -> Resources:
    found: Resources = app.extensions["microblog"]
    return found


@pytest.fixture
def browser(app: Quart) -> Callable[[], Browser]:
    """Makes browsers that nobody has logged in with."""
    return lambda: Browser(app)


@pytest.fixture
async def cast(app: Quart) -> Cast:
    """susan, john, mary and david, each with a browser of their own, and a stranger."""
    return await Cast.assembled(app)
