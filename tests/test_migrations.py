"""The migrations themselves: they make what the models say, whole, and take it back."""

import ast
import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, inspect, pool, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from alembic import command
from microblog import migrations
from microblog.cli import revising
from microblog.models import Base
from microblog.models.base import NAMING_CONVENTION
from microblog.models.search import POST_SEARCH
from microblog.settings import NO_FILE, load

Look = Callable[[Callable[[Connection], Any]], Any]
SCRIPTS = list(ScriptDirectory.from_config(migrations.config()).walk_revisions())[::-1]


@pytest.fixture
def url(blank_url: str) -> Iterator[str]:
    settings = load(NO_FILE, {"DATABASE_URL": blank_url})
    migrations.upgrade(settings, SCRIPTS[0].revision)  # makes the folder of a SQLite file
    command.downgrade(migrations.config(settings.database_url), "base")
    return settings.database_url


@pytest.fixture
def config(url: str) -> Config:
    return migrations.config(url)


@pytest.fixture
def look(url: str) -> Look:
    """Runs a function on a connection, and commits."""

    async def within(work: Callable[[Connection], Any]) -> Any:
        engine = create_async_engine(url, poolclass=pool.NullPool)
        if engine.dialect.name == "sqlite":
            event.listen(engine.sync_engine, "connect", enforce_foreign_keys)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    return lambda work: asyncio.run(within(work))


def enforce_foreign_keys(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON").close()


def schema(connection: Connection) -> dict[str, Any]:
    """Tables with columns, indexes and constraints, in a form that can be compared."""
    there = inspect(connection)
    return {
        name: {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"]) for c in there.get_columns(name)
            ],
            "key": there.get_pk_constraint(name),
            "indexes": sorted(map(comparable, there.get_indexes(name)), key=itemgetter("name")),
            "unique": sorted(u["name"] or "" for u in there.get_unique_constraints(name)),
            "foreign": sorted(
                (f["name"] or "", str(f["options"])) for f in there.get_foreign_keys(name)
            ),
            "checks": sorted(c["name"] or "" for c in there.get_check_constraints(name)),
            "numbers_come_back": numbers_come_back(name, connection),
        }
        for name in sorted(there.get_table_names())
        if name != "alembic_version" and not is_inside_fts5(name, connection)
    }


def numbers_come_back(name: str, connection: Connection) -> bool:
    """Whether the number of a deleted row may be given again: SQLite does so unless told not to."""
    if connection.dialect.name != "sqlite":
        return False
    made = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")
    return "AUTOINCREMENT" not in connection.execute(made, {"name": name}).scalar_one()


def comparable(index: Any) -> dict[str, Any]:
    """The condition of a partial index as text: no two of the objects that say it are equal."""
    options = {key: str(value) for key, value in index.get("dialect_options", {}).items()}
    return {**index, "name": str(index["name"]), "dialect_options": options}


def is_inside_fts5(name: str, connection: Connection) -> bool:
    """Tables that SQLite's FTS5 keeps for its own use beside the one that it offers."""
    return connection.dialect.name == "sqlite" and name.startswith("post_search_")


def test_up_on_empty_makes_every_table_and_column(config: Config, url: str, look: Look) -> None:
    """M-048."""
    command.upgrade(config, "head")
    found = {
        name: {column for column, _, _ in table["columns"]} for name, table in look(schema).items()
    }
    wanted = {
        name: {column.name for column in table.columns}
        for name, table in Base.metadata.tables.items()
    }
    wanted["post_search"] = {"terms"}
    if url.startswith("postgresql"):
        wanted["post_search"] = {column.name for column in POST_SEARCH.columns}
    assert found == wanted
    assert {"user", "post", "followers"} <= found.keys()


def test_down_step_by_step_and_up_again(config: Config, look: Look) -> None:
    """M-049."""
    stages = [look(schema)]
    for script in SCRIPTS:
        command.upgrade(config, script.revision)
        stages.append(look(schema))
    assert stages[0] == {}
    for before in reversed(stages[:-1]):
        command.downgrade(config, "-1")
        assert look(schema) == before
    command.upgrade(config, "head")
    assert look(schema) == stages[-1]


def test_rows_are_kept(config: Config, look: Look) -> None:
    """M-051."""
    command.upgrade(config, "0003")
    look(susan_writes)
    command.upgrade(config, "head")
    command.downgrade(config, "0003")
    command.upgrade(config, "head")
    rows = look(
        lambda connection: connection.execute(
            text('SELECT username, body FROM post JOIN "user" ON "user".id = user_id')
        ).all()
    )
    assert rows == [("susan", "hello")]


