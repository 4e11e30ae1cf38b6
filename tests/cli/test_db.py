"""`db …`: what is said about the schema, and what moves."""

import ast
import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from microblog import migrations
from microblog.settings import NO_FILE, load
from tests.cli.conftest import CHECKOUT, Command, Typed

NEWEST = migrations.newest()


@pytest.fixture
def blank(environment: dict[str, str], blank_url: str) -> None:
    """Here the database is one that nobody has touched."""
    environment["DATABASE_URL"] = blank_url


def execute(url: str, *statements: str) -> None:
    async def within() -> None:
        engine = create_async_engine(
            load(NO_FILE, {"DATABASE_URL": url}).database_url, poolclass=pool.NullPool
        )
        try:
            async with engine.begin() as connection:
                for statement in statements:
                    await connection.execute(text(statement))
        finally:
            await engine.dispose()

    asyncio.run(within())


class TestBlank:
    @pytest.fixture
    def database_url(self) -> str:
        return "replaced by blank"

    def test_to_look_makes_nothing(self, blank: None, command: Command, tmp_path: Path) -> None:
        assert command("db", "current").stdout == "base\n"
        assert "creates table user" in command("db", "plan").stdout
        assert "here" not in command("db", "history").stdout
        assert "not at head (it is at base)" in command("db", "check", status=1).stderr
        assert not list(tmp_path.glob("instance/*.db"))

    def test_up_and_down(self, blank: None, command: Command) -> None:
        up = command("db", "upgrade").stdout.splitlines()
        assert [line.split()[1] for line in up[:-1]] == [
            f"{number:04}" for number in range(1, int(NEWEST) + 1)
        ]
        assert up[-1] == "The database is at head."
        assert command("db", "current").stdout == f"{NEWEST} (head)\n"
        assert command("db", "upgrade").stdout == "Nothing to do: the database is at head.\n"
        down = command("db", "downgrade").stdout
        assert down.startswith(f"down  {NEWEST}  ")
        before = f"{int(NEWEST) - 1:04}"
        assert command("db", "current").stdout == f"{before}\n"
        (here,) = [x for x in command("db", "history").stdout.splitlines() if "here" in x]
        assert here.startswith(before)
        command("db", "downgrade", "-2")
        command("db", "upgrade", "+1")
        command("db", "downgrade", "base")
        assert command("db", "current").stdout == "base\n"
        assert "Nothing to do" in command("db", "downgrade").stdout

    def test_commands_on_accounts_want_the_schema(
        self, blank: None, blank_url: str, command: Command
    ) -> None:
        if blank_url.startswith("sqlite"):
            assert "bringing the database to head" in command("user", "list").stderr
        else:
            result = command("user", "list", status=1)
            assert "not at head (it is at base): run `microblog db upgrade`" in result.stderr

    def test_the_plan_counts_rows(self, blank: None, blank_url: str, command: Command) -> None:
        command("db", "upgrade", "0001")
        execute(
            blank_url,
            'INSERT INTO "user" (username, username_key, email, email_key, display_name, about_me,'
            " created_at) VALUES ('a', 'a', 'a', 'a', '', '', '2026-01-01 00:00:00')",
            "CREATE TABLE post (id INTEGER)",
            "INSERT INTO post VALUES (1)",
        )
        plan = command("db", "plan").stdout
        assert "0001" not in plan
        assert "creates index ix_post_timestamp on post  (1 rows now)" in plan
        assert command("db", "current").stdout == "0001\n"


def test_nothing_to_plan(command: Command) -> None:
    assert command("db", "plan").stdout == "Nothing to do: the database is at head.\n"


def test_check_names_what_differs(command: Command, database_url: str) -> None:
    assert "equal" in command("db", "check").stdout
    execute(
        database_url,
        "DROP INDEX ix_post_timestamp_id",
        'ALTER TABLE "user" ADD COLUMN shoe_size INTEGER',
        "CREATE TABLE stray (id INTEGER)",
    )
    said = command("db", "check", status=1).stdout
    assert "ix_post_timestamp_id" in said
    assert "user.shoe_size" in said
    assert "stray" in said
    # The next test may get the same database.
    execute(
        database_url,
        "CREATE INDEX ix_post_timestamp_id ON post (timestamp, id)",
        'ALTER TABLE "user" DROP COLUMN shoe_size',
        "DROP TABLE stray",
    )


def test_a_database_from_the_future(command: Command, database_url: str) -> None:
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    for verb in ("current", "upgrade", "downgrade", "check", "plan", "history"):
        said = command("db", verb, status=1).stderr
        assert "9999, which this version of microblog does not know" in said


def test_an_unknown_revision_is_one_line(command: Command) -> None:
    said = command("db", "upgrade", "nowhere", status=1).stderr
    assert len(said.splitlines()) == 1
    assert "nowhere" in said


def test_a_database_that_is_not_there(command: Command) -> None:
    url = "postgresql://microblog@127.0.0.1:1/microblog"
    said = command("db", "current", status=1, DATABASE_URL=url).stderr
    assert said.startswith("Error: ")
    assert "Traceback" not in said


class TestMigrate:
    """M-050, in a copy of the checkout; what it writes is read by Python and run by the migrations."""

    @pytest.fixture
    def database_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'instance' / 'untouched.db'}"

    @pytest.fixture
    def checkout(self, tmp_path: Path) -> Path:
        copy = tmp_path / "checkout"
        for name in ("microblog", "alembic"):
            shutil.copytree(
                CHECKOUT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        return copy

    def test_it_writes_what_the_models_have_more(
        self, typed: Typed, checkout: Path, tmp_path: Path
    ) -> None:
        user = checkout / "microblog" / "models" / "user.py"
        anchor = "    last_seen_at: Mapped[datetime | None]\n"
        assert anchor in user.read_text()
        grown = anchor + "    born_at: Mapped[datetime | None]\n"
        user.write_text(user.read_text().replace(anchor, grown))
        path = str(checkout)
        result = typed("microblog", "db", "migrate", "-m", "When people were born", PYTHONPATH=path)
        assert result.returncode == 0, result.stderr
        assert "add_column user.born_at" in result.stdout
        (script,) = checkout.glob(f"alembic/versions/{int(NEWEST) + 1:04}_*.py")
        ast.parse(script.read_text())
        assert '"""When people were born"""' in script.read_text()
        assert not (tmp_path / "instance" / "untouched.db").exists()
        for verb in ("upgrade", "check", "downgrade"):
            result = typed("microblog", "db", verb, PYTHONPATH=path)
            assert result.returncode == 0, result.stdout + result.stderr
        with sqlite3.connect(tmp_path / "instance" / "untouched.db") as database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(user)")]
        database.close()
        assert "born_at" not in columns

    def test_equal_models_give_an_empty_script(self, typed: Typed, checkout: Path) -> None:
        result = typed("microblog", "db", "migrate", "-m", "mend rows", PYTHONPATH=str(checkout))
        assert result.returncode == 0, result.stderr
        assert "the script is empty" in result.stdout
        assert list(checkout.glob("alembic/versions/*_mend_rows.py"))

    def test_an_installed_package_is_not_written_to(self, typed: Typed, checkout: Path) -> None:
        (checkout / "alembic").rename(checkout / "microblog" / "alembic")
        result = typed("microblog", "db", "migrate", "-m", "no", PYTHONPATH=str(checkout))
        assert result.returncode == 1
        assert "installed package" in result.stderr


def test_under_the_other_name(typed: Typed) -> None:
    result = typed("quart", "--app", "asgi", "db", "current")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{NEWEST} (head)\n"