def test_what_is_there_already_is_found(config: Config, look: Look) -> None:
    """SEA-18: posts and people of the time before there was a search."""
    command.upgrade(config, "0013")
    look(susan_writes)
    command.upgrade(config, "head")
    terms = text('SELECT post_search.terms, name_terms FROM post_search, "user"')
    assert look(lambda connection: connection.execute(terms).all()) == [("hello", " susan @susan ")]


MOVING: Any = ScriptDirectory.from_config(migrations.config()).get_revision("0016").module  # type: ignore[union-attr]


def test_letters_go_on_as_tasks_and_back(config: Config, look: Look) -> None:
    """What waits goes on waiting, with the same words and the same Message-ID; nothing is lost."""
    command.upgrade(config, "0015")
    look(lambda connection: connection.execute(MOVING._LETTER.insert(), letters_of_all_states()))
    before = look(letters)
    command.upgrade(config, "head")
    query = MOVING._TASK.select().order_by("created_at")
    moved = look(lambda connection: connection.execute(query).all())
    assert [(t.name, t.state, t.subject_id, t.attempts, t.progress, t.reason) for t in moved] == [
        ("send_letter", "waiting", 7, 0, 0, ""),
        ("send_letter", "waiting", None, 2, 0, "451 greylisted"),
        ("send_letter", "done", 7, 1, 100, ""),
        ("send_letter", "failed", 7, 1, 0, "550 no"),
    ]
    # Somebody is just sending the second one: it waits for as long as that may take.
    assert [t.due_at for t in moved[:2]] == [at(1), at(2, minute=5)]
    assert [t.finished_at for t in moved] == [None, None, at(3, minute=1), at(4)]
    assert moved[0].arguments == {
        "kind": "reset_password",
        "recipient": "susan@example.com",
        "language": "es",
        "details": {"username": "susan"},
        "grant_id": 3,
        "message_id": "message.1",
        "completes": None,
    }
    # What an older version knows nothing of stays behind.
    newer = dict(moved[0]._mapping) | {"id": "newer"}
    newer["arguments"] = newer["arguments"] | {"kind": "export_posts"}
    look(lambda connection: connection.execute(MOVING._TASK.insert(), [newer]))
    command.downgrade(config, "0015")
    assert look(letters) == [row for row in before if row.state != "void"]
    assert look(lambda connection: connection.execute(MOVING._TASK.select()).all()) == []


def letters(connection: Connection) -> Any:
    columns = [c for c in MOVING._LETTER.columns if c.name not in ("id", "due_at", "lease_until")]
    return connection.execute(select(*columns).order_by("created_at")).all()


def letters_of_all_states() -> list[dict[str, Any]]:
    like_all = {"recipient": "susan@example.com", "language": "es", "grant_id": 3, "user_id": 7}
    like_all |= {"details": {"username": "susan"}, "attempts": 1, "reason": ""}
    like_all |= {"lease_until": None, "sent_at": None}
    greylisted = {"user_id": None, "attempts": 2, "lease_until": at(2, minute=5)}
    different: list[dict[str, Any]] = [
        {"kind": "reset_password", "state": "waiting", "attempts": 0},
        {"kind": "error_report", "state": "waiting", "reason": "451 greylisted"} | greylisted,
        {"kind": "confirm_address", "state": "sent", "sent_at": at(3, minute=1)},
        {"kind": "reset_password", "state": "failed", "reason": "550 no"},
        {"kind": "reset_password", "state": "void"},
    ]
    return [
        like_all
        | {"message_id": f"message.{day}", "created_at": at(day), "due_at": at(day)}
        | letter
        for day, letter in enumerate(different, start=1)
    ]


def at(day: int, *, minute: int = 0) -> datetime:
    return datetime(2026, 1, day, 0, minute, tzinfo=UTC)


def susan_writes(connection: Connection) -> None:
    connection.execute(
        text(
            'INSERT INTO "user" (id, username, username_key, email, email_key, display_name,'
            " about_me, created_at) VALUES (1, 'susan', 'susan', 's@example.com', 's@example.com',"
            " '', '', '2026-01-01 00:00:00')"
        )
    )
    connection.execute(
        text(
            "INSERT INTO post (user_id, body, timestamp) VALUES (1, 'hello', '2026-01-01 00:00:00')"
        )
    )


def test_models_are_what_migrations_make(config: Config, url: str) -> None:
    """M-052."""
    command.upgrade(config, "head")
    assert revising.differences(url) == []


def test_the_indexes_that_pages_need(config: Config, look: Look) -> None:
    command.upgrade(config, "head")
    tables = look(schema)
    found = {
        index["name"]: (index["column_names"], bool(index["unique"]))
        for table in tables.values()
        for index in table["indexes"]
    }
    assert found["ix_user_username"] == (["username"], True)
    assert found["ix_user_email"] == (["email"], True)
    assert found["ix_post_timestamp_id"] == (["timestamp", "id"], False)
    by_author = ["user_id", "timestamp", "id"]
    assert found["ix_post_user_id_timestamp_id"] == (by_author, False)


def test_every_name_follows_the_convention(config: Config, look: Look) -> None:
    command.upgrade(config, "head")
    for table, found in look(schema).items():
        # A key that counts by itself has no name on SQLite.
        assert found["key"]["name"] in (f"pk_{table}", None)
        for kind, names in (
            ("ix", [index["name"] for index in found["indexes"]]),
            ("uq", found["unique"]),
            ("fk", [name for name, _ in found["foreign"]]),
            ("ck", found["checks"]),
        ):
            assert kind in NAMING_CONVENTION
            for name in names:
                # What makes a column unique on PostgreSQL is an index there, too.
                assert name.startswith((f"{kind}_{table}_", f"uq_{table}_")), name


def test_a_migration_that_fails_leaves_nothing(config: Config, look: Look) -> None:
    place, index = last_that_makes_an_index()
    command.upgrade(config, SCRIPTS[place - 1].revision)
    before = look(schema)
    # What that migration makes last is there already, so that it fails when the rest is done.
    look(lambda connection: connection.execute(text("CREATE TABLE stray (id INTEGER)")))
    look(lambda connection: connection.execute(text(f"CREATE INDEX {index} ON stray (id)")))
    with pytest.raises(Exception, match="exists"):
        command.upgrade(config, SCRIPTS[place].revision)
    look(lambda connection: connection.execute(text("DROP TABLE stray")))
    assert look(schema) == before
    command.upgrade(config, "head")


def last_that_makes_an_index() -> tuple[int, str]:
    for place in reversed(range(len(SCRIPTS))):
        way_up = Path(SCRIPTS[place].path).read_text().partition("def downgrade")[0]
        made = re.findall(r"create_index\(\s*\"(\w+)\"", way_up)
        if made:
            return place, made[-1]
    raise AssertionError("no migration makes an index")


def test_programs_that_start_together_migrate_once(url: str, look: Look) -> None:
    script = (
        "import sys\n"
        "from alembic import command\n"
        "from microblog import migrations\n"
        "command.upgrade(migrations.config(sys.argv[1]), 'head')\n"
    )
    folder = Path(migrations.__file__).parents[1]
    together = [
        subprocess.Popen(
            [sys.executable, "-c", script, url], cwd=folder, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [process.communicate(timeout=60)[1] for process in together]
    assert [process.returncode for process in together] == [0] * 4, said
    recorded = look(lambda c: c.execute(text("SELECT version_num FROM alembic_version")).all())
    assert recorded == [(migrations.newest(),)]


def test_one_line_of_migrations_each_with_a_way_back() -> None:
    assert ScriptDirectory.from_config(migrations.config()).get_heads() == [migrations.newest()]
    for number, script in enumerate(SCRIPTS, start=1):
        assert script.revision == f"{number:04}"
        assert Path(script.path).name.startswith(f"{number:04}_")
        (down,) = (
            node
            for node in ast.parse(Path(script.path).read_text()).body
            if isinstance(node, ast.FunctionDef) and node.name == "downgrade"
        )
        assert not isinstance(down.body[0], ast.Pass), script.path


def test_a_search_index_merges_as_the_last_migration_says(config: Config, look: Look) -> None:
    def merging(connection: Connection) -> Any:
        if connection.dialect.name != "sqlite":
            return None
        found = connection.execute(text("SELECT v FROM post_search_config WHERE k = 'automerge'"))
        return found.scalar()

    command.upgrade(config, "0019")
    assert look(merging) in (8, None)
    command.downgrade(config, "0018")
    assert look(merging) in (4, None)
